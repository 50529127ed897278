// The HTTP side of the hub: JSON in and out, every failure one `Problem` (RFC 9457).
// A failure to reach the hub at all is a Problem with status 0 and the code `unreachable`.
import { isRecord, number, text } from './narrow';
import type { Problem as ProblemDocument } from './wire/api';

const BASE = '/api/v1/';
/** An answer that takes longer than this does not help an operator any more. */
const TIMEOUT_MS = 15_000;

export class Problem extends Error {
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(document.code);
    this.document = document;
  }

  /** The hub answered, but not with what the page was built for. */
  static ofShape(resource: string): Problem {
    return new Problem(blank(0, 'unexpected_answer', resource));
  }

  get status(): number {
    return this.document.status;
  }

  get code(): string {
    return this.document.code;
  }
}

/** Body of `GET path`, still unknown: the caller narrows it. A path that begins with a slash is not of the
 * API but of the open data. Throws `Problem`. */
export function get(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<unknown> {
  const search = new URLSearchParams(query).toString();
  return send(search === '' ? path : `${path}?${search}`, { ...(signal && { signal }) });
}

/** Body and headers of `GET path` as they are, for answers that are no JSON. Throws `Problem`. */
export async function getBytes(
  path: string,
  query: Record<string, string>,
  accept: string,
  signal: AbortSignal,
  timeout_ms = TIMEOUT_MS,
): Promise<{ bytes: ArrayBuffer; headers: Headers }> {
  const search = new URLSearchParams(query).toString();
  const response = await answered(search === '' ? path : `${path}?${search}`, { signal, headers: { accept } }, timeout_ms);
  if (!response.ok) throw new Problem(problem(response, await bodyOf(response)));
  try {
    return { bytes: await response.arrayBuffer(), headers: response.headers };
  } catch (cause) {
    // The answer broke off, or its deadline passed while it came.
    if (signal.aborted) throw cause;
    throw new Problem(blank(0, 'unreachable', path));
  }
}

export function post(path: string, body: unknown): Promise<unknown> {
  return send(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

export function put(path: string, body: unknown): Promise<unknown> {
  return send(path, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

export function remove(path: string): Promise<unknown> {
  return send(path, { method: 'DELETE' });
}

async function answered(path: string, init: RequestInit, timeout_ms: number): Promise<Response> {
  const deadline = AbortSignal.timeout(timeout_ms);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  try {
    return await fetch(path.startsWith('/') ? path : BASE + path, { ...init, signal, credentials: 'same-origin' });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Problem(blank(0, 'unreachable', path));
  }
}

async function send(path: string, init: RequestInit): Promise<unknown> {
  const response = await answered(path, init, TIMEOUT_MS);
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

/** What the answer says of the failure; what it leaves out is made from the status. */
function problem(response: Response, body: unknown): ProblemDocument {
  const own = blank(response.status, `http_${response.status}`, response.statusText);
  if (!isRecord(body)) return own;
  return {
    ...own,
    code: text(body['code']) ?? own.code,
    title: text(body['title']) ?? own.title,
    detail: text(body['detail']) ?? own.detail,
    field: text(body['field']),
    help: text(body['help']),
    retry_s: number(body['retry_s']),
  };
}

function blank(status: number, code: string, title: string): ProblemDocument {
  return { type: 'about:blank', status, code, title, detail: '', field: null, help: null, retry_s: null };
}
