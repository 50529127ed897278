// Requests to the 1022 desk: those that are open, with their places, and one with its steps. Places are
// rounded here, to about a hundred metres, so that no page shows at whose door something is wrong.
import { get, Problem } from './http';
import { readName, type Name } from './indicators';
import { flag, instant, isRecord, list, number, text, type Unknowns } from './narrow';
import type { Condition } from './wire/live';

export type Place = { readonly lon: number; readonly lat: number };
export type Ticket = {
  readonly id: string;
  readonly ticket: string;
  readonly status: string;
  readonly kind: string | null;
  readonly category: string | null;
  readonly channel: string | null;
  readonly unit: string | null;
  readonly summary: string | null;
  readonly created_at_ms: number | null;
  readonly status_at_ms: number | null;
  /** Due time in force; null while it waits. */
  readonly due_at_ms: number | null;
  readonly first_response_at_ms: number | null;
  readonly handled_at_ms: number | null;
  readonly is_paused: boolean;
  readonly rating: number | null;
  readonly place: Place | null;
};
export type Step = { readonly status: string; readonly at_ms: number | null; readonly unit: string | null; readonly summary: string | null };
export type Unit = { readonly name: Name; readonly parent: string | null };
export type OpenTickets = { readonly tickets: readonly Ticket[]; readonly is_all: boolean };
/** Requests at one rounded place. */
export type Cell = Place & { readonly id: string; readonly tickets: readonly Ticket[]; readonly condition: Condition };

const OPEN = ['new', 'triaged', 'assigned', 'in_progress', 'waiting_citizen', 'waiting_other', 'reopened'];
const PAGE = 1_000;
/** Pages that are fetched at most; a desk with more open requests shows the newest. */
const PAGES_MAX = 5;

export async function fetchOpen(signal: AbortSignal): Promise<OpenTickets> {
  const tickets: Ticket[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const asked: Record<string, string> = { status: OPEN.join(','), limit: String(PAGE), ...(after !== null && { after }) };
    const body = await get('tickets', asked, signal);
    if (!isRecord(body)) throw Problem.ofShape('tickets');
    tickets.push(...list(body['items']).filter(isRecord).map(readTicket));
    after = text(body['next']);
    if (after === null) return { tickets, is_all: true };
  }
  return { tickets, is_all: false };
}

export async function fetchTicket(id: string, signal: AbortSignal): Promise<{ ticket: Ticket; steps: Step[] }> {
  const body = await get(`tickets/${encodeURIComponent(id)}`, {}, signal);
  if (!isRecord(body)) throw Problem.ofShape('ticket');
  const steps = list(body['steps']).filter(isRecord).map(
    (step): Step => ({ status: text(step['status']) ?? '', at_ms: instant(step['at']), unit: text(step['unit']), summary: text(step['summary']) }),
  );
  return { ticket: readTicket(body), steps };
}

/** Units by code; a code that was given away stands for its latest holder. */
export async function fetchUnits(signal: AbortSignal): Promise<Map<string, Unit>> {
  const units = new Map<string, Unit & { from: string }>();
  let after: string | null = null;
  do {
    const body = await get('units', { limit: String(PAGE), ...(after !== null && { after }) }, signal);
    const page: Unknowns = isRecord(body) ? body : {};
    for (const row of list(page['items']).filter(isRecord)) {
      const [code, name, from] = [text(row['code']), readName(row['name']), text(row['valid_from']) ?? ''];
      const known = code === null ? undefined : units.get(code);
      if (code !== null && name !== null && (known === undefined || known.from < from)) units.set(code, { name, parent: text(row['parent']), from });
    }
    after = text(page['next']);
  } while (after !== null);
  return units;
}

/** Whether a unit is `above` or lies somewhere below it. */
export function isWithin(units: ReadonlyMap<string, Unit>, code: string | null, above: string): boolean {
  // No tree is deeper than city, district, commune.
  for (let depth = 0, at = code; at !== null && depth < 4; depth += 1) {
    if (at === above) return true;
    at = units.get(at)?.parent ?? null;
  }
  return false;
}

function readTicket(row: Unknowns): Ticket {
  const lon = number(row['lon']);
  const lat = number(row['lat']);
  return {
    id: text(row['id']) ?? '',
    ticket: text(row['ticket']) ?? '',
    status: text(row['status']) ?? '',
    kind: text(row['kind']),
    category: text(row['category']),
    channel: text(row['channel']),
    unit: text(row['unit']),
    summary: text(row['summary']),
    created_at_ms: instant(row['created_at']),
    status_at_ms: instant(row['status_at']),
    due_at_ms: instant(row['effective_due']),
    first_response_at_ms: instant(row['first_response_at']),
    handled_at_ms: instant(row['handled_at']),
    is_paused: flag(row['is_paused']) ?? false,
    rating: number(row['rating']),
    place: lon === null || lat === null ? null : { lon: rounded(lon), lat: rounded(lat) },
  };
}

function rounded(degrees: number): number {
  return Math.round(degrees * 1_000) / 1_000;
}

export function isOverdue(ticket: Ticket, now_ms: number): boolean {
  return ticket.handled_at_ms === null && !ticket.is_paused && ticket.due_at_ms !== null && ticket.due_at_ms < now_ms;
}

/** Open requests by rounded place: a warning where at least one is overdue. */
export function cellsOf(tickets: readonly Ticket[], now_ms: number): Cell[] {
  const cells = new Map<string, { place: Place; tickets: Ticket[] }>();
  for (const ticket of tickets) {
    if (ticket.place === null) continue;
    const id = cellId(ticket.place);
    const cell = cells.get(id) ?? { place: ticket.place, tickets: [] };
    cell.tickets.push(ticket);
    cells.set(id, cell);
  }
  return [...cells].map(([id, { place, tickets: here }]) => ({
    id,
    ...place,
    tickets: here,
    condition: here.some((ticket) => isOverdue(ticket, now_ms)) ? 2 : 1,
  }));
}

export function cellId(place: Place): string {
  return `${place.lat.toFixed(3)},${place.lon.toFixed(3)}`;
}

/** The overdue ones first, the longest overdue on top; then by due time; those without one at the end. */
export function mostUrgentFirst(tickets: readonly Ticket[]): Ticket[] {
  const key = (ticket: Ticket): number => ticket.due_at_ms ?? Infinity;
  return [...tickets].sort((a, b) => (key(a) === key(b) ? 0 : key(a) - key(b)) || (a.created_at_ms ?? 0) - (b.created_at_ms ?? 0) || a.id.localeCompare(b.id));
}

const EARTH_M = 6_371_000;

/** Metres between two places, on the small scale of a city. */
export function distanceM(a: Place, b: Place): number {
  const degree = (EARTH_M * Math.PI) / 180;
  const shrink = Math.cos((((a.lat + b.lat) / 2) * Math.PI) / 180);
  return Math.hypot((a.lat - b.lat) * degree, (a.lon - b.lon) * degree * shrink);
}
