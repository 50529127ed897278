// One age for several figures that stand close together.

/** When the oldest of them was measured; null when none ever was. What never came shows that itself. */
export function oldest(figures: readonly { measured_at_ms: number | null }[]): number | null {
  const times = figures.flatMap(({ measured_at_ms }) => measured_at_ms ?? []);
  return times.length === 0 ? null : Math.min(...times);
}
