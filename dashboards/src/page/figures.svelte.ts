// What the pages of indicators share: the catalogue, one chosen period, unit and way of roll-up in the
// address, values fetched for them again when records change, and the records behind one figure.
import { Problem } from '../data/http';
import { fetchCatalogue, type Indicator, type Query, type Value, type Values, fetchValues } from '../data/indicators';
import type { Unknowns } from '../data/narrow';
import { fetchRecords, recordsCsv, type Part } from '../data/records';

export type Mode = 'as_was' | 'as_is';
export type Opened = { id: string; part: Part; rows: Unknowns[]; next: string | null; state: 'more' | 'all' | 'loading' | { failed: string } };

/** Choices live in the address, so that a link shows the same again. */
export class Choice {
  period = $state<string | null>(null);
  unit = $state<string | null>(null);
  mode = $state<Mode>('as_was');

  constructor() {
    const asked = new URLSearchParams(location.search);
    this.period = asked.get('period');
    this.unit = asked.get('unit');
    this.mode = asked.get('mode') === 'as_is' ? 'as_is' : 'as_was';
  }

  set(next: Partial<{ period: string; unit: string | null; mode: Mode }>): void {
    if (next.period !== undefined) this.period = next.period;
    if (next.unit !== undefined) this.unit = next.unit;
    if (next.mode !== undefined) this.mode = next.mode;
    const search = new URLSearchParams(location.search);
    const keep = (key: string, value: string | null): void => (value === null ? search.delete(key) : search.set(key, value));
    keep('period', this.period);
    keep('unit', this.unit);
    keep('mode', this.mode === 'as_was' ? null : this.mode);
    const text = search.toString();
    history.replaceState(null, '', text === '' ? location.pathname : `${location.pathname}?${text}`);
  }
}

export class Figures {
  catalogue = $state.raw<ReadonlyMap<string, Indicator>>(new Map());
  /** Code of the failure of the last fetch; null when it was well. */
  failure = $state<string | null>(null);
  opened = $state.raw<Opened | null>(null);
  readonly #signedOut: () => void;

  constructor(signedOut: () => void) {
    this.#signedOut = signedOut;
  }

  async load(signal: AbortSignal): Promise<void> {
    const found = await this.attempt(() => fetchCatalogue(signal), signal);
    if (found !== null) this.catalogue = found;
  }

  values(query: Query, signal: AbortSignal): Promise<Values | null> {
    return this.attempt(() => fetchValues(query, signal), signal);
  }

  /** The answer, or null after a failure, which is kept to be shown. */
  async attempt<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer | null> {
    try {
      const answer = await ask();
      if (signal.aborted) return null;
      this.failure = null;
      return answer;
    } catch (cause) {
      if (signal.aborted) return null;
      if (cause instanceof Problem && cause.status === 401) this.#signedOut();
      else this.failure = cause instanceof Problem ? cause.code : 'unexpected';
      return null;
    }
  }

  /** Opens the records behind a figure, or shows more of them. */
  async open(id: string, part: Part, query: Omit<Query, 'ids'>): Promise<void> {
    const before = this.opened !== null && this.opened.id === id && this.opened.part === part ? this.opened : null;
    const rows = before?.rows ?? [];
    this.opened = { id, part, rows, next: before?.next ?? null, state: 'loading' };
    try {
      const page = await fetchRecords(id, part, query, before?.next ?? null);
      if (this.opened?.id !== id || this.opened.part !== part) return;
      this.opened = { id, part, rows: [...rows, ...page.rows], next: page.next, state: page.next === null ? 'all' : 'more' };
    } catch (cause) {
      if (this.opened === null) return;
      if (cause instanceof Problem && cause.status === 401) this.#signedOut();
      this.opened = { ...this.opened, state: { failed: cause instanceof Problem ? cause.code : 'unexpected' } };
    }
  }

  csv(query: Omit<Query, 'ids'>): string {
    return this.opened === null ? '' : recordsCsv(this.opened.id, this.opened.part, query);
  }
}

/** Values by indicator. */
export function byId(values: readonly Value[] | undefined): Map<string, Value> {
  return new Map((values ?? []).filter((value) => value.part === '').map((value) => [value.id, value]));
}

/** Values of an indicator in the order of their keys, for a trend. */
export function course(values: readonly Value[] | undefined, id: string): (number | null)[] {
  const own = (values ?? []).filter((value) => value.id === id && value.part === '');
  return own.sort((a, b) => a.key.localeCompare(b.key)).map((value) => value.value);
}
