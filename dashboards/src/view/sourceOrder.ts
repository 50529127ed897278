// Which sources the page of data health lists and in which order. Pure, over tens of thousands of them.
import type { SourceLine } from '../data/sources.svelte';
import { folded } from '../format';

export type SourceColumn = 'condition' | 'id' | 'age' | 'rate' | 'lag' | 'missing' | 'refused' | 'clock';
export type SourceSort = { by: SourceColumn; down: boolean };
export type SourceWhich = 'all' | 'exceptions' | 'missing' | 'refused' | 'clock';
export type SourceFilter = { text: string; service: string | null; which: SourceWhich };

/** A clock that is off by more is marked by the hub as suspect; here it is only listed. */
export const CLOCK_OFF_MS = 1_000;
/** By condition: fault, warning, lost, never heard, normal is the order from the gravest. */
const GRAVITY = [1, 0, 3, 4, 2] as const;

export function listed(
  lines: readonly SourceLine[],
  filter: SourceFilter,
  sort: SourceSort,
  name: (id: string) => string,
): SourceLine[] {
  const wanted = folded(filter.text.trim());
  const kept = lines.filter(
    (line) =>
      (filter.service === null || line.service === filter.service) &&
      isWhich(line, filter.which) &&
      (wanted === '' || line.id.includes(wanted) || folded(name(line.id)).includes(wanted)),
  );
  const sign = sort.down ? -1 : 1;
  return kept.sort((a, b) => sign * difference(a, b, sort.by) || (a.id < b.id ? -1 : 1));
}

function isWhich(line: SourceLine, which: SourceWhich): boolean {
  switch (which) {
    case 'all':
      return true;
    case 'exceptions':
      return line.condition !== 1;
    case 'missing':
      return line.missing > 0;
    case 'refused':
      return line.refused > 0;
    case 'clock':
      return Math.abs(line.clock_offset_ms ?? 0) > CLOCK_OFF_MS;
  }
}

function difference(a: SourceLine, b: SourceLine, by: SourceColumn): number {
  switch (by) {
    case 'condition':
      return (GRAVITY[a.condition] ?? 0) - (GRAVITY[b.condition] ?? 0);
    case 'id':
      return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
    case 'age':
      return known(b.measured_at_ms) - known(a.measured_at_ms);
    case 'rate':
      return a.rate_per_s - b.rate_per_s;
    case 'lag':
      return known(a.lag_ms) - known(b.lag_ms);
    case 'missing':
      return a.missing - b.missing;
    case 'refused':
      return a.refused - b.refused;
    case 'clock':
      return Math.abs(a.clock_offset_ms ?? 0) - Math.abs(b.clock_offset_ms ?? 0);
  }
}

/** What is not known comes where the smallest would. */
function known(value: number | null): number {
  return value ?? -1;
}
