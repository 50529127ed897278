// Websocket text -> one typed frame of the live contract, or null for anything else.
// Unknown keys are ignored, so that a newer hub can add to a frame.
import { flag, instant, isRecord, list, number, text, texts, type Unknowns } from './narrow';
import type { Delta, Hello, Row, ServerFrame, Snapshot } from './wire/live';

export function parseFrame(data: string): ServerFrame | null {
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch {
    return null;
  }
  return isRecord(body) ? read(body) : null;
}

function read(body: Unknowns): ServerFrame | null {
  const id = number(body['id']);
  switch (body['op']) {
    case 'hello':
      return hello(body);
    case 'snapshot':
      return id === null ? null : snapshot(body, id);
    case 'delta':
      return id === null ? null : delta(body, id);
    case 'resync':
      return id === null ? null : { op: 'resync', id, reason: text(body['reason']) ?? '' };
    case 'error':
      return { op: 'error', id, code: text(body['code']) ?? 'unknown', detail: text(body['detail']) ?? '' };
    case 'pong': {
      const t = number(body['t']);
      const time = text(body['time']);
      return t === null || time === null ? null : { op: 'pong', t, time };
    }
    case 'bye':
      return { op: 'bye', reason: text(body['reason']) ?? '', retry_ms: number(body['retry_ms']) ?? 0 };
    default:
      return null;
  }
}

function hello(body: Unknowns): Hello | null {
  const time = text(body['time']);
  if (instant(time) === null || time === null) return null;
  return {
    op: 'hello',
    protocol: number(body['protocol']) ?? 0,
    build: text(body['build']) ?? '',
    time,
    epoch: text(body['epoch']) ?? '',
    tick_ms: number(body['tick_ms']) ?? 50,
    user: text(body['user']) ?? '',
    rights: texts(body['rights']),
    city: text(body['city']) ?? '',
    demonstration: flag(body['demonstration']) ?? false,
    insecure: flag(body['insecure']) ?? false,
    alarms: unacknowledged(body['alarms']),
  };
}

function unacknowledged(value: unknown): Hello['alarms'] {
  const counts = isRecord(value) ? value['unacknowledged'] : null;
  if (!isRecord(counts)) return null;
  const known = Object.entries(counts).filter((entry): entry is [string, number] => number(entry[1]) !== null);
  return { unacknowledged: Object.fromEntries(known) };
}

function snapshot(body: Unknowns, id: number): Snapshot | null {
  const cursor = text(body['cursor']);
  const time = text(body['time']);
  if (cursor === null || time === null || instant(time) === null) return null;
  return {
    op: 'snapshot',
    id,
    cursor,
    time,
    columns: texts(body['columns']),
    rows: rows(body['rows']),
    part: number(body['part']) ?? 1,
    last: flag(body['last']) ?? true,
    stored: flag(body['stored']) ?? true,
    seq: number(body['seq']),
  };
}

function delta(body: Unknowns, id: number): Delta | null {
  const prev = text(body['prev']);
  const cursor = text(body['cursor']);
  const time = text(body['time']);
  if (prev === null || cursor === null || time === null || instant(time) === null) return null;
  return {
    op: 'delta',
    id,
    prev,
    cursor,
    time,
    rows: rows(body['rows']),
    removed: texts(body['removed']),
    stored: flag(body['stored']) ?? true,
    transitions: list(body['transitions']).filter((row) => Array.isArray(row) && number(row[0]) !== null) as Row[],
  };
}

function rows(value: unknown): Row[] {
  return list(value).filter((row) => Array.isArray(row) && typeof row[0] === 'string') as Row[];
}
