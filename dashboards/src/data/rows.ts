// Reads cells of live rows by column name, so that the order and number of columns may change.
import { number } from './narrow';
import type { Condition, Row } from './wire/live';

/** Returns a function that finds the named cell of a row; a column that is not there reads as null. */
export function cells<Name extends string>(columns: readonly string[]): (row: Row, name: Name) => unknown {
  const place = new Map(columns.map((column, index) => [column, index]));
  return (row, name) => {
    const index = place.get(name);
    return index === undefined ? null : (row[index] ?? null);
  };
}

export function condition(value: unknown): Condition {
  return value === 1 || value === 2 || value === 3 || value === 4 ? value : 0;
}

/** Hub time of a measurement whose age was `age_ms` at the frame's time. */
export function measuredAt(age_ms: unknown, frame_ms: number): number | null {
  const age = number(age_ms);
  return age === null ? null : frame_ms - age;
}
