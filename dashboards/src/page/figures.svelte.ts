// What the pages of indicators share: the catalogue, one chosen period, unit and way of roll-up in the
// address, values fetched for them again when records change, and the records behind one figure.
import { Problem } from '../data/http';
import { fetchCatalogue, type Indicator, type Query, type Value, type Values, fetchValues } from '../data/indicators';
import type { Unknowns } from '../data/narrow';
import { fetchRecords, recordsCsv, type Part } from '../data/records';
import { Failures } from './failures.svelte';

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
  readonly #failures = new Failures();
  opened = $state.raw<Opened | null>(null);
  readonly #signedOut: () => void;

  constructor(signedOut: () => void) {
    this.#signedOut = signedOut;
  }

  /** Code of a request that has failed and not gone well since; null when there is none. */
  get failure(): string | null {
    return this.#failures.code;
  }

  async load(signal: AbortSignal): Promise<void> {
    const found = await this.attempt('catalogue', () => fetchCatalogue(signal), signal);
    if (found !== null) this.catalogue = found;
  }

  /** `request` names what is asked for, whatever the period. */
  values(request: string, query: Query, signal: AbortSignal): Promise<Values | null> {
    return this.attempt(request, () => fetchValues(query, signal), signal);
  }

  /** The answer, or null after a failure, which is kept to be shown. */
  async attempt<Answer>(request: string, ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer | null> {
    try {
      const answer = await ask();
      if (signal.aborted) return null;
      this.#failures.note(request, null);
      return answer;
    } catch (cause) {
      if (signal.aborted) return null;
      if (cause instanceof Problem && cause.status === 401) this.#signedOut();
      else this.#failures.note(request, cause instanceof Problem ? cause.code : 'unexpected');
      return null;
    }
  }

  /** Opens the records behind a figure; those that are open stay as they are. */
  async open(id: string, part: Part, query: Omit<Query, 'ids'>): Promise<void> {
    if (this.opened?.id === id && this.opened.part === part) return;
    await this.#turn({ id, part, rows: [], next: null, state: 'loading' }, query);
  }

  /** Shows the next page of the open records, or tries again after a failure. */
  async more(query: Omit<Query, 'ids'>): Promise<void> {
    const { opened } = this;
    if (opened === null || opened.state === 'loading' || opened.state === 'all') return;
    await this.#turn({ ...opened, state: 'loading' }, query);
  }

  /** Only the answer to what is still open is taken. */
  async #turn(asked: Opened, query: Omit<Query, 'ids'>): Promise<void> {
    this.opened = asked;
    try {
      const page = await fetchRecords(asked.id, asked.part, query, asked.next);
      if (this.opened !== asked) return;
      this.opened = { ...asked, rows: [...asked.rows, ...page.rows], next: page.next, state: page.next === null ? 'all' : 'more' };
    } catch (cause) {
      if (this.opened !== asked) return;
      if (cause instanceof Problem && cause.status === 401) this.#signedOut();
      this.opened = { ...asked, state: { failed: cause instanceof Problem ? cause.code : 'unexpected' } };
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
