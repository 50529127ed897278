// How old a value may be: within twice its period it is fresh, within five times stale, then expired.
// A value without a period (it comes when something happens) only shows its age.

export type Freshness = 'fresh' | 'stale' | 'expired' | 'none';

export const STALE_PERIODS = 2;
export const EXPIRED_PERIODS = 5;

/** `measured_at_ms` null: never measured. Both times on the hub's clock. */
export function freshness(measured_at_ms: number | null, period_ms: number | null, now_ms: number): Freshness {
  if (measured_at_ms === null) return 'none';
  if (period_ms === null) return 'fresh';
  const age_ms = now_ms - measured_at_ms;
  if (age_ms > EXPIRED_PERIODS * period_ms) return 'expired';
  return age_ms > STALE_PERIODS * period_ms ? 'stale' : 'fresh';
}
