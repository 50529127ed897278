// The HTTP side of the hub: JSON in and out, every failure one `Problem` (RFC 9457).
// A failure to reach the hub at all is a Problem with status 0 and the code `unreachable`.
import { isRecord, number, text } from './narrow';
import type { ProblemDocument } from './wire/wire';

const BASE = '/api/v1/';
/** An answer that takes longer than this does not help an operator any more. */
const TIMEOUT_MS = 15_000;

export class Problem extends Error {
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(document.code);
    this.document = document;
  }

  get status(): number {
    return this.document.status;
  }

  get code(): string {
    return this.document.code;
  }
}

/** Body of `GET path`, still unknown: the caller narrows it. Throws `Problem`. */
export function get(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<unknown> {
  const search = new URLSearchParams(query).toString();
  return send(search === '' ? path : `${path}?${search}`, { ...(signal && { signal }) });
}

export function post(path: string, body: unknown): Promise<unknown> {
  return send(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

export function remove(path: string): Promise<unknown> {
  return send(path, { method: 'DELETE' });
}

async function send(path: string, init: RequestInit): Promise<unknown> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  let response: Response;
  try {
    response = await fetch(BASE + path, { ...init, signal, credentials: 'same-origin' });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Problem({ status: 0, code: 'unreachable', title: 'unreachable', detail: null, field: null });
  }
  const body = await bodyOf(response);
  if (!response.ok) throw new Problem(problem(response, body));
  return body;
}

async function bodyOf(response: Response): Promise<unknown> {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function problem(response: Response, body: unknown): ProblemDocument {
  const fields = isRecord(body) ? body : {};
  return {
    status: number(fields['status']) ?? response.status,
    code: text(fields['code']) ?? `http_${response.status}`,
    title: text(fields['title']) ?? response.statusText,
    detail: text(fields['detail']),
    field: text(fields['field']),
  };
}
