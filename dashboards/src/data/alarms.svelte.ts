// All alarms that an operator may have to do with: rows of the live topic `alarms`, which holds every
// alarm that is not plainly normal, or is shelved or out of service.
// To: strip, list, map and device views. Invariants: an alarm object never changes, a row that changes
// is a new object; only alarms that are neither shelved, suppressed nor out of service count.
import { Flood } from './flood.svelte';
import { flag, isRecord, number, text } from './narrow';
import { cells, measuredAt } from './rows';
import type { AlarmRule } from './alarmRules';
import type { Change } from './live';
import type { Row } from './wire/live';

export const PRIORITIES = [1, 2, 3, 4] as const;
export type Priority = (typeof PRIORITIES)[number];
/** ISA-18.2: active unacknowledged, active acknowledged, returned unacknowledged, waiting for a reset. */
export type AlarmState = 'norm' | 'unack' | 'ack' | 'rtnun' | 'latch';
export type Shelf = { until_ms: number; by: string; reason: string };
export type Outage = { by: string; ticket: string | null };

export type Alarm = {
  /** `{code}:{object}`. */
  readonly id: string;
  readonly code: string;
  /** Id of a device, `DEVICE/lane/N` or `DEVICE/zone/NAME` of a detector, or `hub:…`, `unit:…`, `corridor:…`, `indicator:…`. */
  readonly object: string;
  readonly service: string | null;
  readonly area: string | null;
  readonly occurrence: number;
  readonly priority: Priority;
  readonly state: AlarmState;
  readonly raised_at_ms: number | null;
  readonly changed_at_ms: number | null;
  readonly acked_at_ms: number | null;
  readonly acked_by: string | null;
  /** Times it was raised within this occurrence. */
  readonly count: number;
  readonly value: number | string | null;
  readonly limit: number | string | null;
  readonly unit_of_measure: string | null;
  readonly why: string | null;
  readonly shelved: Shelf | null;
  /** By which rule it is suppressed: `parent`, `works` or `flood`. */
  readonly suppressed: string | null;
  /** Alarm that explains this one. */
  readonly parent: string | null;
  readonly out_of_service: Outage | null;
  readonly assignee: string | null;
  readonly ticket: string | null;
  readonly comments: number;
  readonly first_out: boolean;
  readonly chattering: boolean;
  readonly seq: number;
};
/** One step of one alarm, as it was committed. */
export type Transition = {
  seq: number;
  id: string;
  action: string;
  from: string | null;
  to: string | null;
  by: string | null;
  at_ms: number | null;
};
export type Counts = Record<Priority, number>;

type Column = Exclude<keyof Alarm, 'raised_at_ms' | 'changed_at_ms' | 'acked_at_ms'> | 'raised_age_ms' | 'changed_age_ms' | 'acked_age_ms';
type Read = (row: Row, name: Column) => unknown;

/** Actions that ask for the operator's attention anew. */
const RAISES = new Set(['raise', 're_raise', 'escalate']);

export class Alarms {
  list = $state.raw<readonly Alarm[]>([]);
  /** What each rule means and what to do; empty until it was fetched. */
  rules = $state.raw<ReadonlyMap<string, AlarmRule>>(new Map());
  /** The first snapshot has arrived. */
  loaded = $state(false);
  readonly flood = new Flood();
  #greeted = $state.raw<Counts | null>(null);
  #by_id = new Map<string, Alarm>();
  #read: Read = cells<Column>([]);
  #listeners = new Set<(transitions: readonly Transition[]) => void>();

  /** Unacknowledged alarms that count, by priority. */
  unacknowledged = $derived(this.loaded || this.#greeted === null ? counted(this.list) : this.#greeted);
  /** Alarms of each device or other object that count, with those of its detectors, the most urgent one first. */
  by_object = $derived(byObject(this.list));

  get(id: string): Alarm | undefined {
    return this.#by_id.get(id);
  }

  /** Counts that came before the first snapshot. */
  greet(unacknowledged: Record<string, number> | undefined): void {
    if (unacknowledged === undefined) return;
    const of = (priority: Priority): number => unacknowledged[String(priority)] ?? 0;
    this.#greeted = { 1: of(1), 2: of(2), 3: of(3), 4: of(4) };
  }

  /** Calls back after every change with the transitions that made it; none after a snapshot. */
  onChange(listener: (transitions: readonly Transition[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  apply = (change: Change): void => {
    if (change.kind === 'replaced') {
      this.#read = cells<Column>(change.columns);
      this.#by_id.clear();
    }
    for (const row of change.rows) {
      const alarm = readAlarm(this.#read, row, change.time_ms);
      if (alarm !== null) this.#by_id.set(alarm.id, alarm);
    }
    for (const id of change.removed) this.#by_id.delete(id);
    const transitions = (change.transitions ?? []).flatMap((row) => readTransition(row, change.time_ms));
    this.list = [...this.#by_id.values()];
    if (change.kind === 'replaced') this.flood.restart(this.list.filter(counts).map(raised), change.time_ms);
    else this.flood.add(this.#newRaises(transitions), change.time_ms);
    this.loaded = true;
    for (const listener of this.#listeners) listener(transitions);
  };

  /** Times of new occurrences that the operator is shown. */
  #newRaises(transitions: readonly Transition[]): number[] {
    return transitions.flatMap((each) => {
      const alarm = this.#by_id.get(each.id);
      const shown = alarm === undefined || counts(alarm);
      return isRaise(each) && shown && each.at_ms !== null ? [each.at_ms] : [];
    });
  }
}

export function isRaise(transition: Transition): boolean {
  return RAISES.has(transition.action);
}

/** Whether it is for the operator now: neither shelved nor suppressed nor out of service. */
export function counts(alarm: Alarm): boolean {
  return alarm.state !== 'norm' && alarm.shelved === null && alarm.suppressed === null && alarm.out_of_service === null;
}

export function isUnacknowledged(alarm: Alarm): boolean {
  return alarm.state === 'unack' || alarm.state === 'rtnun';
}

/** The device that a detector belongs to; any other object is whole itself. */
export function wholeOf(object: string): string {
  const slash = object.indexOf('/');
  return slash < 0 ? object : object.slice(0, slash);
}

/** When the newest unacknowledged alarm of priority 1 or 2 was raised; null when there is none. */
export function urgentSince(list: readonly Alarm[]): number | null {
  const urgent = list.filter((alarm) => alarm.priority <= 2 && counts(alarm) && isUnacknowledged(alarm));
  return urgent.length === 0 ? null : Math.max(...urgent.map(raised));
}

function raised(alarm: Alarm): number {
  return alarm.raised_at_ms ?? 0;
}

function counted(list: readonly Alarm[]): Counts {
  const sum: Counts = { 1: 0, 2: 0, 3: 0, 4: 0 };
  for (const alarm of list) if (counts(alarm) && isUnacknowledged(alarm)) sum[alarm.priority] += 1;
  return sum;
}

/** Unacknowledged ones first, then the most urgent, then the newest. */
export function moreUrgent(a: Alarm, b: Alarm): number {
  const acknowledged = Number(!isUnacknowledged(a)) - Number(!isUnacknowledged(b));
  return acknowledged || a.priority - b.priority || raised(b) - raised(a) || (a.id < b.id ? -1 : 1);
}

function byObject(list: readonly Alarm[]): ReadonlyMap<string, readonly Alarm[]> {
  const found = new Map<string, Alarm[]>();
  for (const alarm of list) {
    if (!counts(alarm)) continue;
    const object = wholeOf(alarm.object);
    const same = found.get(object);
    if (same === undefined) found.set(object, [alarm]);
    else same.push(alarm);
  }
  for (const same of found.values()) same.sort(moreUrgent);
  return found;
}

function readAlarm(read: Read, row: Row, frame_ms: number): Alarm | null {
  const id = String(row[0]);
  const code = text(read(row, 'code')) ?? id.slice(0, id.indexOf(':'));
  return {
    id,
    code,
    object: text(read(row, 'object')) ?? id.slice(code.length + 1),
    service: text(read(row, 'service')),
    area: text(read(row, 'area')),
    occurrence: number(read(row, 'occurrence')) ?? 0,
    priority: priorityOf(read(row, 'priority')),
    state: stateOf(read(row, 'state')),
    raised_at_ms: measuredAt(read(row, 'raised_age_ms'), frame_ms),
    changed_at_ms: measuredAt(read(row, 'changed_age_ms'), frame_ms),
    acked_at_ms: measuredAt(read(row, 'acked_age_ms'), frame_ms),
    acked_by: text(read(row, 'acked_by')),
    count: number(read(row, 'count')) ?? 1,
    value: figure(read(row, 'value')),
    limit: figure(read(row, 'limit')),
    unit_of_measure: text(read(row, 'unit_of_measure')),
    why: text(read(row, 'why')),
    shelved: readShelf(read(row, 'shelved'), frame_ms),
    suppressed: text(read(row, 'suppressed')),
    parent: text(read(row, 'parent')),
    out_of_service: readOutage(read(row, 'out_of_service')),
    assignee: text(read(row, 'assignee')),
    ticket: text(read(row, 'ticket')),
    comments: number(read(row, 'comments')) ?? 0,
    first_out: flag(read(row, 'first_out')) ?? false,
    chattering: flag(read(row, 'chattering')) ?? false,
    seq: number(read(row, 'seq')) ?? 0,
  };
}

/** A priority that the page does not know is shown as the most urgent one: better seen than missed. */
export function priorityOf(value: unknown): Priority {
  return PRIORITIES.find((each) => each === value) ?? 1;
}

export function stateOf(value: unknown): AlarmState {
  const word = text(value)?.toLowerCase();
  return word === 'norm' || word === 'ack' || word === 'rtnun' || word === 'latch' ? word : 'unack';
}

function figure(value: unknown): number | string | null {
  return number(value) ?? text(value);
}

function readShelf(value: unknown, frame_ms: number): Shelf | null {
  if (!isRecord(value)) return null;
  return {
    until_ms: frame_ms + (number(value['until_in_ms']) ?? 0),
    by: text(value['by']) ?? '',
    reason: text(value['reason']) ?? '',
  };
}

function readOutage(value: unknown): Outage | null {
  return isRecord(value) ? { by: text(value['by']) ?? '', ticket: text(value['ticket']) } : null;
}

function readTransition(row: Row, frame_ms: number): Transition[] {
  const [seq, id, action, from, to, by, age_ms] = row;
  const known = text(id);
  if (known === null) return [];
  return [
    {
      seq: number(seq) ?? 0,
      id: known,
      action: text(action)?.toLowerCase() ?? '',
      from: text(from),
      to: text(to),
      by: text(by),
      at_ms: measuredAt(age_ms, frame_ms),
    },
  ];
}
