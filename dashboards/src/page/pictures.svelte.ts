// The pictures that are in sight: each camera asked again a period after its last answer came, none while
// the page is hidden. One that is no longer wanted is let go.
import { untrack } from 'svelte';
import { Problem } from '../data/http';
import { fetchCameras, fetchStill, type Still } from '../data/stills';
import type { Camera } from '../data/wire/api';

export type Picture = { still: Still | null; failure: string | null };
const NONE: Picture = { still: null, failure: null };

export class Pictures {
  all = $state.raw<ReadonlyMap<string, Picture>>(new Map());
  /** Where pictures and streams are; null before it is known. */
  cameras = $state.raw<ReadonlyMap<string, Camera> | null>(null);
  failure = $state<string | null>(null);
  readonly #signedOut: () => void;

  constructor(signedOut: () => void) {
    this.#signedOut = signedOut;
  }

  of(id: string): Picture {
    return this.all.get(id) ?? NONE;
  }

  async load(signal: AbortSignal): Promise<void> {
    try {
      this.cameras = await fetchCameras(signal);
      this.failure = null;
    } catch (cause) {
      if (!signal.aborted) this.failure = this.#code(cause);
    }
  }

  /** Keeps these pictures fresh until the returned function is called. */
  show(ids: readonly string[], period_ms: number): () => void {
    const abort = new AbortController();
    // An effect that shows pictures must not run again because one of them came.
    untrack(() => {
      this.all = new Map(ids.map((id) => [id, this.of(id)]));
      ids.forEach((id) => void this.#follow(id, period_ms, abort.signal));
    });
    return () => abort.abort();
  }

  async #follow(id: string, period_ms: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!document.hidden) await this.#renew(id, signal);
      if (!signal.aborted) await pause(period_ms, signal);
    }
  }

  async #renew(id: string, signal: AbortSignal): Promise<void> {
    const before = this.of(id);
    let next: Picture;
    try {
      next = { still: await fetchStill(id, signal), failure: null };
    } catch (cause) {
      if (signal.aborted) return;
      next = { still: before.still, failure: this.#code(cause) };
    }
    if (!signal.aborted) this.all = new Map([...this.all, [id, next]]);
  }

  #code(cause: unknown): string {
    if (cause instanceof Problem && cause.status === 401) this.#signedOut();
    return cause instanceof Problem ? cause.code : 'unexpected';
  }
}

/** Waits, or less when the signal comes; leaves no listener behind, for the signal may live for weeks. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
