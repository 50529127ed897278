// The stretch of time that is in sight, and how buttons, wheel and pointer move it. Pure.
export type Sight = { readonly from_ms: number; readonly to_ms: number };

/** A minute: closer nobody measures. */
const LENGTH_MIN_MS = 60_000;
/** A year and a day. */
const LENGTH_MAX_MS = 367 * 86_400_000;

/** Longer or shorter by a factor around a place 0..1 of it; never past `end_ms`. */
export function zoomed({ from_ms, to_ms }: Sight, factor: number, place: number, end_ms: number): Sight {
  const length = clamp((to_ms - from_ms) * factor, LENGTH_MIN_MS, LENGTH_MAX_MS);
  const pivot = from_ms + (to_ms - from_ms) * place;
  return held({ from_ms: pivot - length * place, to_ms: pivot + length * (1 - place) }, end_ms);
}

/** Moved by a share of its length. */
export function moved({ from_ms, to_ms }: Sight, share: number, end_ms: number): Sight {
  const by = (to_ms - from_ms) * share;
  return held({ from_ms: from_ms + by, to_ms: to_ms + by }, end_ms);
}

/** The last `length_ms` before `end_ms`. */
export function last(length_ms: number, end_ms: number): Sight {
  return { from_ms: end_ms - length_ms, to_ms: end_ms };
}

/** What two instants in any order enclose; null when they are too close. */
export function between(a_ms: number, b_ms: number): Sight | null {
  const length = Math.abs(a_ms - b_ms);
  return length < LENGTH_MIN_MS || length > LENGTH_MAX_MS ? null : { from_ms: Math.min(a_ms, b_ms), to_ms: Math.max(a_ms, b_ms) };
}

/** Nothing is in sight of the future: the stretch is moved back as a whole. */
function held(sight: Sight, end_ms: number): Sight {
  const beyond = Math.max(0, sight.to_ms - end_ms);
  return { from_ms: Math.round(sight.from_ms - beyond), to_ms: Math.round(sight.to_ms - beyond) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
