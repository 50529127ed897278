// How old a value may be: within twice its period it is fresh, within five times stale, then expired.
// A value without a period (it comes when something happens) only shows its age.

export type Freshness = 'fresh' | 'stale' | 'expired' | 'none';

/** Ages at which a value becomes stale and expired; null for a value that has no period. */
export type Limits = { readonly stale_ms: number; readonly expired_ms: number } | null;

const STALE_PERIODS = 2;
const EXPIRED_PERIODS = 5;

/**
 * Limits of a value that is expected every `period_ms`. A measurement over a span of time carries the
 * time of its start and comes after its end: `span_ms` is how old it is then through no fault.
 */
export function limits(period_ms: number | null, span_ms = 0): Limits {
  if (period_ms === null) return null;
  return { stale_ms: STALE_PERIODS * period_ms + span_ms, expired_ms: EXPIRED_PERIODS * period_ms + span_ms };
}

/** A health report comes every minute at the latest (telemetry contract). */
export const HEALTH_LIMITS = limits(60_000);

/** `measured_at_ms` null: never measured. Both times on the hub's clock. */
export function freshness(measured_at_ms: number | null, allowed: Limits, now_ms: number): Freshness {
  if (measured_at_ms === null) return 'none';
  if (allowed === null) return 'fresh';
  const age_ms = now_ms - measured_at_ms;
  if (age_ms > allowed.expired_ms) return 'expired';
  return age_ms > allowed.stale_ms ? 'stale' : 'fresh';
}
