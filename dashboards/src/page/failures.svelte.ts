// What failed of a page's requests, each under its own name: that one went well says nothing of another.
import { untrack } from 'svelte';

export class Failures {
  #codes = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Code of the request that has failed longest; null when all went well. */
  readonly code = $derived<string | null>([...this.#codes.values()][0] ?? null);

  /** Code of a request's failure; null when it went well. */
  note(request: string, code: string | null): void {
    // Whoever notes a failure does not depend on the others.
    const codes = untrack(() => this.#codes);
    if (code === null && !codes.has(request)) return;
    const next = new Map(codes);
    if (code === null) next.delete(request);
    else next.set(request, code);
    this.#codes = next;
  }
}
