// The last hours of one device: what its signal groups showed, and what it said of its equipment.
// Documents of the generated types, checked for what the pages rest on.
import { get, Problem } from './http';
import { instant, isRecord, list, number, text } from './narrow';
import type { EquipmentHistory, EquipmentReport } from './wire/api';

export type Span = { from_ms: number; to_ms: number };
/** What a group showed from `begin_ms` on until the next run; null from where on nobody knows. */
export type Run = { begin_ms: number; state: number | null };
export type GroupRuns = { key: string; kind: string; group: number; runs: readonly Run[] };
/** What the controller ran from `begin_ms` on. */
export type Program = { begin_ms: number; mode: string | null; plan: number | null; cycle_s: number | null };
export type Indications = Span & { groups: readonly GroupRuns[]; programs: readonly Program[] };

export type Report = Omit<EquipmentReport, 'time'> & { time_ms: number };
export type Connection = { time_ms: number; online: boolean };
export type Equipment = Span & { reports: readonly Report[]; connections: readonly Connection[] };

function asked(span: Span): Record<string, string> {
  return { from: new Date(span.from_ms).toISOString(), to: new Date(span.to_ms).toISOString() };
}

export async function fetchIndications(id: string, span: Span, signal: AbortSignal): Promise<Indications> {
  return readIndications(await get(`devices/${encodeURIComponent(id)}/indications`, asked(span), signal));
}

export function readIndications(body: unknown): Indications {
  if (!isRecord(body)) throw Problem.ofShape('indications');
  const from_ms = instant(body['from']);
  const to_ms = instant(body['to']);
  if (from_ms === null || to_ms === null) throw Problem.ofShape('indications');
  const groups = list(body['groups']).flatMap((each) => {
    const kind = isRecord(each) ? text(each['kind']) : null;
    const group = isRecord(each) ? number(each['group']) : null;
    if (!isRecord(each) || kind === null || group === null) return [];
    return [{ key: `${kind}/${group}`, kind, group, runs: list(each['runs']).flatMap(readRun) }];
  });
  const programs = list(body['programs']).flatMap((each) => {
    const [time, mode, plan, cycle_s] = list(each);
    const begin_ms = instant(time);
    return begin_ms === null ? [] : [{ begin_ms, mode: text(mode), plan: number(plan), cycle_s: number(cycle_s) }];
  });
  return { from_ms, to_ms, groups, programs };
}

function readRun(value: unknown): Run[] {
  const [begin, state] = list(value);
  const begin_ms = number(begin);
  return begin_ms === null ? [] : [{ begin_ms, state: number(state) }];
}

export async function fetchEquipment(id: string, span: Span, signal: AbortSignal): Promise<Equipment> {
  const body = await get(`devices/${encodeURIComponent(id)}/equipment`, asked(span), signal);
  if (!isHistory(body)) throw Problem.ofShape('equipment');
  const reports = body.reports.flatMap(({ time, ...report }) => {
    const time_ms = instant(time);
    return time_ms === null ? [] : [{ ...report, time_ms }];
  });
  const connections = body.connections.flatMap(([time, online]) => {
    const time_ms = instant(time);
    return time_ms === null ? [] : [{ time_ms, online }];
  });
  return { from_ms: instant(body.from) ?? span.from_ms, to_ms: instant(body.to) ?? span.to_ms, reports, connections };
}

function isHistory(value: unknown): value is EquipmentHistory {
  return isRecord(value) && list(value['reports']).every(isRecord) && list(value['connections']).every(Array.isArray);
}
