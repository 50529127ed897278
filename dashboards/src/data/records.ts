// The records behind a figure, page by page: dossiers, tickets, petitions, documents or forms. Their
// columns are what the hub sends; none of them holds personal data.
import { get } from './http';
import { parameters, type Query } from './indicators';
import { isRecord, list, text, type Unknowns } from './narrow';

export type Part = 'numerator' | 'denominator';
export type RecordPage = { rows: Unknowns[]; next: string | null };

export async function fetchRecords(
  id: string,
  part: Part,
  query: Omit<Query, 'ids'>,
  after: string | null,
  signal?: AbortSignal,
): Promise<RecordPage> {
  const body = await get(`indicators/${encodeURIComponent(id)}/records`, asked(part, query, after), signal);
  const answer = isRecord(body) ? body : {};
  return {
    rows: list(answer['items']).filter(isRecord).map(flat),
    next: text(answer['next']),
  };
}

/** What is the same for every kind of record, then its own columns. */
function flat(item: Unknowns): Unknowns {
  const { id, at, source, record } = item;
  return { id, at, source, ...(isRecord(record) ? record : {}) };
}

/** Address of all of these records, whatever the page, as a CSV file; the hub refuses more than 50,000. */
export function recordsCsv(id: string, part: Part, query: Omit<Query, 'ids'>): string {
  const search = new URLSearchParams({ ...asked(part, query, null), format: 'csv' });
  return `/api/v1/indicators/${encodeURIComponent(id)}/records?${search}`;
}

function asked(part: Part, query: Omit<Query, 'ids'>, after: string | null): Record<string, string> {
  const { ids: _ids, ...rest } = parameters({ ids: [], ...query });
  return { ...rest, part, ...(after !== null && { after }) };
}
