// Health of everything that feeds the hub: rows of the live topic `sources`, summed per service, the
// sources of which messages are missing, and the hub's own parts (database, broker, spool), which
// travel as rows of the service `hub`.
// The sums are renewed at most twice a second, the hub's own parts at once.
import { flag, number, text } from './narrow';
import { cells, condition, measuredAt } from './rows';
import type { Change } from './live';
import type { Condition, Row } from './wire/live';

type Column =
  | 'service'
  | 'condition'
  | 'why'
  | 'age_ms'
  | 'rate_per_s'
  | 'lag_ms'
  | 'messages'
  | 'refused'
  | 'duplicates'
  | 'late'
  | 'dropped'
  | 'clock_offset_ms'
  | 'boot'
  | 'seq'
  | 'online'
  | 'out_of_order'
  | 'open_gaps'
  | 'missing'
  | 'restarts';

export type ServiceHealth = {
  service: string;
  /** Sources by condition 0..4. */
  conditions: [number, number, number, number, number];
  rate_per_s: number;
  /** Largest delay from measurement to arrival; null when none is known. */
  lag_ms: number | null;
  refused: number;
  late: number;
  duplicates: number;
  dropped: number;
  /** Holes in the numbers of messages that can still be filled. */
  open_gaps: number;
  /** Messages that are missing by their numbers. */
  missing: number;
  /** Restarts of sources' streams: nobody knows what was lost across each. */
  restarts: number;
  /** Newest measurement of all. */
  measured_at_ms: number | null;
};
export type HubPart = {
  part: string;
  condition: Condition;
  why: string | null;
  changed_at_ms: number | null;
  /** Messages that wait in it; null for parts where none can. */
  waiting: number | null;
};
/** One source of which messages are missing. */
export type SourceLoss = {
  id: string;
  open_gaps: number;
  missing: number;
  duplicates: number;
  lag_ms: number | null;
  measured_at_ms: number | null;
};
/** Everything that is known of one source. */
export type SourceLine = SourceLoss & {
  service: string;
  condition: Condition;
  why: string | null;
  rate_per_s: number;
  messages: number;
  refused: number;
  late: number;
  dropped: number;
  clock_offset_ms: number | null;
  boot: number | null;
  seq: number | null;
  online: boolean | null;
  out_of_order: number;
  restarts: number;
};
type Source = { row: Row; frame_ms: number };

const SUM_MS = 500;
const HUB = 'hub:';
/** The order in which services are shown, whatever came first. */
const ORDER = ['signal', 'vds', 'cctv', 'cabinet', 'desk', 'onestop', 'metric'];
/** Sources with missing messages that are listed; the others are only counted. */
const LOSSES = 20;

export class Sources {
  services = $state.raw<readonly ServiceHealth[]>([]);
  hub = $state.raw<readonly HubPart[]>([]);
  /** Sources of which messages are missing, those with the most first, and how many there are. */
  losses = $state.raw<readonly SourceLoss[]>([]);
  losing = $state(0);
  /** Grows when the sums were renewed; `lines` may say something else then. */
  version = $state(0);
  /** False while values are shown that are not in the hub's database yet. */
  stored = $state(true);
  #rows = new Map<string, Source>();
  #read = cells<Column>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The hub's part of that name, if the hub reports it. */
  part(name: string): HubPart | undefined {
    return this.hub.find((part) => part.part === name);
  }

  /** Every source but the hub's own parts, in no order. Made anew at each call: for the one page that lists them. */
  lines(): SourceLine[] {
    const lines: SourceLine[] = [];
    for (const [id, source] of this.#rows) if (!id.startsWith(HUB)) lines.push(this.#line(id, source));
    return lines;
  }

  apply = (change: Change): void => {
    if (change.kind === 'replaced') {
      this.#read = cells(change.columns);
      this.#rows.clear();
    }
    let hub_changed = change.kind === 'replaced';
    for (const row of change.rows) {
      const key = String(row[0]);
      this.#rows.set(key, { row, frame_ms: change.time_ms });
      hub_changed ||= key.startsWith(HUB);
    }
    for (const key of change.removed) this.#rows.delete(key);
    this.stored = change.stored;
    if (hub_changed) this.#readHub();
    if (change.kind === 'replaced') this.#sum();
    else this.#timer ??= setTimeout(() => this.#sum(), SUM_MS);
  };

  #readHub(): void {
    this.hub = [...this.#rows]
      .filter(([key]) => key.startsWith(HUB))
      .map(([key, { row, frame_ms }]) => ({
        part: key.slice(HUB.length),
        condition: condition(this.#read(row, 'condition')),
        why: text(this.#read(row, 'why')),
        changed_at_ms: measuredAt(this.#read(row, 'age_ms'), frame_ms),
        waiting: number(this.#read(row, 'messages')),
      }));
  }

  #sum(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const services = new Map<string, ServiceHealth>();
    const losses: SourceLoss[] = [];
    for (const [key, source] of this.#rows) {
      if (key.startsWith(HUB)) continue;
      const service = text(this.#read(source.row, 'service')) ?? '?';
      const sum = services.get(service) ?? empty(service);
      services.set(service, sum);
      this.#add(sum, source);
      const loss = this.#loss(key, source);
      if (loss.missing > 0) losses.push(loss);
    }
    losses.sort((a, b) => b.missing - a.missing || (a.id < b.id ? -1 : 1));
    this.services = [...services.values()].sort((a, b) => rank(a.service) - rank(b.service));
    this.losing = losses.length;
    this.losses = losses.slice(0, LOSSES);
    this.version += 1;
  }

  #loss(id: string, { row, frame_ms }: Source): SourceLoss {
    return {
      id,
      open_gaps: number(this.#read(row, 'open_gaps')) ?? 0,
      missing: number(this.#read(row, 'missing')) ?? 0,
      duplicates: number(this.#read(row, 'duplicates')) ?? 0,
      lag_ms: number(this.#read(row, 'lag_ms')),
      measured_at_ms: measuredAt(this.#read(row, 'age_ms'), frame_ms),
    };
  }

  #line(id: string, source: Source): SourceLine {
    const { row } = source;
    const count = (name: Column): number => number(this.#read(row, name)) ?? 0;
    return {
      ...this.#loss(id, source),
      service: text(this.#read(row, 'service')) ?? '?',
      condition: condition(this.#read(row, 'condition')),
      why: text(this.#read(row, 'why')),
      rate_per_s: count('rate_per_s'),
      messages: count('messages'),
      refused: count('refused'),
      late: count('late'),
      dropped: count('dropped'),
      clock_offset_ms: number(this.#read(row, 'clock_offset_ms')),
      boot: number(this.#read(row, 'boot')),
      seq: number(this.#read(row, 'seq')),
      online: flag(this.#read(row, 'online')),
      out_of_order: count('out_of_order'),
      restarts: count('restarts'),
    };
  }

  #add(sum: ServiceHealth, { row, frame_ms }: Source): void {
    sum.conditions[condition(this.#read(row, 'condition'))] += 1;
    sum.rate_per_s += number(this.#read(row, 'rate_per_s')) ?? 0;
    sum.refused += number(this.#read(row, 'refused')) ?? 0;
    sum.late += number(this.#read(row, 'late')) ?? 0;
    sum.duplicates += number(this.#read(row, 'duplicates')) ?? 0;
    sum.dropped += number(this.#read(row, 'dropped')) ?? 0;
    sum.open_gaps += number(this.#read(row, 'open_gaps')) ?? 0;
    sum.missing += number(this.#read(row, 'missing')) ?? 0;
    sum.restarts += number(this.#read(row, 'restarts')) ?? 0;
    const lag_ms = number(this.#read(row, 'lag_ms'));
    if (lag_ms !== null) sum.lag_ms = Math.max(sum.lag_ms ?? 0, lag_ms);
    const measured = measuredAt(this.#read(row, 'age_ms'), frame_ms);
    if (measured !== null) sum.measured_at_ms = Math.max(sum.measured_at_ms ?? 0, measured);
  }
}

/** Services that the page does not know come last. */
function rank(service: string): number {
  const at = ORDER.indexOf(service);
  return at < 0 ? ORDER.length : at;
}

function empty(service: string): ServiceHealth {
  return {
    service,
    conditions: [0, 0, 0, 0, 0],
    rate_per_s: 0,
    lag_ms: null,
    refused: 0,
    late: 0,
    duplicates: 0,
    dropped: 0,
    open_gaps: 0,
    missing: 0,
    restarts: 0,
    measured_at_ms: null,
  };
}

/** Adds the services up to one line. */
export function total(services: readonly ServiceHealth[]): ServiceHealth {
  const sum = empty('total');
  for (const each of services) {
    each.conditions.forEach((count, condition) => (sum.conditions[condition as Condition] += count));
    sum.rate_per_s += each.rate_per_s;
    sum.refused += each.refused;
    sum.late += each.late;
    sum.duplicates += each.duplicates;
    sum.dropped += each.dropped;
    sum.open_gaps += each.open_gaps;
    sum.missing += each.missing;
    sum.restarts += each.restarts;
    if (each.lag_ms !== null) sum.lag_ms = Math.max(sum.lag_ms ?? 0, each.lag_ms);
    if (each.measured_at_ms !== null) sum.measured_at_ms = Math.max(sum.measured_at_ms ?? 0, each.measured_at_ms);
  }
  return sum;
}
