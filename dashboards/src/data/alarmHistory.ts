// What has happened to alarms: the steps of one alarm, and the journal of all of them over a span of time.
import { get, getBytes } from './http';
import { instant, isRecord, list, number, text, type Unknowns } from './narrow';

export type Step = {
  seq: number;
  at_ms: number | null;
  /** Alarm of which it is a step. */
  id: string;
  code: string;
  object: string;
  occurrence: number;
  action: string;
  from: string | null;
  to: string | null;
  by: string | null;
  /** Who agreed to it. */
  second: string | null;
  /** Reason or comment. */
  reason: string | null;
  priority: number | null;
  value: number | string | null;
  limit: number | string | null;
};
export type JournalQuery = { from_ms: number; to_ms: number; code?: string | null; object?: string | null };
export type JournalPage = { steps: Step[]; next: string | null };

const PAGE = 200;
/** Rows of a file's part; the hub's own largest page. */
const FILE_PAGE = 10_000;

/** Steps of one alarm, newest first. Throws `Problem`. */
export async function fetchHistory(id: string, signal?: AbortSignal): Promise<Step[]> {
  const body = await get(`alarms/${encodeURIComponent(id)}`, {}, signal);
  return readSteps(isRecord(body) ? body['history'] : null, id).sort((a, b) => b.seq - a.seq);
}

export async function fetchJournal(query: JournalQuery, after: string | null, signal: AbortSignal): Promise<JournalPage> {
  const body = await get('alarms/journal', { ...asked(query), limit: String(PAGE), ...(after !== null && { after }) }, signal);
  const answer = isRecord(body) ? body : {};
  return { steps: readSteps(answer['items'], ''), next: text(answer['next']) };
}

/** The same journal as one CSV file, however long; the first cell of a row is its number. Throws `Problem`. */
export async function fetchJournalCsv(query: JournalQuery, signal: AbortSignal): Promise<string> {
  let file = '';
  let after: string | null = null;
  do {
    const page = { ...asked(query), limit: String(FILE_PAGE), ...(after !== null && { after }) };
    const part = new TextDecoder().decode((await getBytes('alarms/journal', page, 'text/csv', signal)).bytes);
    const body = file === '' ? part : part.slice(part.indexOf('\n') + 1);
    file += body;
    // A cell may hold line breaks in quotes, so rows are recognised by the number that they begin with.
    const numbers = [...body.matchAll(/^(\d+),\d{4}-\d\d-\d\dT/gm)];
    after = numbers.length < FILE_PAGE ? null : (numbers.at(-1)?.[1] ?? null);
  } while (after !== null);
  return file;
}

function asked({ from_ms, to_ms, code, object }: JournalQuery): Record<string, string> {
  return {
    from: new Date(from_ms).toISOString(),
    to: new Date(to_ms).toISOString(),
    ...(code && { code }),
    ...(object && { object }),
  };
}

export function readSteps(rows: unknown, id: string): Step[] {
  return list(rows).filter(isRecord).map((row) => readStep(row, id));
}

function readStep(row: Unknowns, alarm: string): Step {
  const id = text(row['id']) ?? alarm;
  const colon = id.indexOf(':');
  return {
    seq: number(row['seq']) ?? 0,
    at_ms: instant(row['at']),
    id,
    code: id.slice(0, colon),
    object: id.slice(colon + 1),
    occurrence: number(row['occurrence']) ?? 0,
    action: text(row['action']) ?? '',
    from: text(row['from_state']),
    to: text(row['to_state']),
    by: text(row['who']),
    second: text(row['second']),
    reason: text(row['reason']),
    priority: number(row['priority']),
    value: number(row['value']) ?? text(row['value']),
    limit: number(row['limit']) ?? text(row['limit']),
  };
}
