// Open requests: rounded places, what stands at one place, what is overdue, and the order of the list.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cellsOf, distanceM, fetchOpen, fetchUnits, isOverdue, isWithin, mostUrgentFirst, type Ticket } from '../src/data/tickets';

const NOW_MS = Date.parse('2026-03-02T03:00:00Z');

function row(number: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: `desk-1022:${number}`,
    ticket: number,
    status: 'assigned',
    created_at: '2026-03-01T01:00:00Z',
    effective_due: '2026-03-03T10:00:00Z',
    is_paused: false,
    lat: 10.034_567,
    lon: 105.787_654,
    ...changes,
  };
}

function answers(...pages: unknown[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(JSON.stringify(pages[asked.length - 1]), { status: 200 }));
  });
  return asked;
}

async function tickets(...rows: unknown[]): Promise<readonly Ticket[]> {
  answers({ items: rows, next: null });
  return (await fetchOpen(new AbortController().signal)).tickets;
}

describe('open requests', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('are fetched page by page, only those that are open', async () => {
    const asked = answers({ items: [row('1')], next: 'more' }, { items: [row('2')], next: null });
    const open = await fetchOpen(new AbortController().signal);
    expect(open.tickets.map((ticket) => ticket.ticket)).toEqual(['1', '2']);
    expect(open.is_all).toBe(true);
    const first = new URL(asked[0] ?? '', 'http://hub').searchParams;
    expect(first.get('status')?.split(',')).not.toContain('resolved');
    expect(new URL(asked[1] ?? '', 'http://hub').searchParams.get('after')).toBe('more');
  });

  it('stand at places rounded to three decimals', async () => {
    const [one, two] = await tickets(row('1'), row('2', { lat: null }));
    expect(one?.place).toEqual({ lat: 10.035, lon: 105.788 });
    expect(two?.place).toBeNull();
  });

  it('are overdue after their due time, unless they wait', async () => {
    const [late, waiting, open] = await tickets(
      row('1', { effective_due: '2026-03-02T02:59:59Z' }),
      row('2', { effective_due: '2026-03-02T02:59:59Z', is_paused: true }),
      row('3', { effective_due: null }),
    );
    expect([late, waiting, open].map((ticket) => ticket !== undefined && isOverdue(ticket, NOW_MS))).toEqual([true, false, false]);
  });

  it('share a symbol at one place, which warns of one that is overdue', async () => {
    const all = await tickets(
      row('1'),
      row('2', { lat: 10.0348, effective_due: '2026-03-01T00:00:00Z' }),
      row('3', { lat: 10.1 }),
      row('4', { lon: null }),
    );
    const cells = cellsOf(all, NOW_MS);
    expect(cells.map((cell) => [cell.id, cell.tickets.length, cell.condition])).toEqual([
      ['10.035,105.788', 2, 2],
      ['10.100,105.788', 1, 1],
    ]);
  });

  it('stand with the most urgent first', async () => {
    const all = await tickets(
      row('1', { effective_due: null }),
      row('2'),
      row('3', { effective_due: '2026-02-01T00:00:00Z' }),
      row('4', { created_at: '2026-02-28T00:00:00Z' }),
    );
    expect(mostUrgentFirst(all).map((ticket) => ticket.ticket)).toEqual(['3', '4', '2', '1']);
  });

  it('belong to a unit and to those above it', async () => {
    const unit = (code: string, parent: string | null, valid_from: string): Record<string, unknown> => ({ code, parent, valid_from, name: { vi: code, en: code } });
    const rows = [unit('gso:31135', 'gso:92', '2025-07-01'), unit('gso:31135', 'gso:916', '2020-01-01'), unit('gso:92', null, '2020-01-01')];
    answers({ items: rows, next: null });
    const units = await fetchUnits(new AbortController().signal);
    const within = (code: string | null, above: string): boolean => isWithin(units, code, above);
    expect([within('gso:31135', 'gso:31135'), within('gso:31135', 'gso:92')]).toEqual([true, true]);
    expect([within('gso:31135', 'gso:916'), within('gso:92', 'gso:31135'), within(null, 'gso:92')]).toEqual([false, false, false]);
  });

  it('are near to a device by metres', () => {
    expect(distanceM({ lat: 10, lon: 105 }, { lat: 10.001, lon: 105 })).toBeCloseTo(111.2, 0);
    expect(distanceM({ lat: 10, lon: 105 }, { lat: 10, lon: 105.001 })).toBeCloseTo(109.5, 0);
  });
});
