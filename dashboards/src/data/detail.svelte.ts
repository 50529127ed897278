// Everything about one device: rows of the live topics `device/{id}` and, for signals, `signal/{id}`.
// Values keep the names and units of the telemetry contract; this file narrows them for the views.
import { flag, instant, isRecord, list, number, text, type Unknowns } from './narrow';
import { cells, measuredAt } from './rows';
import type { Change } from './live';
import type { Row } from './wire/live';

export type Part = { key: string; value: Unknowns; measured_at_ms: number | null };

/** One lane or zone of the latest interval. */
export type Lane = {
  key: string;
  /** Vehicles per hour, from the count and the length of the interval. */
  flow_veh_h: number | null;
  speed_kmh: number | null;
  /** Share 0..1. */
  occupancy: number | null;
  queue_m: number | null;
  motorcycle_share: number | null;
  measured_at_ms: number | null;
};

export type Group = {
  key: string;
  kind: string;
  group: number;
  /** SAE J2735 movement phase state 0..9. */
  state: number;
  since_ms: number | null;
  /** Hub time at which the state ends at the earliest, at the latest and most likely. */
  min_end_ms: number | null;
  max_end_ms: number | null;
  likely_end_ms: number | null;
};
export type SignalState = {
  measured_at_ms: number | null;
  mode: string | null;
  plan: number | null;
  cycle_s: number | null;
  cycle_position_s: number | null;
  flash: number | null;
  preempt: number | null;
  groups: Group[];
};

/** One indication of a group: from when it was shown, until the next one of the group begins. */
export type Indication = { state: number; from_ms: number };
export type Strip = ReadonlyMap<string, readonly Indication[]>;

/** Indications kept per group; at the shortest cycles this is more than ten minutes. */
const INDICATIONS = 64;

type SignalColumn = 'age_ms' | 'mode' | 'plan' | 'cycle_s' | 'cycle_position_s' | 'flash' | 'preempt' | 'groups';

export class DeviceDetail {
  parts = $state.raw<ReadonlyMap<string, Part>>(new Map());
  signal = $state.raw<SignalState | null>(null);
  /** The first snapshot has arrived. */
  loaded = $state(false);
  lanes = $derived([...this.parts.values()].filter(isLane).map(readLane));
  /** What the groups have shown since the device was opened. */
  strip = $state.raw<Strip>(new Map());

  apply = (change: Change): void => {
    const read = cells<'age_ms' | 'value'>(change.columns);
    const parts = new Map(change.kind === 'replaced' ? [] : this.parts);
    for (const row of change.rows) {
      const value = read(row, 'value');
      const key = String(row[0]);
      parts.set(key, {
        key,
        value: isRecord(value) ? value : {},
        measured_at_ms: measuredAt(read(row, 'age_ms'), change.time_ms),
      });
    }
    for (const key of change.removed) parts.delete(key);
    this.parts = parts;
    this.loaded = true;
  };

  applySignal = (change: Change): void => {
    const row = change.rows[0];
    if (row !== undefined) {
      this.signal = readSignal(change.columns, row, change.time_ms);
      this.strip = extended(this.strip, this.signal);
    }
    this.loaded = true;
  };
}

function isLane(part: Part): boolean {
  return part.key.startsWith('lane/') || part.key.startsWith('zone/');
}

function readLane({ key, value, measured_at_ms }: Part): Lane {
  const count = number(value['count']);
  const duration_s = number(value['duration_s']);
  const classes = isRecord(value['classes']) ? value['classes'] : {};
  const motorcycles = number(classes['motorcycle']);
  return {
    key,
    flow_veh_h: count === null || !duration_s ? null : (count * 3600) / duration_s,
    speed_kmh: number(value['speed_kmh']),
    occupancy: number(value['occupancy']),
    queue_m: number(value['queue_m']),
    motorcycle_share: count && motorcycles !== null ? motorcycles / count : null,
    measured_at_ms,
  };
}

function readSignal(columns: readonly string[], row: Row, frame_ms: number): SignalState {
  const read = cells<SignalColumn>(columns);
  const measured_at_ms = measuredAt(read(row, 'age_ms'), frame_ms);
  return {
    measured_at_ms,
    mode: text(read(row, 'mode')),
    plan: number(read(row, 'plan')),
    cycle_s: number(read(row, 'cycle_s')),
    cycle_position_s: number(read(row, 'cycle_position_s')),
    flash: number(read(row, 'flash')),
    preempt: number(read(row, 'preempt')),
    groups: list(read(row, 'groups')).flatMap((group) => readGroup(group, frame_ms, measured_at_ms)),
  };
}

/** `[kind, group, state, since_age_ms, min_end_s, max_end_s, likely_end_s]`; ends count from the measurement. */
function readGroup(value: unknown, frame_ms: number, measured_at_ms: number | null): Group[] {
  const cell = list(value);
  const kind = text(cell[0]);
  const group = number(cell[1]);
  const state = number(cell[2]);
  if (kind === null || group === null || state === null) return [];
  const end = (s: unknown): number | null => {
    const seconds = number(s);
    return seconds === null || measured_at_ms === null ? null : measured_at_ms + seconds * 1000;
  };
  return [
    {
      key: `${kind}/${group}`,
      kind,
      group,
      state,
      since_ms: measuredAt(cell[3], frame_ms),
      min_end_ms: end(cell[4]),
      max_end_ms: end(cell[5]),
      likely_end_ms: end(cell[6]),
    },
  ];
}

/** Adds what the groups show now, where it is another indication than the last one. */
function extended(strip: Strip, signal: SignalState): Strip {
  const next = new Map(strip);
  for (const group of signal.groups) {
    const before = next.get(group.key) ?? [];
    const last = before.at(-1);
    const from_ms = group.since_ms ?? signal.measured_at_ms;
    if (from_ms === null || last?.state === group.state) continue;
    if (last !== undefined && last.from_ms >= from_ms) continue;
    next.set(group.key, [...before.slice(1 - INDICATIONS), { state: group.state, from_ms }]);
  }
  return next;
}

export type Incident = { key: string; kind: string; zone: string; since_ms: number | null; ended: boolean };

/** Incidents of a camera, newest first. */
export function incidents(parts: ReadonlyMap<string, Part>): Incident[] {
  return [...parts.values()]
    .filter((part) => part.key.startsWith('incident/'))
    .map(({ key, value, measured_at_ms }) => {
      const [, kind = '', zone = ''] = key.split('/');
      const since_ms = instant(value['time']) ?? measured_at_ms;
      return { key, kind, zone, since_ms, ended: text(value['ended']) !== null || flag(value['active']) === false };
    })
    .sort((a, b) => (b.since_ms ?? 0) - (a.since_ms ?? 0));
}
