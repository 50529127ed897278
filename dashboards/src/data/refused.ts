// What the hub did not take or never got: refused messages with their bytes, and gaps, by HTTP.
import { get, post, Problem } from './http';
import { flag, instant, isRecord, list, number, text, type Unknowns } from './narrow';

export type Refused = {
  id: number;
  received_at_ms: number | null;
  topic: string;
  source: string | null;
  reason: string;
  field: string;
  detail: string;
  partial: boolean;
  bytes: number;
};
/** A refused message as it came: text where it is text, else base64. */
export type Raw = { text: string | null; base64: string };
export type Gap = {
  id: number;
  kind: string;
  stream: string;
  boot: number | null;
  from_seq: number | null;
  to_seq: number | null;
  missing: number | null;
  first_seen_ms: number | null;
  closed_at_ms: number | null;
};

/** Rows that a list on screen holds; older ones are in the export. */
const MOST = '100';

/** Refused messages, newest first: of one source, or of all. */
export async function fetchRefused(source: string | null, signal: AbortSignal): Promise<Refused[]> {
  const body = await get('quarantine', { limit: MOST, ...(source !== null && { source }) }, signal);
  return items(body).map(readRefused);
}

export async function fetchRaw(id: number, signal: AbortSignal): Promise<Raw> {
  const body = await get(`quarantine/${id}`, {}, signal);
  const base64 = isRecord(body) ? text(body['payload_base64']) : null;
  if (!isRecord(body) || base64 === null) throw Problem.ofShape('quarantine');
  return { text: text(body['payload_text']), base64 };
}

/** Has the hub judge the message again; null when it was taken, else the reason. */
export async function replay(id: number): Promise<string | null> {
  const body = await post(`quarantine/${id}/replay`, null);
  if (!isRecord(body)) throw Problem.ofShape('quarantine');
  return flag(body['accepted']) === true ? null : (text(body['reason']) ?? '');
}

export async function fetchGaps(source: string, signal: AbortSignal): Promise<Gap[]> {
  return items(await get('gaps', { source, limit: MOST }, signal)).map(readGap);
}

function items(body: unknown): Unknowns[] {
  return list(isRecord(body) ? body['items'] : null).filter(isRecord);
}

function readRefused(row: Unknowns): Refused {
  return {
    id: number(row['id']) ?? 0,
    received_at_ms: instant(row['received_at']),
    topic: text(row['topic']) ?? '',
    source: text(row['source']),
    reason: text(row['reason']) ?? '',
    field: text(row['field']) ?? '',
    detail: text(row['detail']) ?? '',
    partial: flag(row['partial']) ?? false,
    bytes: number(row['bytes']) ?? 0,
  };
}

function readGap(row: Unknowns): Gap {
  return {
    id: number(row['id']) ?? 0,
    kind: text(row['kind']) ?? '',
    stream: text(row['stream']) ?? '',
    boot: number(row['boot']),
    from_seq: number(row['from_seq']),
    to_seq: number(row['to_seq']),
    missing: number(row['missing']),
    first_seen_ms: instant(row['first_seen']),
    closed_at_ms: instant(row['closed_at']),
  };
}
