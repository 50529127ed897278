// The series behind a chart: fetched when the wish changes, and again finer or farther when what is held
// does not do for what is in sight. Until the answer comes, what is held is drawn.
import { untrack } from 'svelte';
import { fetchBlocks, type Block } from '../data/blocks';
import { Problem } from '../data/http';
import { shift, type Wish } from '../view/chart/wish';

/** Points of a picture: about one per pixel of a wide chart. */
const POINTS = 2_000;
/** Every stored interval: the most that the hub gives at once. */
const EVERY = 1_100_000;
/** Zooming goes on for this long before anything is asked for. */
const SETTLE_MS = 200;
/** Share of what is in sight that is fetched beyond both ends. */
const MARGIN = 0.25;

export type Compared = { block: Block; shift_ms: number };

export class SeriesHistory {
  block = $state.raw<Block | null>(null);
  other = $state.raw<Compared | null>(null);
  loading = $state(false);
  failure = $state<string | null>(null);
  /** What is held was fetched for this. */
  #held = '';
  readonly #source: string;
  readonly #period_ms: () => number | null;
  readonly #signedOut: () => void;

  constructor(source: string, period_ms: () => number | null, signedOut: () => void) {
    this.#source = source;
    this.#period_ms = period_ms;
    this.#signedOut = signedOut;
  }

  /** Sees to it that what is held does for the wish; call it whenever the wish changes. */
  want(wish: Wish, day_of: (ms: number) => string, end_ms: number): () => void {
    // An effect that wants something must not run again because it came.
    return untrack(() => this.#want(wish, day_of, end_ms));
  }

  #want(wish: Wish, day_of: (ms: number) => string, end_ms: number): () => void {
    const abort = new AbortController();
    const shift_ms = shift(wish.compared, wish.sight, day_of);
    const key = JSON.stringify([wish.quantity, wish.place, wish.vehicle, wish.pcu, shift_ms, wish.every]);
    if (key === this.#held && this.#does(wish)) return () => abort.abort();
    if (key !== this.#held) {
      this.block = null;
      this.other = null;
      this.#held = key;
    }
    const timer = setTimeout(() => void this.#load(wish, shift_ms, end_ms, abort.signal), SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  /** Fine enough, and covering what is in sight. */
  #does({ sight }: Wish): boolean {
    const block = this.block;
    const [first, last] = [block?.times_ms[0], block?.times_ms.at(-1)];
    if (block === null || first === undefined || last === undefined) return false;
    const step_ms = block.step_s * 1000;
    const covered = first <= sight.from_ms + step_ms && last + 2 * step_ms >= sight.to_ms;
    const finest = step_ms <= (this.#period_ms() ?? 0);
    const points = (sight.to_ms - sight.from_ms) / step_ms;
    return covered && (finest || points >= POINTS / 2);
  }

  async #load(wish: Wish, shift_ms: number | null, end_ms: number, signal: AbortSignal): Promise<void> {
    const { from_ms, to_ms } = wish.sight;
    const margin_ms = (to_ms - from_ms) * MARGIN;
    const points = wish.every ? EVERY : Math.round(POINTS * (1 + 2 * MARGIN));
    const ask = async (back_ms: number): Promise<Block | null> => {
      const span = { from_ms: from_ms - margin_ms - back_ms, to_ms: Math.min(to_ms + margin_ms, end_ms) - back_ms };
      const found = await fetchBlocks(
        {
          sources: [this.#source],
          places: wish.place === null ? [] : [wish.place],
          quantities: [wish.quantity],
          classes: wish.vehicle === null ? [] : [wish.vehicle],
          pcu_profile: wish.pcu,
          ...span,
          points,
        },
        signal,
      );
      return found[0] ?? null;
    };
    this.loading = true;
    try {
      const [block, other] = await Promise.all([ask(0), shift_ms === null ? null : ask(shift_ms)]);
      if (signal.aborted) return;
      this.block = block;
      this.other = other === null || shift_ms === null ? null : { block: other, shift_ms };
      this.failure = null;
    } catch (cause) {
      if (signal.aborted) return;
      if (cause instanceof Problem && cause.status === 401) this.#signedOut();
      else this.failure = cause instanceof Problem ? cause.code : 'unexpected';
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }
}
