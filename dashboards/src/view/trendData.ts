// History and live points of one quantity in one sorted pair of columns, as uPlot wants them.
// Pure. Invariant: times strictly grow; a live point replaces an older one of the same second.
import type { Series } from '../data/series';

export type Columns = [times_s: number[], values: (number | null)[]];

export function startColumns(history: Series | null): Columns {
  if (history === null) return [[], []];
  const points = history.times_s.map((time_s, index) => ({ time_s, value: history.values[index] ?? null }));
  points.sort((a, b) => a.time_s - b.time_s);
  return [points.map((point) => point.time_s), points.map((point) => point.value)];
}

/** Adds a live point and drops what is older than `from_s`. Points that came late are left to the history. */
export function addPoint(columns: Columns, time_s: number, value: number | null, from_s: number): boolean {
  const [times, values] = columns;
  const last = times.at(-1);
  if (last !== undefined && time_s < last) return false;
  if (last === time_s) values[values.length - 1] = value;
  else {
    times.push(time_s);
    values.push(value);
  }
  const old = times.findIndex((time) => time >= from_s);
  if (old > 0) {
    times.splice(0, old);
    values.splice(0, old);
  }
  return true;
}

/** Puts nulls into holes longer than three steps, so that a line never spans an outage. */
export function withGaps(columns: Columns, step_s: number): Columns {
  const [times, values] = columns;
  if (step_s <= 0) return columns;
  const out: Columns = [[], []];
  times.forEach((time, index) => {
    const before = times[index - 1];
    if (before !== undefined && time - before > 3 * step_s) {
      out[0].push(before + step_s);
      out[1].push(null);
    }
    out[0].push(time);
    out[1].push(values[index] ?? null);
  });
  return out;
}
