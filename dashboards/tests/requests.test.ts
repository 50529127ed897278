// What pages ask for and what becomes of failures: figures and their records, the log, the replay, the
// grids of a corridor, topics that are refused, the silence of a console.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { exportEntries, renewed, type Entry } from '../src/data/journal';
import { Link } from '../src/data/link.svelte';
import { Replay } from '../src/data/replay.svelte';
import { tellSilence } from '../src/data/sound.svelte';
import { coded } from '../src/i18n.svelte';
import { CorridorHistory, type CorridorWish } from '../src/page/corridorHistory.svelte';
import { Failures } from '../src/page/failures.svelte';
import { Figures } from '../src/page/figures.svelte';
import { pause } from '../src/page/pictures.svelte';
import { actionText } from '../src/view/journalText';
import { recordText } from '../src/view/recordText';

type Asked = { path: string; init: RequestInit; answer: (body: unknown, status?: number) => Promise<void> };
/** Requests that were sent, to be answered in any order. */
function hub(): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    return new Promise<Response>((resolve) => {
      const answer = async (body: unknown, status = 200): Promise<void> => {
        resolve(status === 204 ? new Response(null, { status }) : Response.json(body, { status }));
        // Everything that follows from the answer has happened before the next turn.
        await new Promise((done) => setTimeout(done, 0));
      };
      asked.push({ path, init, answer });
    });
  });
  return asked;
}
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('records behind a figure', () => {
  const query = { period: '2026-10', unit: null, mode: 'as_was' } as const;
  const page = (id: string, next: string | null): object => ({ items: [{ id, at: null, source: 's', record: { ticket: id } }], next });

  it('stay as they are when their part is pressed again', async () => {
    const asked = hub();
    const figures = new Figures(() => {});
    void figures.open('C01', 'numerator', query);
    void figures.open('C01', 'numerator', query);
    expect(asked).toHaveLength(1);
    await asked[0]?.answer(page('1', 'x'));
    void figures.open('C01', 'numerator', query);
    expect([asked.length, figures.opened?.rows.length]).toEqual([1, 1]);
    void figures.more(query);
    void figures.more(query);
    expect(asked).toHaveLength(2);
    await asked[1]?.answer(page('2', null));
    void figures.more(query);
    expect([asked.length, figures.opened?.state, figures.opened?.rows.map((row) => row['id'])]).toEqual([2, 'all', ['1', '2']]);
  });

  it('are not those of what was closed and opened again meanwhile', async () => {
    const asked = hub();
    const figures = new Figures(() => {});
    void figures.open('C01', 'numerator', query);
    figures.opened = null;
    void figures.open('C01', 'numerator', query);
    await asked[0]?.answer(page('1', null));
    expect(figures.opened).toMatchObject({ rows: [], state: 'loading' });
    await asked[1]?.answer(page('1', null));
    expect(figures.opened).toMatchObject({ rows: [{ id: '1' }], state: 'all' });
  });

  it('are in words where they hold codes', () => {
    const unit = (code: string): string => (code === 'H.1' ? 'Phường Ninh Kiều' : code);
    const ticket = { ticket: '1', status: 'assigned', channel: 'hotline', unit: 'H.1', on_time: true, rating: 4 };
    expect(Object.keys(ticket).map((column) => recordText(ticket, column, unit))).toEqual(['1', 'Đã giao đơn vị', 'Điện thoại 1022', 'Phường Ninh Kiều', 'có', '4']);
    const dossier = { dossier: 'A-1', status: 'supplement_requested', channel: 'online', outcome: 'late', field: 'x.y' };
    expect(Object.keys(dossier).map((column) => recordText(dossier, column, unit))).toEqual(['A-1', 'Yêu cầu bổ sung giấy tờ', 'Trực tuyến', 'Trễ hạn', 'x.y']);
  });
});

describe('failures', () => {
  it('end only with the success of the same request', async () => {
    const failures = new Failures();
    failures.note('catalogue', 'database_away');
    failures.note('values', null);
    expect(failures.code).toBe('database_away');
    failures.note('catalogue', null);
    expect(failures.code).toBeNull();
    const asked = hub();
    const figures = new Figures(() => {});
    const { signal } = new AbortController();
    void figures.load(signal);
    void figures.values('whole', { ids: ['C01'], period: null, unit: null, mode: 'as_was' }, signal);
    await asked[0]?.answer({ code: 'database_away' }, 503);
    await asked[1]?.answer({ items: [] });
    expect(figures.failure).toBe('database_away');
  });

  it('of a topic are kept until that topic is served', () => {
    const link = new Link();
    link.refuse('device/a', 'forbidden');
    link.refuse('metrics/x', 'too_many_filters');
    link.settle('device/b');
    expect([...link.refusals.values()]).toEqual(['forbidden', 'too_many_filters']);
    link.settle('device/a');
    expect([...link.refusals.values()]).toEqual(['too_many_filters']);
    link.refuse(null, 'limit');
    expect(link.limited).toBe(true);
  });
});

describe('log', () => {
  const entries = (...ids: number[]): Entry[] => ids.map((id) => ({ id, at_ms: null, who: '', action: '', object: '', before: null, after: null }));
  const ids = (items: readonly Entry[]): number[] => items.map(({ id }) => id);

  it('has no hole when more came than a page holds', () => {
    const loaded = { items: entries(5, 4, 3, 2), next: 'b' };
    const joined = renewed(loaded, { items: entries(7, 6, 5), next: 'x' });
    expect([ids(joined.items), joined.next]).toEqual([[7, 6, 5, 4, 3, 2], 'b']);
    const fresh = renewed(loaded, { items: entries(9, 8, 7), next: 'x' });
    expect([ids(fresh.items), fresh.next]).toEqual([[9, 8, 7], 'x']);
    expect(renewed(loaded, { items: entries(7), next: null }).items).toHaveLength(1);
    expect(renewed({ items: entries(5, 4), next: 'b' }, { items: entries(6, 5, 4), next: 'x' }).next).toBe('x');
  });

  it('says when a file does not hold all of it', async () => {
    let pages = 0;
    const row = { id: 1, at: null, who: 'a', action: 'b', object: 'c' };
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ items: Array.from({ length: 1_000 }, () => row), next: (pages += 1) < 30 ? 'x' : null })));
    const filter = { who: '', action: '', from_ms: null, to_ms: null };
    expect(await exportEntries(filter)).toMatchObject({ rows: 20_000, whole: false });
    pages = 28;
    expect(await exportEntries(filter)).toMatchObject({ rows: 2_000, whole: true });
  });

  it('has words for every action that the hub writes', () => {
    const sources = Object.values(import.meta.glob<string>('../../src/**/*.rs', { eager: true, query: '?raw', import: 'default' }));
    expect(sources.length).toBeGreaterThan(100);
    const found = new Set<string>(['silence_console']);
    const patterns = [
      /JournalEntry \{[^}]*?action: "([a-z_]+)"/g,
      /&caller, "([a-z_]+)"/g,
      /"((?:add|change|remove|retire|restore)_(?:city|unit|succession|map_feature|metric|category|formality|online_service|device|detector))"/g,
      /insert into journal[^;]*?'([a-z]+_[a-z_]+)'/g,
      /register::add\([^"]*"([a-z_]+)"/g,
    ];
    for (const source of sources) {
      for (const pattern of patterns) for (const [, action] of source.matchAll(pattern)) if (action !== undefined) found.add(action);
    }
    expect([...found]).toEqual(expect.arrayContaining(['sign_in', 'accept_source', 'push_view', 'add_unit', 'plan_works', 'replay_message', 'seed_registry', 'import_table']));
    for (const action of found) expect(coded('action', action), action).not.toBe(action);
  });

  it('has words for every step of an alarm', () => {
    const steps = ['acknowledge', 'reset', 'shelve', 'unshelve', 'suppress', 'unsuppress', 'out_of_service', 'in_service', 'comment', 'assign', 'link'];
    for (const step of steps) expect(actionText(`${step}_alarm`), step).not.toContain(step);
    expect(actionText('shelve_alarm')).toBe('Cảnh báo: Tạm ẩn');
    expect(actionText('novel_verb')).toBe('novel_verb');
  });
});

describe('replay', () => {
  const AT_MS = Date.parse('2026-11-22T01:15:00Z');
  const document = { id: 'vds-1', service: 'vds', name: { vi: 'a', en: 'a' }, lon: 105, lat: 10, area: null, corridor: null, parent: null, period_s: 30, simulated: true, retired: false, detectors: [], condition: 0, why: null, age_ms: null };
  const reading = { key: 'lane/1', time: '2026-11-22T01:14:00Z', duration_s: 30, count: 10, speed_kmh: 40, occupancy: 0.1, quality: 0 };

  async function step(replay: Replay, at_ms: number, state: number, next: string | null): Promise<void> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.stubGlobal('fetch', (path: string) => {
      if (path.includes('state?')) return Promise.resolve(Response.json(state === 200 ? { devices: [{ id: 'vds-1', condition: 1, why: null, readings: [reading] }] } : { code: 'database_away' }, { status: state }));
      const items = [{ seq: 9, id: 'a:x', occurrence: 1, action: 'raise', from_state: 'norm', to_state: 'unack', at: '2026-11-22T01:00:00Z', priority: 2 }];
      return Promise.resolve(Response.json({ items, next }));
    });
    replay.show(at_ms, [document]);
    vi.advanceTimersByTime(200);
    vi.useRealTimers();
    await vi.waitFor(() => expect(replay.loading).toBe(false));
  }

  it('shows nothing of another instant after a failure', async () => {
    const replay = new Replay();
    await step(replay, AT_MS, 200, null);
    expect([replay.devices.get('vds-1')?.flow_veh_h, replay.alarms.list.length, replay.alarms_from_ms]).toEqual([1_200, 1, AT_MS - 24 * 3_600_000]);
    await step(replay, AT_MS + 60_000, 503, null);
    expect([replay.failure, replay.devices.get('vds-1')?.flow_veh_h, replay.devices.get('vds-1')?.condition]).toEqual(['database_away', null, 0]);
    expect([replay.alarms.list.length, replay.alarms.loaded, replay.detail('vds-1').parts.size]).toEqual([0, false, 0]);
  });

  it('says since when it knows the alarms when there are too many steps', async () => {
    const replay = new Replay();
    await step(replay, AT_MS, 200, 'more');
    expect(replay.alarms_from_ms).toBe(Date.parse('2026-11-22T01:00:00Z'));
  });
});

describe('grids of a corridor', () => {
  it('are let go when something else is asked for, and kept while time goes on', () => {
    hub();
    const history = new CorridorHistory();
    const wish: CorridorWish = { measure: 'speed_kmh', direction: 'both', from_ms: 0, to_ms: 600_000, step_s: 300, shift_ms: null };
    const grid = {} as NonNullable<CorridorHistory['grid']>;
    const kept = (next: CorridorWish): boolean => {
      history.grid = grid;
      history.want(next, [], [], () => {})();
      return history.grid !== null;
    };
    kept(wish);
    expect(kept({ ...wish, from_ms: 300_000, to_ms: 900_000 })).toBe(true);
    for (const other of [{ direction: 'forward' }, { measure: 'occupancy' }, { from_ms: -600_000 }, { step_s: 900 }, { shift_ms: 86_400_000 }] as const) {
      expect(kept({ ...wish, ...other }), JSON.stringify(other)).toBe(false);
      kept(wish);
    }
  });
});

describe('pictures', () => {
  it('leave no listener behind a pause', async () => {
    const abort = new AbortController();
    const [added, removed] = [vi.spyOn(abort.signal, 'addEventListener'), vi.spyOn(abort.signal, 'removeEventListener')];
    await pause(1, abort.signal);
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1]);
    const waiting = pause(60_000, abort.signal);
    abort.abort();
    await waiting;
  });
});

describe('silence', () => {
  it('is told to the journal with its end', async () => {
    const asked = hub();
    const told = tellSilence(1_790_000_000_123.4);
    expect([asked[0]?.path, asked[0]?.init.method, asked[0]?.init.body]).toEqual(['/api/v1/console/silence', 'POST', '{"until":"2026-09-21T14:13:20.123Z"}']);
    await asked[0]?.answer(null, 204);
    await told;
  });
});
