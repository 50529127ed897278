// From the runs of a signal group: its greens, one per cycle, and what a group showed at an instant. Pure.
import type { GroupRuns, Indications, Run } from '../../data/past';

/** SAE J2735: permissive and protected movement allowed. */
const GREEN: readonly (number | null)[] = [5, 6];

export type Green = { begin_ms: number; length_s: number };
export type Greens = {
  key: string;
  kind: string;
  group: number;
  greens: readonly Green[];
  mean_s: number | null;
  least_s: number | null;
  most_s: number | null;
  /** Share 0..1 of the known time in which it was green. */
  share: number | null;
};

/** Whole greens that began within the span; one whose begin or end nobody knows is none. */
export function greensOf({ key, kind, group, runs }: GroupRuns, from_ms: number, to_ms: number): Greens {
  const greens: Green[] = [];
  let [green_ms, known_ms] = [0, 0];
  /** The green that the last run was part of. */
  let current: Green | null = null;
  runs.forEach((run, index) => {
    const next = runs[index + 1];
    const end_ms = Math.min(next?.begin_ms ?? to_ms, to_ms);
    const seen_ms = Math.max(0, end_ms - Math.max(run.begin_ms, from_ms));
    const before: Green | null = current;
    current = null;
    if (run.state === null) return;
    known_ms += seen_ms;
    if (!GREEN.includes(run.state)) return;
    green_ms += seen_ms;
    const ended = next !== undefined && next.state !== null;
    if (before !== null) {
      // A green that changes from permissive to protected is one.
      if (ended) before.length_s += (next.begin_ms - run.begin_ms) / 1000;
      else greens.pop();
      current = ended ? before : null;
      return;
    }
    const begun = (runs[index - 1]?.state ?? null) !== null && !GREEN.includes(runs[index - 1]?.state ?? null);
    if (!ended || !begun || run.begin_ms < from_ms) return;
    current = { begin_ms: run.begin_ms, length_s: (next.begin_ms - run.begin_ms) / 1000 };
    greens.push(current);
  });
  const lengths = greens.map((each) => each.length_s);
  return {
    key,
    kind,
    group,
    greens,
    mean_s: lengths.length === 0 ? null : lengths.reduce((a, b) => a + b, 0) / lengths.length,
    least_s: lengths.length === 0 ? null : Math.min(...lengths),
    most_s: lengths.length === 0 ? null : Math.max(...lengths),
    share: known_ms === 0 ? null : green_ms / known_ms,
  };
}

/** The run that lasts at an instant; null before the first. */
export function runAt(runs: readonly Run[], at_ms: number): Run | null {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.begin_ms ?? Infinity) <= at_ms) low = middle + 1;
    else high = middle;
  }
  return runs[low - 1] ?? null;
}

/** Joins a later stretch to an earlier one; where they overlap the later one counts. */
export function joined(earlier: Indications, later: Indications): Indications {
  const keys = [...new Map([...earlier.groups, ...later.groups].map((each) => [each.key, each])).values()];
  const runs = (of: Indications, key: string): readonly Run[] => of.groups.find((each) => each.key === key)?.runs ?? [];
  return {
    from_ms: earlier.from_ms,
    to_ms: later.to_ms,
    groups: keys.map((each) => {
      const next = runs(later, each.key);
      // What lasted when the later stretch began may have begun before it.
      const cut_ms = Math.min(later.from_ms, next[0]?.begin_ms ?? Infinity);
      return { ...each, runs: [...runs(earlier, each.key).filter((run) => run.begin_ms < cut_ms), ...next] };
    }),
    programs: [...earlier.programs.filter((each) => each.begin_ms < later.from_ms), ...later.programs],
  };
}
