// What an operator does to alarms: one request each, and the hub's answer for every alarm. The rows
// change only by the hub's message on the live topic, never by these answers.
import { fetchHistory } from './alarmHistory';
import { post, Problem } from './http';
import { instant, isRecord, list, text } from './narrow';
import type { Alarm } from './alarms.svelte';

export type SecondPerson = { user: string; password: string };
/** Actions that want nothing but a reason. */
export const PLAIN_ACTIONS = ['unshelve', 'suppress', 'unsuppress', 'in-service', 'reset'] as const;
export type PlainAction = (typeof PLAIN_ACTIONS)[number];
export type Action =
  | { kind: 'acknowledge'; comment?: string }
  | { kind: PlainAction; reason: string }
  | { kind: 'shelve'; until_ms: number; reason: string; second?: SecondPerson }
  | { kind: 'out-of-service'; reason: string; ticket: string | null }
  | { kind: 'comment'; text: string }
  | { kind: 'assign'; assignee: string | null }
  | { kind: 'link'; ticket: string | null };

/** What became of one alarm; in a conflict `by` and `at_ms` tell who was first, `code` why it was refused. */
export type Outcome = { id: string; result: 'done' | 'conflict' | 'refused'; code: string | null; by: string | null; at_ms: number | null };

/** Longest shelf by priority, in hours: a critical alarm is not forgotten over a shift. */
export const SHELF_MAX_H = { 1: 1, 2: 8, 3: 8, 4: 8 } as const;
/** Longest reason or comment, characters. */
export const TEXT_MAX = 500;
/** Longest name of an account or ticket, characters. */
export const NAME_MAX = 100;

const CONFLICT = 409;
/** Codes of the hub that mean that somebody was first, with the step of the history that tells who. */
const FIRST_STEPS: Partial<Record<string, string>> = { acknowledged: 'acknowledge', shelved: 'shelve', out_of_service: 'out_of_service' };
/** The alarm is another one now than was seen, which nobody needs to have done. */
const CHANGED = 'changed';

/** Throws `Problem` when nothing was done at all. */
export async function send(alarms: readonly Alarm[], action: Action): Promise<Outcome[]> {
  if (action.kind !== 'acknowledge') return Promise.all(alarms.map((alarm) => one(alarm, () => post(path(alarm, action.kind), bodyOf(action)))));
  const ids = alarms.map(({ id, occurrence, state }) => ({ id, occurrence, state }));
  const ask = (): Promise<unknown> => post('alarms/acknowledge', { ids, ...(action.comment && { comment: action.comment }) });
  const [first] = alarms;
  // A single one that somebody else was first with is refused as a whole.
  if (first !== undefined && alarms.length === 1) return [await one(first, ask)];
  return readOutcomes(await ask(), alarms);
}

function path({ id }: Alarm, kind: Action['kind']): string {
  return `alarms/${encodeURIComponent(id)}/${kind}`;
}

async function one({ id }: Alarm, ask: () => Promise<unknown>): Promise<Outcome> {
  try {
    await ask();
    return { id, result: 'done', code: null, by: null, at_ms: null };
  } catch (cause) {
    if (!(cause instanceof Problem) || cause.status !== CONFLICT) throw cause;
    const { code } = cause;
    if (code === CHANGED) return { id, result: 'conflict', code, by: null, at_ms: null };
    const step = FIRST_STEPS[code];
    // The hub answers everything that the present state forbids with the same status.
    if (step === undefined) return { id, result: 'refused', code, by: null, at_ms: null };
    return { id, result: 'conflict', code, ...(await firstOf(id, step)) };
  }
}

/** Who took this step with the alarm last; nobody when even that cannot be learnt. */
async function firstOf(id: string, action: string): Promise<{ by: string | null; at_ms: number | null }> {
  try {
    const step = (await fetchHistory(id)).find((each) => each.action === action);
    return { by: step?.by ?? null, at_ms: step?.at_ms ?? null };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    return { by: null, at_ms: null };
  }
}

function bodyOf(action: Exclude<Action, { kind: 'acknowledge' }>): Record<string, unknown> {
  const { kind: _kind, ...rest } = action;
  if (!('until_ms' in rest)) return rest;
  const { until_ms, ...body } = rest;
  return { ...body, until: new Date(until_ms).toISOString() };
}

/** An alarm that the answer does not name was done. */
export function readOutcomes(body: unknown, alarms: readonly Alarm[]): Outcome[] {
  const rows = isRecord(body) ? list(body['results']) : [];
  const told = new Map(rows.filter(isRecord).map((row) => [text(row['id']) ?? '', row]));
  return alarms.map(({ id }) => {
    const row = told.get(id);
    const word = text(row?.['result']) ?? 'done';
    const result = word === 'done' || word === 'conflict' ? word : 'refused';
    return { id, result, code: text(row?.['code']), by: text(row?.['by']), at_ms: instant(row?.['at']) };
  });
}
