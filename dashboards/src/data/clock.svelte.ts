// The hub's clock as this page knows it. Every age and every time on screen is counted on it, so a
// wrong clock of the operator's machine shows nothing wrong.
// From: hello and pong frames. To: views, through `now_ms` (once a second) and `at()`.

/** Of this many last pings the quickest one tells the offset best. */
const SAMPLES = 8;

export class HubClock {
  /** Hub time of the last whole second, in milliseconds since 1970. */
  now_ms = $state(Date.now());
  /** The machine's clock minus the hub's, in milliseconds. */
  skew_ms = $state(0);
  /** Hub time minus the page's monotonic clock. */
  #offset_ms = Date.now() - performance.now();
  #samples: { offset_ms: number; round_trip_ms: number }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Hub time of this instant, in milliseconds since 1970. */
  at(): number {
    return performance.now() + this.#offset_ms;
  }

  learn(hub_ms: number, round_trip_ms: number): void {
    const offset_ms = hub_ms + round_trip_ms / 2 - performance.now();
    this.#samples = [...this.#samples.slice(1 - SAMPLES), { offset_ms, round_trip_ms }];
    const best = this.#samples.reduce((a, b) => (b.round_trip_ms < a.round_trip_ms ? b : a));
    this.#offset_ms = best.offset_ms;
    this.skew_ms = Date.now() - this.at();
  }

  /** A new connection may be to a machine with another clock. */
  restart(hub_ms: number): void {
    this.#samples = [];
    this.#offset_ms = hub_ms - performance.now();
    this.#tick();
  }

  start(): () => void {
    this.#tick();
    return () => clearTimeout(this.#timer);
  }

  /** Ticks just after each whole second of hub time. */
  #tick(): void {
    clearTimeout(this.#timer);
    this.now_ms = this.at();
    this.#timer = setTimeout(() => this.#tick(), 1_005 - (this.now_ms % 1_000));
  }
}
