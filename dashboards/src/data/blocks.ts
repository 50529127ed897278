// History as columns: `GET series` with `Accept: application/vnd.ioc.columns`, one block per series.
// A block is a JSON header line, then little-endian arrays: time (Float64 begin in ms, Uint32 steps),
// value (Float32, NaN for "nothing measured"), good and expected samples (Uint32).
import { getBytes, Problem } from './http';
import { isRecord, number, text } from './narrow';

const COLUMNS = 'application/vnd.ioc.columns';
/** A million points take the hub some seconds. */
const TIMEOUT_MS = 60_000;
/** Stands for "not known" among the expected samples. */
export const UNKNOWN = 0xffff_ffff;

/** One series; the arrays have the same length and times grow. */
export type Block = {
  source: string;
  /** `lane/1`, `zone/north-in`; null for the whole device. */
  place: string | null;
  quantity: string;
  class: string | null;
  step_s: number;
  /** raw, 5min, 1h or 1d. */
  basis: string;
  times_ms: Float64Array;
  /** NaN where nothing was measured. */
  values: Float32Array;
  /** Samples without a quality bit, and those that the period promises (`UNKNOWN` without one). */
  good: Uint32Array;
  expected: Uint32Array;
};

export type BlockQuery = {
  sources: readonly string[];
  /** `lane/1`, `zone/a`; empty for the whole devices. */
  places: readonly string[];
  quantities: readonly string[];
  classes?: readonly string[];
  from_ms: number;
  to_ms: number;
  /** Profile of passenger-car units, for `flow_pcu_h`; null for the hub's own. */
  pcu_profile?: string | null;
  /** Points that can be drawn: the hub chooses the step; or the step itself, seconds. */
  points?: number;
  step_s?: number;
};

export async function fetchBlocks(query: BlockQuery, signal: AbortSignal): Promise<Block[]> {
  const { bytes } = await getBytes('series', parameters(query), COLUMNS, signal, TIMEOUT_MS);
  return readBlocks(bytes);
}

export function parameters(query: BlockQuery): Record<string, string> {
  const of = (kind: string): string[] =>
    query.places.filter((place) => place.startsWith(kind)).map((place) => place.slice(kind.length));
  const lists = {
    source: query.sources,
    lane: of('lane/'),
    zone: of('zone/'),
    quantity: query.quantities,
    class: query.classes ?? [],
  };
  const asked: Record<string, string> = {};
  for (const [name, values] of Object.entries(lists)) if (values.length > 0) asked[name] = values.join(',');
  return {
    ...asked,
    from: new Date(query.from_ms).toISOString(),
    to: new Date(query.to_ms).toISOString(),
    ...(query.pcu_profile != null && { pcu_profile: query.pcu_profile }),
    ...(query.points !== undefined && { points: String(query.points) }),
    ...(query.step_s !== undefined && { step: `${query.step_s}s` }),
  };
}

export function readBlocks(bytes: ArrayBuffer): Block[] {
  const blocks: Block[] = [];
  const all = new Uint8Array(bytes);
  let at = 0;
  while (at < all.length) {
    const end = all.indexOf(10, at);
    const header: unknown = end < 0 ? null : JSON.parse(new TextDecoder().decode(all.subarray(at, end)));
    const rows = isRecord(header) ? number(header['rows']) : null;
    const length = rows === null ? 0 : 8 + rows * 16;
    if (!isRecord(header) || rows === null || end + 1 + length > all.length) throw Problem.ofShape('series');
    blocks.push(readBlock(header, rows, bytes.slice(end + 1, end + 1 + length)));
    at = end + 1 + length;
  }
  return blocks;
}

function readBlock(header: Record<string, unknown>, rows: number, body: ArrayBuffer): Block {
  const start_ms = new DataView(body).getFloat64(0, true);
  // Every browser that runs these pages is little-endian.
  const steps = new Uint32Array(body, 8, rows);
  const times_ms = new Float64Array(rows);
  let time = start_ms;
  for (let index = 0; index < rows; index += 1) {
    time += steps[index] ?? 0;
    times_ms[index] = time;
  }
  const lane = number(header['lane']);
  const zone = text(header['zone']);
  return {
    source: text(header['source']) ?? '',
    place: lane !== null ? `lane/${lane}` : zone !== null ? `zone/${zone}` : null,
    quantity: text(header['quantity']) ?? '',
    class: text(header['class']),
    step_s: number(header['resolution_s']) ?? 0,
    basis: text(header['basis']) ?? '',
    times_ms,
    values: new Float32Array(body, 8 + 4 * rows, rows),
    good: new Uint32Array(body, 8 + 8 * rows, rows),
    expected: new Uint32Array(body, 8 + 12 * rows, rows),
  };
}

/** Share 0..1 of good samples among those that were promised, over a whole block; null when none is known. */
export function goodShare(block: Block): number | null {
  let good = 0;
  let expected = 0;
  block.expected.forEach((promised, index) => {
    if (promised === UNKNOWN) return;
    expected += promised;
    good += Math.min(promised, block.good[index] ?? 0);
  });
  return expected === 0 ? null : good / expected;
}
