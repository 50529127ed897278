// The log of shifts: who did what, hand-overs and their signatures; and the same as a table for others.
import { get, post } from './http';
import { instant, isRecord, list, number, text, type Unknowns } from './narrow';

export type Entry = {
  id: number;
  at_ms: number | null;
  who: string;
  action: string;
  object: string;
  before: unknown;
  after: unknown;
};
export type JournalFilter = { who: string; action: string; from_ms: number | null; to_ms: number | null };
export type Page<Item> = { items: Item[]; next: string | null };
export type Handover = {
  id: number;
  from_ms: number | null;
  to_ms: number | null;
  note: string;
  given_by: string;
  given_at_ms: number | null;
  taken_by: string | null;
  taken_at_ms: number | null;
  entries: number;
};

/** Entries that an export holds at most; a longer span is exported in parts. */
const EXPORT_MOST = 20_000;
const PAGE = '1000';

export async function fetchEntries(filter: JournalFilter, after: string | null, limit: string, signal?: AbortSignal): Promise<Page<Entry>> {
  const body = await get('journal', { ...asked(filter), limit, ...(after !== null && { after }) }, signal);
  return { items: items(body).map(readEntry), next: isRecord(body) ? text(body['next']) : null };
}

/** The newest page put over what was loaded further down. Where the page does not reach down to that, entries
 * between would be missing: then it is all there is, and the rest is asked for from its end. */
export function renewed(loaded: Page<Entry>, newest: Page<Entry>): Page<Entry> {
  const last = newest.items.at(-1)?.id;
  const top = loaded.items[0]?.id;
  if (newest.next === null || last === undefined || top === undefined || last > top) return newest;
  const older = loaded.items.filter((entry) => entry.id < last);
  return older.length === 0 ? newest : { items: [...newest.items, ...older], next: loaded.next };
}

/** The entries of the filter as CSV, newest first; `whole` is false when there are more than it holds. */
export async function exportEntries(filter: JournalFilter): Promise<{ csv: string; rows: number; whole: boolean }> {
  const rows: string[][] = [['id', 'at', 'who', 'action', 'object', 'before', 'after']];
  let after: string | null = null;
  do {
    const page: Page<Entry> = await fetchEntries(filter, after, PAGE);
    for (const each of page.items) {
      const at = each.at_ms === null ? '' : new Date(each.at_ms).toISOString();
      rows.push([String(each.id), at, each.who, each.action, each.object, json(each.before), json(each.after)]);
    }
    after = page.next;
  } while (after !== null && rows.length <= EXPORT_MOST);
  return { csv: csv(rows), rows: rows.length - 1, whole: after === null };
}

/** Rows as CSV after RFC 4180; a cell that a spreadsheet would take for a formula is made text. */
export function csv(rows: readonly (readonly string[])[]): string {
  const cell = (value: string): string => {
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

export async function fetchHandovers(signal?: AbortSignal): Promise<Handover[]> {
  return items(await get('handovers', {}, signal)).map(readHandover);
}

/** Signs the end of a shift as the one who goes. */
export async function giveShift(from_ms: number, to_ms: number, note: string): Promise<void> {
  await post('handovers', { from: new Date(from_ms).toISOString(), to: new Date(to_ms).toISOString(), note });
}

/** Signs a hand-over as the one who comes. */
export async function takeShift(id: number): Promise<void> {
  await post(`handovers/${id}/take`, null);
}

function asked(filter: JournalFilter): Record<string, string> {
  return {
    ...(filter.who !== '' && { who: filter.who }),
    ...(filter.action !== '' && { action: filter.action }),
    ...(filter.from_ms !== null && { from: new Date(filter.from_ms).toISOString() }),
    ...(filter.to_ms !== null && { to: new Date(filter.to_ms).toISOString() }),
  };
}

function items(body: unknown): Unknowns[] {
  return list(isRecord(body) ? body['items'] : null).filter(isRecord);
}

function json(value: unknown): string {
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

function readEntry(row: Unknowns): Entry {
  return {
    id: number(row['id']) ?? 0,
    at_ms: instant(row['at']),
    who: text(row['who']) ?? '',
    action: text(row['action']) ?? '',
    object: text(row['object']) ?? '',
    before: row['before'] ?? null,
    after: row['after'] ?? null,
  };
}

function readHandover(row: Unknowns): Handover {
  return {
    id: number(row['id']) ?? 0,
    from_ms: instant(row['from']),
    to_ms: instant(row['to']),
    note: text(row['note']) ?? '',
    given_by: text(row['given_by']) ?? '',
    given_at_ms: instant(row['given_at']),
    taken_by: text(row['taken_by']),
    taken_at_ms: instant(row['taken_at']),
    entries: number(row['entries']) ?? 0,
  };
}
