// A million points on a few hundred pixels: of every pixel column the first, lowest, highest and last
// value are kept, so that the picture is the same and no peak is lost. Pure; one pass over what is in sight.
import { UNKNOWN, type Block } from '../../data/blocks';

/** As uPlot takes them: times in seconds; null breaks the line. */
export type Thin = { times_s: number[]; values: (number | null)[] };
/** A pixel column with its share of samples that are missing or bad, 0..1. */
export type Flaw = { from_s: number; to_s: number; share: number };

/** Up to this many points per pixel column are drawn as they are. */
const DENSE = 4;

/** Index of the first time that is not before `time`. */
export function firstFrom(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is drawn of a block between two instants on `width` pixels. `shift_ms` moves it along the time axis. */
export function thinned(block: Block, from_ms: number, to_ms: number, width: number, shift_ms = 0): Thin {
  const { times_ms, values } = block;
  // One point more on both sides, so that lines lead out of the picture.
  const first = Math.max(0, firstFrom(times_ms, from_ms - shift_ms) - 1);
  const end = Math.min(times_ms.length, firstFrom(times_ms, to_ms - shift_ms) + 1);
  const thin: Thin = { times_s: [], values: [] };
  const put = (index: number): void => {
    const value = values[index] ?? NaN;
    thin.times_s.push(((times_ms[index] ?? 0) + shift_ms) / 1000);
    thin.values.push(Number.isNaN(value) ? null : value);
  };
  if (end - first <= width * DENSE) {
    for (let index = first; index < end; index += 1) put(index);
    return thin;
  }
  const column_ms = (to_ms - from_ms) / width;
  let index = first;
  while (index < end) {
    const column = Math.floor(((times_ms[index] ?? 0) + shift_ms - from_ms) / column_ms);
    const border_ms = from_ms + (column + 1) * column_ms - shift_ms;
    let [low, high, head, tail] = [-1, -1, -1, -1];
    const begin = index;
    for (; index < end && (index === begin || (times_ms[index] ?? 0) < border_ms); index += 1) {
      const value = values[index] ?? NaN;
      if (Number.isNaN(value)) continue;
      if (head < 0) head = low = high = index;
      tail = index;
      if (value < (values[low] ?? NaN)) low = index;
      if (value > (values[high] ?? NaN)) high = index;
    }
    if (head < 0) put(begin);
    else for (const kept of [...new Set([head, Math.min(low, high), Math.max(low, high), tail])]) put(kept);
  }
  return thin;
}

/** Where samples are missing or bad: neighbouring pixel columns with the same share are one stretch. */
export function flaws(block: Block, from_ms: number, to_ms: number, width: number): Flaw[] {
  const { times_ms, good, expected, step_s } = block;
  const column_ms = Math.max((to_ms - from_ms) / width, step_s * 1000);
  const found: Flaw[] = [];
  let index = firstFrom(times_ms, from_ms);
  const end = firstFrom(times_ms, to_ms);
  while (index < end) {
    const begin_ms = times_ms[index] ?? 0;
    let [kept, promised] = [0, 0];
    let last_ms = begin_ms;
    for (; index < end && (times_ms[index] ?? 0) < begin_ms + column_ms; index += 1) {
      const wanted = expected[index] ?? UNKNOWN;
      last_ms = times_ms[index] ?? 0;
      if (wanted === UNKNOWN || wanted === 0) continue;
      promised += wanted;
      kept += Math.min(wanted, good[index] ?? 0);
    }
    const share = promised === 0 ? 0 : 1 - kept / promised;
    const to_s = last_ms / 1000 + step_s;
    const before = found.at(-1);
    if (share === 0) continue;
    if (before !== undefined && Math.abs(before.share - share) < 0.05 && begin_ms / 1000 - before.to_s < 0.5) before.to_s = to_s;
    else found.push({ from_s: begin_ms / 1000, to_s, share });
  }
  return found;
}

/** Mean over what is in sight; null without a value. */
export function mean(block: Block, from_ms: number, to_ms: number): number | null {
  let [sum, count] = [0, 0];
  const end = firstFrom(block.times_ms, to_ms);
  for (let index = firstFrom(block.times_ms, from_ms); index < end; index += 1) {
    const value = block.values[index] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}

export type Reading = { time_ms: number; value: number | null; good: number; expected: number | null };

/** The point of a block at an instant: the last one that began before it, within its step. */
export function at(block: Block, time_ms: number): Reading | null {
  const index = firstFrom(block.times_ms, time_ms + 1) - 1;
  const begun_ms = block.times_ms[index];
  if (begun_ms === undefined || time_ms - begun_ms > 2 * block.step_s * 1000) return null;
  const value = block.values[index] ?? NaN;
  const expected = block.expected[index] ?? UNKNOWN;
  return {
    time_ms: begun_ms,
    value: Number.isNaN(value) ? null : value,
    good: block.good[index] ?? 0,
    expected: expected === UNKNOWN ? null : expected,
  };
}
