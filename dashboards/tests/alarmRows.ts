// Rows and changes of the live topic `alarms` for tests, in the words of the contract.
import type { Change } from '../src/data/live';
import type { Row } from '../src/data/wire/live';
import { TIME_MS } from './frames';

export const COLUMNS = [
  'id', 'code', 'object', 'service', 'area', 'occurrence', 'priority', 'state', 'raised_age_ms', 'changed_age_ms',
  'acked_age_ms', 'acked_by', 'count', 'value', 'limit', 'unit_of_measure', 'why', 'shelved', 'suppressed', 'parent',
  'out_of_service', 'assignee', 'ticket', 'comments', 'first_out', 'chattering', 'seq',
] as const;
type Column = (typeof COLUMNS)[number];

const PLAIN: Record<Column, unknown> = {
  id: '', code: '', object: '', service: 'signal', area: 'gso:31135', occurrence: 1, priority: 2, state: 'unack',
  raised_age_ms: 60_000, changed_age_ms: 60_000, acked_age_ms: null, acked_by: null, count: 1, value: null, limit: null,
  unit_of_measure: null, why: null, shelved: null, suppressed: null, parent: null, out_of_service: null, assignee: null,
  ticket: null, comments: 0, first_out: false, chattering: false, seq: 1,
};

/** The row of one alarm `CODE:OBJECT`; what is not given is plain. */
export function row(id: string, own: Partial<Record<Column, unknown>> = {}): Row {
  const [code = '', object = ''] = id.split(':');
  const cells = { ...PLAIN, id, code, object, ...own };
  return COLUMNS.map((column) => cells[column]);
}

export function snapshot(rows: Row[]): Change {
  return { kind: 'replaced', columns: COLUMNS, rows, removed: [], time_ms: TIME_MS, stored: true, transitions: [] };
}

/** `transitions` are `[seq, id, action, from, to, by, age_ms]`. */
export function delta(rows: Row[], transitions: Row[] = [], removed: string[] = [], time_ms = TIME_MS): Change {
  return { kind: 'changed', columns: COLUMNS, rows, removed, time_ms, stored: true, transitions };
}
