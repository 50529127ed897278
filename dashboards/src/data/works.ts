// Planned works: windows of time in which the alarms of some objects, a corridor or an area are suppressed,
// because people work there.
import { get, post, remove } from './http';
import { instant, isRecord, list, text, texts, type Unknowns } from './narrow';

export type Works = {
  id: string;
  objects: string[];
  area: string | null;
  corridor: string | null;
  from_ms: number | null;
  to_ms: number | null;
  reason: string;
  by: string;
  ticket: string | null;
};
export type NewWorks = {
  objects: string[];
  area: string | null;
  corridor: string | null;
  from_ms: number;
  to_ms: number;
  reason: string;
  ticket: string | null;
};

export async function fetchWorks(signal?: AbortSignal): Promise<Works[]> {
  return readWorks(await get('alarms/works', {}, signal));
}

/** Throws `Problem`. */
export async function createWorks({ from_ms, to_ms, ...works }: NewWorks): Promise<void> {
  await post('alarms/works', { ...works, from: new Date(from_ms).toISOString(), to: new Date(to_ms).toISOString() });
}

/** Ends works before their time. Throws `Problem`. */
export async function endWorks(id: string): Promise<void> {
  await remove(`alarms/works/${encodeURIComponent(id)}`);
}

export function readWorks(body: unknown): Works[] {
  const rows = isRecord(body) ? body['items'] : null;
  return list(rows).filter(isRecord).map(readOne);
}

function readOne(row: Unknowns): Works {
  return {
    id: String(row['id'] ?? ''),
    objects: texts(row['objects']),
    area: text(row['area']),
    corridor: text(row['corridor']),
    from_ms: instant(row['from']),
    to_ms: instant(row['to']),
    reason: text(row['reason']) ?? '',
    by: text(row['by']) ?? '',
    ticket: text(row['ticket']),
  };
}
