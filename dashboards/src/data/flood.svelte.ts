// Whether alarms come faster than one operator can work them off: more than ten new ones in ten
// minutes begin a flood, fewer than five end it (ISA-18.2, EEMUA 191).
// From: times of new alarms on the hub's clock. To: the banner and the grouping of the list.

export const WINDOW_MS = 600_000;
/** More new alarms than this within the window begin a flood. */
export const BEGINS_ABOVE = 10;
/** Fewer than this within the window end it. */
export const ENDS_BELOW = 5;

export class Flood {
  active = $state(false);
  /** New alarms within the window. */
  recent = $state(0);
  since_ms = $state<number | null>(null);
  #times_ms: number[] = [];

  add(times_ms: readonly number[], now_ms: number): void {
    if (times_ms.length > 0) this.#times_ms.push(...times_ms);
    this.update(now_ms);
  }

  restart(times_ms: readonly number[], now_ms: number): void {
    this.#times_ms = [...times_ms];
    this.update(now_ms);
  }

  update(now_ms: number): void {
    this.#times_ms = this.#times_ms.filter((time_ms) => time_ms > now_ms - WINDOW_MS);
    this.recent = this.#times_ms.length;
    if (!this.active && this.recent > BEGINS_ABOVE) {
      this.active = true;
      // The one that was too many.
      this.since_ms = [...this.#times_ms].sort((a, b) => a - b)[BEGINS_ABOVE] ?? now_ms;
    } else if (this.active && this.recent < ENDS_BELOW) {
      this.active = false;
      this.since_ms = null;
    }
  }
}
