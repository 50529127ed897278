// The last 24 hours again: what every device showed at an instant, and the alarms of that instant, as
// stores of the same kind as the live ones, so that map, list, detail and charts need not know which they
// draw. From: `GET state?at=` and the journal of alarms. The instant that was asked for last wins.
import { fetchJournal, type Step } from './alarmHistory';
import { Alarms } from './alarms.svelte';
import { DeviceDetail } from './detail.svelte';
import { Devices } from './devices.svelte';
import { get, Problem } from './http';
import { instant, isRecord, list, number, text, type Unknowns } from './narrow';
import type { Device } from './wire/api';
import type { Row } from './wire/live';

export const SPAN_MS = 24 * 3_600_000;
/** A slider that is being drawn along is not asked for at each of its steps. */
const SETTLE_MS = 200;
/** Pages of the journal of alarms that are read for an instant; older steps are then left out. */
const PAGES = 5;

const DEVICE_COLUMNS = ['id', 'condition', 'why', 'age_ms', 'flow_veh_h', 'speed_kmh', 'occupancy', 'mode'];
const PART_COLUMNS = ['key', 'age_ms', 'value'];
const SIGNAL_COLUMNS = ['id', 'age_ms', 'mode', 'plan', 'cycle_s', 'cycle_position_s', 'flash', 'preempt', 'groups'];
const ALARM_COLUMNS = ['id', 'code', 'object', 'occurrence', 'priority', 'state', 'raised_age_ms', 'count', 'seq'];

export class Replay {
  /** The instant that is shown; null while live. */
  at_ms = $state<number | null>(null);
  /** The instant is asked for and not answered yet. */
  loading = $state(false);
  failure = $state<string | null>(null);
  /** Alarms that have not changed since this instant are not among those shown; null before any are. */
  alarms_from_ms = $state<number | null>(null);
  readonly devices = new Devices();
  readonly alarms = new Alarms();
  #shown = $state.raw<ReadonlyMap<string, Unknowns>>(new Map());
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;

  /** Goes back to live. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.at_ms = null;
    this.loading = false;
    this.failure = null;
  }

  /** Shows the instant as soon as the hub has answered. `documents` is the registry, which has no past here. */
  show(at_ms: number, documents: readonly Device[]): void {
    if (this.at_ms === null || this.devices.list.length !== documents.length) this.devices.load(documents);
    this.at_ms = at_ms;
    this.loading = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(at_ms), SETTLE_MS);
  }

  /** What one device showed, as its live topics would have told it. */
  detail(id: string): DeviceDetail {
    const detail = new DeviceDetail();
    const at_ms = this.at_ms ?? 0;
    const shown = this.#shown.get(id);
    const frame = { kind: 'replaced', removed: [], time_ms: at_ms, stored: true } as const;
    detail.apply({ ...frame, columns: PART_COLUMNS, rows: shown === undefined ? [] : parts(shown, at_ms) });
    const signal = shown === undefined ? null : signalRow(id, shown, at_ms);
    if (signal !== null) detail.applySignal({ ...frame, columns: SIGNAL_COLUMNS, rows: [signal] });
    return detail;
  }

  async #load(at_ms: number): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const [state, { steps, from_ms }] = await Promise.all([fetchState(at_ms, abort.signal), stepsUntil(at_ms, abort.signal)]);
      if (abort.signal.aborted) return;
      this.#put(at_ms, state, steps);
      this.alarms_from_ms = from_ms;
      this.failure = null;
    } catch (cause) {
      if (abort.signal.aborted) return;
      // What another instant showed must not stand under this one.
      this.#put(at_ms, new Map(), []);
      this.alarms.loaded = false;
      this.alarms_from_ms = null;
      this.failure = cause instanceof Problem ? cause.code : 'unexpected';
    }
    this.loading = false;
  }

  #put(at_ms: number, state: ReadonlyMap<string, Unknowns>, steps: readonly Step[]): void {
    this.#shown = state;
    const frame = { kind: 'replaced', removed: [], time_ms: at_ms, stored: true } as const;
    this.devices.apply({ ...frame, columns: DEVICE_COLUMNS, rows: [...state].map(([id, shown]) => deviceRow(id, shown, at_ms)) });
    this.alarms.apply({ ...frame, columns: ALARM_COLUMNS, rows: alarmRows(steps, at_ms) });
    this.devices.mark(this.alarms.by_object);
  }
}

async function fetchState(at_ms: number, signal: AbortSignal): Promise<Map<string, Unknowns>> {
  const body = await get('state', { at: new Date(at_ms).toISOString() }, signal);
  if (!isRecord(body)) throw Problem.ofShape('state');
  return new Map(list(body['devices']).filter(isRecord).map((device) => [text(device['id']) ?? '', device]));
}

/** Steps of alarms within the day before the instant, newest first, and since when none is missing. */
async function stepsUntil(at_ms: number, signal: AbortSignal): Promise<{ steps: Step[]; from_ms: number }> {
  const steps: Step[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES; page += 1) {
    const answer = await fetchJournal({ from_ms: at_ms - SPAN_MS, to_ms: at_ms }, after, signal);
    steps.push(...answer.steps);
    after = answer.next;
    if (after === null) break;
  }
  const oldest_ms = steps.at(-1)?.at_ms ?? at_ms;
  return { steps, from_ms: after === null ? at_ms - SPAN_MS : oldest_ms };
}

/** The state that each alarm had come to, from its latest step that changed it. */
export function alarmRows(steps: readonly Step[], at_ms: number): Row[] {
  const latest = new Map<string, Step>();
  const raised = new Map<string, number>();
  for (const step of [...steps].sort((a, b) => a.seq - b.seq)) {
    if (step.to !== null) latest.set(step.id, step);
    if (step.to === 'unack' && step.from !== 'unack' && step.at_ms !== null) raised.set(step.id, step.at_ms);
  }
  return [...latest.values()]
    .filter((step) => step.to !== 'norm')
    .map((step) => {
      const raised_ms = raised.get(step.id) ?? step.at_ms;
      const age_ms = raised_ms === null ? null : at_ms - raised_ms;
      return [step.id, step.code, step.object, step.occurrence, step.priority ?? 4, step.to, age_ms, 1, step.seq];
    });
}

function age(time: unknown, at_ms: number): number | null {
  const ms = instant(time);
  return ms === null ? null : at_ms - ms;
}

/** The live row of a device: flow summed, speed weighted by vehicles, occupancy averaged over its lanes. */
export function deviceRow(id: string, shown: Unknowns, at_ms: number): Row {
  const readings = list(shown['readings']).filter(isRecord);
  let [flow, vehicles, weighted, occupancy, measured]: [number | null, number, number, number, number] = [null, 0, 0, 0, 0];
  let age_ms: number | null = null;
  for (const reading of readings) {
    const [count, duration_s] = [number(reading['count']), number(reading['duration_s'])];
    if (count !== null && duration_s) flow = (flow ?? 0) + (count * 3600) / duration_s;
    const speed = number(reading['speed_kmh']);
    if (speed !== null && count) {
      vehicles += count;
      weighted += speed * count;
    }
    const occupied = number(reading['occupancy']);
    if (occupied !== null) {
      occupancy += occupied;
      measured += 1;
    }
    const own = age(reading['time'], at_ms);
    if (own !== null) age_ms = Math.min(age_ms ?? own, own);
  }
  const signal = isRecord(shown['signal']) ? shown['signal'] : {};
  const health = isRecord(shown['health']) ? shown['health'] : {};
  age_ms ??= age(signal['time'], at_ms) ?? age(health['time'], at_ms);
  return [
    id,
    number(shown['condition']) ?? 0,
    text(shown['why']),
    age_ms,
    flow === null ? null : Math.round(flow),
    vehicles === 0 ? null : weighted / vehicles,
    measured === 0 ? null : occupancy / measured,
    text(signal['mode']),
  ];
}

function parts(shown: Unknowns, at_ms: number): Row[] {
  const rows: Row[] = list(shown['readings'])
    .filter(isRecord)
    .map((reading) => [text(reading['key']) ?? '', age(reading['time'], at_ms), reading]);
  const health = isRecord(shown['health']) ? shown['health'] : null;
  if (health !== null) rows.push(['health', age(health['time'], at_ms), health['report']]);
  return rows;
}

/** Groups of the contract as the live topic writes them: kind, group, state, age, ends in seconds. */
function signalRow(id: string, shown: Unknowns, at_ms: number): Row | null {
  const signal = isRecord(shown['signal']) ? shown['signal'] : null;
  if (signal === null) return null;
  const groups = list(signal['groups'])
    .filter(isRecord)
    .map((group) => [group['kind'], group['group'], group['state'], age(group['since'], at_ms), group['min_end_s'], group['max_end_s'], group['likely_end_s']]);
  const rest = ['mode', 'plan', 'cycle_s', 'cycle_position_s', 'flash', 'preempt'].map((key) => signal[key] ?? null);
  return [id, age(signal['time'], at_ms), ...rest, groups];
}
