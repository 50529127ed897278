// How well the alarms serve the operators over a span of time: rates, floods, the codes that ring most,
// times to acknowledge and to clear, and how available the devices were; each figure with its target.
// From `GET alarms/performance`. Null is "not known", never zero.
import { get } from './http';
import { flag, instant, isRecord, list, number, text, type Unknowns } from './narrow';

/** Shares are 0 to 1. */
export type Figure = { value: number | null; target: { op: string; value: number } | null; met: boolean | null };
export type Hour = { at_ms: number; count: number };
export type TopCode = { code: string; alarms: number; share: number | null };
/** An alarm by name, with what is told of it: how often it came, or since when it is active. */
export type NamedAlarm = { id: string; code: string; object: string; alarms: number | null; raised_at_ms: number | null };
/** `1-2`, `3` or `4`. */
export type MixPart = { priorities: string; alarms: number; share: Figure };
export type Handling = {
  priority: number;
  alarms: number;
  /** Those that wait to be acknowledged; they are in no percentile yet. */
  waiting: number;
  acknowledge_p50_s: number | null;
  acknowledge_p90: Figure;
  clear_p50_s: number | null;
  clear_p90_s: number | null;
};
export type Equipment = {
  service: string;
  devices: number;
  /** Outages that began, and those that go on. */
  begun: number;
  ongoing: number;
  mttr_s: number | null;
  mtbf_s: number | null;
  availability: Figure;
};
/** Share of what was expected that came (a stream) or was good (intervals, with an empty stream). */
export type Completeness = { service: string; stream: string; share: Figure };
export type Performance = {
  known_since_ms: number | null;
  /** By these the rates are divided. */
  operators: number;
  alarms: number | null;
  not_presented: number | null;
  rate_10min_mean: Figure;
  rate_10min_max: Figure;
  flood_share: Figure;
  floods: number;
  stale: Figure;
  top10_share: Figure;
  hours: Hour[];
  stale_alarms: NamedAlarm[];
  chattering: NamedAlarm[];
  top: TopCode[];
  mix: MixPart[];
  handling: Handling[];
  equipment: Equipment[];
  completeness: Completeness[];
};

export async function fetchPerformance(from_ms: number, to_ms: number, signal: AbortSignal): Promise<Performance> {
  const span = { from: new Date(from_ms).toISOString(), to: new Date(to_ms).toISOString() };
  return readPerformance(await get('alarms/performance', span, signal));
}

export function readPerformance(body: unknown): Performance {
  const answer = isRecord(body) ? body : {};
  const rows = (key: string): Unknowns[] => list(answer[key]).filter(isRecord);
  return {
    known_since_ms: instant(answer['known_since']),
    operators: number(answer['operators']) ?? 1,
    alarms: number(answer['alarms']),
    not_presented: number(answer['not_presented']),
    rate_10min_mean: readFigure(answer['rate_10min_mean']),
    rate_10min_max: readFigure(answer['rate_10min_max']),
    flood_share: readFigure(answer['flood_share']),
    floods: list(answer['floods']).length,
    stale: readFigure(answer['stale']),
    top10_share: readFigure(answer['top10_share']),
    hours: rows('hours').flatMap(readHour),
    stale_alarms: rows('stale_alarms').map(readNamed),
    chattering: rows('chattering').map(readNamed),
    top: rows('top').map((row) => ({ code: text(row['code']) ?? '', alarms: number(row['alarms']) ?? 0, share: number(row['share']) })),
    mix: rows('priorities').map((row) => ({
      priorities: text(row['priorities']) ?? '',
      alarms: number(row['alarms']) ?? 0,
      share: readFigure(row['share']),
    })),
    handling: rows('handling').map(readHandling),
    equipment: rows('equipment').map(readEquipment),
    completeness: [
      ...rows('streams').map((row) => readCompleteness(row, row['received'])),
      ...rows('intervals').map((row) => readCompleteness(row, row['share'])),
    ],
  };
}

function readFigure(value: unknown): Figure {
  if (!isRecord(value)) return { value: null, target: null, met: null };
  const target = isRecord(value['target']) ? value['target'] : {};
  const bound = number(target['value']);
  return {
    value: number(value['value']),
    target: bound === null ? null : { op: text(target['op']) ?? '<=', value: bound },
    met: flag(value['met']),
  };
}

function readHour(row: Unknowns): Hour[] {
  const at_ms = instant(row['start']);
  const count = list(row['priorities']).reduce((sum: number, each) => sum + (number(each) ?? 0), 0);
  return at_ms === null ? [] : [{ at_ms, count }];
}

function readNamed(row: Unknowns): NamedAlarm {
  return {
    id: text(row['alarm']) ?? '',
    code: text(row['code']) ?? '',
    object: text(row['object']) ?? '',
    alarms: number(row['alarms']),
    raised_at_ms: instant(row['raised_at']),
  };
}

function readHandling(row: Unknowns): Handling {
  return {
    priority: number(row['priority']) ?? 0,
    alarms: number(row['alarms']) ?? 0,
    waiting: number(row['waiting']) ?? 0,
    acknowledge_p50_s: number(row['acknowledge_p50_s']),
    acknowledge_p90: readFigure(row['acknowledge_p90']),
    clear_p50_s: number(row['clear_p50_s']),
    clear_p90_s: number(row['clear_p90_s']),
  };
}

function readEquipment(row: Unknowns): Equipment {
  return {
    service: text(row['service']) ?? '',
    devices: number(row['devices']) ?? 0,
    begun: number(row['begun']) ?? 0,
    ongoing: number(row['ongoing']) ?? 0,
    mttr_s: number(row['mttr_s']),
    mtbf_s: number(row['mtbf_s']),
    availability: readFigure(row['availability']),
  };
}

function readCompleteness(row: Unknowns, share: unknown): Completeness {
  return { service: text(row['service']) ?? '', stream: text(row['stream']) ?? '', share: readFigure(share) };
}
