// Layout, text size and choice of view of wall displays; order and filter of the page of data health.
import { describe, expect, it } from 'vitest';
import { Alarms, urgentSince } from '../src/data/alarms.svelte';
import { WALL_VIEWS, type DisplayProfile, type Pushed } from '../src/data/displays';
import { arcHeight_mm, arrange, capacities, dealt, rootFont_px, shownView, SMALLEST_REM } from '../src/data/wall';
import { Sources } from '../src/data/sources.svelte';
import { listed } from '../src/view/sourceOrder';

const HALL: DisplayProfile = {
  name: { vi: 'Tường', en: 'Wall' },
  columns: 4,
  rows: 3,
  panel_width_px: 1920,
  panel_height_px: 1080,
  pitch_mm: 0.63,
  distance_m: 6,
  views: ['overview', 'traffic', 'service'],
  rotate_s: 60,
  source: 'test',
};

describe('layout of a wall', () => {
  const sizes = [1, 2, 3, 4, 5, 6, 8, 12].flatMap((columns) => [1, 2, 3, 4, 6].map((rows) => ({ columns, rows })));

  it.each(WALL_VIEWS)('%s has at most seven regions that tile the wall along whole cells', (view) => {
    for (const panels of sizes) {
      const { columns, rows, regions } = arrange(view, panels);
      const at = `${view} on ${panels.columns}x${panels.rows}`;
      expect(regions.length, at).toBeLessThanOrEqual(7);
      // A cell lies within one panel: each panel is divided evenly.
      expect([columns % panels.columns, rows % panels.rows], at).toEqual([0, 0]);
      const taken = new Set<string>();
      for (const region of regions) {
        for (let column = region.column; column < region.column + region.columns; column += 1) {
          for (let row = region.row; row < region.row + region.rows; row += 1) taken.add(`${column}/${row}`);
        }
      }
      const area = regions.reduce((sum, region) => sum + region.columns * region.rows, 0);
      expect([taken.size, area], at).toEqual([columns * rows, columns * rows]);
      expect(new Set(regions.map((region) => region.kind)).size, at).toBe(regions.length);
      expect(regions.some((region) => region.kind === 'status'), at).toBe(true);
    }
  });
});

describe('text of a wall', () => {
  it('has the heights of the published table', () => {
    // 55 inches full HD, 0.630 mm: 16 minutes of arc are 41, 61, 81, 102 px at 4, 6, 8, 10 m; 20 are 51, 76, 102, 127.
    const at = (distance_m: number): number => rootFont_px({ ...HALL, distance_m }, 4 * 1920);
    expect([4, 6, 8, 10].map((distance) => Math.round(at(distance)))).toEqual([51, 76, 102, 127]);
    expect([4, 6, 8, 10].map((distance) => Math.round(at(distance) * SMALLEST_REM))).toEqual([41, 61, 81, 102]);
    // A worked number: 6 m and 20 minutes are 34.9 mm of capital height.
    expect(arcHeight_mm(6, 20)).toBeCloseTo(34.906, 2);
  });

  it('shrinks with the picture where a controller or a preview scales it', () => {
    expect(rootFont_px(HALL, 3840)).toBeCloseTo(rootFont_px(HALL, 7680) / 2, 6);
  });
});

describe('view of a wall', () => {
  const now = 600_000_000;
  const pushed: Pushed = { view: 'service', by: 'an', at_ms: now - 60_000, until_ms: now + 60_000 };

  it('takes turns while nothing is urgent, by the time alone', () => {
    const turns = [0, 1, 2, 3].map((minute) => shownView(HALL, null, null, minute * 60_000).view);
    expect(turns).toEqual(['overview', 'traffic', 'service', 'overview']);
    expect(shownView({ ...HALL, rotate_s: null }, null, null, 60_000)).toEqual({ view: 'overview', why: 'steady' });
  });

  it('is pinned by an urgent alarm', () => {
    for (const minute of [0, 1, 2]) {
      expect(shownView(HALL, null, 1, now + minute * 60_000)).toEqual({ view: 'overview', why: 'pinned' });
    }
  });

  it('is what somebody put on it, until its end or a newer urgent alarm', () => {
    expect(shownView(HALL, pushed, null, now)).toEqual({ view: 'service', why: 'pushed' });
    expect(shownView(HALL, pushed, pushed.at_ms - 1, now).why).toBe('pushed');
    expect(shownView(HALL, pushed, pushed.at_ms + 1, now).why).toBe('pinned');
    expect(shownView(HALL, pushed, null, pushed.until_ms).why).toBe('rotating');
  });
});

describe('rows in cells', () => {
  it('are dealt in reading order and the rest is counted', () => {
    const region = { kind: 'alarms', column: 1, row: 1, columns: 1, rows: 2 } as const;
    const room = capacities(region, 14, 4, 2.5, 1);
    expect(room).toEqual([3, 5]);
    const deal = dealt([...'abcdefghij'], room);
    expect(deal.cells.map((cell) => cell.join(''))).toEqual(['abc', 'defgh']);
    expect(deal.left).toBe(2);
    expect(capacities(region, 2, 4, 2.5, 1)).toEqual([0, 0]);
  });
});

describe('alarms of a wall', () => {
  const columns = ['id', 'code', 'object', 'priority', 'state', 'raised_age_ms', 'shelved', 'suppressed'];
  const change = { kind: 'replaced', columns, removed: [], time_ms: 1_000_000, stored: true } as const;
  const row = (id: string, priority: number, state: string, age: number, aside: unknown = null) =>
    [id, 'x', 'vds-1', priority, state, age, null, aside] as const;

  it('pin only while an urgent one waits that nothing puts aside', () => {
    const alarms = new Alarms();
    alarms.apply({
      ...change,
      rows: [row('a', 3, 'unack', 10), row('b', 1, 'ack', 20), row('c', 2, 'rtnun', 30), row('d', 1, 'unack', 5, 'works'), row('e', 2, 'unack', 7)],
    });
    expect(urgentSince(alarms.list)).toBe(1_000_000 - 7);
    alarms.apply({ ...change, kind: 'changed', rows: [row('e', 2, 'ack', 7)], removed: ['c'] });
    expect(urgentSince(alarms.list)).toBeNull();
  });
});

describe('list of sources', () => {
  const columns = ['id', 'service', 'condition', 'age_ms', 'lag_ms', 'missing', 'refused', 'clock_offset_ms'];
  const sources = new Sources();
  sources.apply({
    kind: 'replaced',
    columns,
    rows: [
      ['vds-2', 'vds', 1, 5_000, 20, 0, 3, -2_500],
      ['vds-1', 'vds', 4, 90_000, null, 7, 0, null],
      ['sig-1', 'signal', 3, 1_000, 400, 2, 0, 10],
      ['hub:database', 'hub', 1, 0, null, null, null, null],
    ],
    removed: [],
    time_ms: 1_000_000,
    stored: true,
  });
  const name = (id: string): string => (id === 'sig-1' ? 'Nút Đường Ông' : id);
  const ids = (which: 'all' | 'missing' | 'refused' | 'clock' | 'exceptions', by: 'condition' | 'lag' | 'age' | 'id' | 'missing', down: boolean, text = '') =>
    listed(sources.lines(), { text, service: null, which }, { by, down }, name).map((line) => line.id);

  it('leaves the parts of the hub out and shows the gravest first', () => {
    expect(ids('all', 'condition', true)).toEqual(['sig-1', 'vds-1', 'vds-2']);
  });

  it('sorts by each figure; what is unknown is the least', () => {
    expect(ids('all', 'lag', true)).toEqual(['sig-1', 'vds-2', 'vds-1']);
    expect(ids('all', 'age', true)).toEqual(['vds-1', 'vds-2', 'sig-1']);
    expect(ids('all', 'id', false)).toEqual(['sig-1', 'vds-1', 'vds-2']);
  });

  it('filters by kind of trouble and finds names without accents', () => {
    expect(ids('missing', 'missing', true)).toEqual(['vds-1', 'sig-1']);
    expect(ids('refused', 'id', false)).toEqual(['vds-2']);
    expect(ids('clock', 'id', false)).toEqual(['vds-2']);
    expect(ids('exceptions', 'id', false)).toEqual(['sig-1', 'vds-1']);
    expect(ids('all', 'id', false, 'duong ong')).toEqual(['sig-1']);
  });

  it('lists tens of thousands', () => {
    const many = new Sources();
    const rows = Array.from({ length: 20_000 }, (_, index) => [`vds-${index}`, 'vds', index % 5, index, index % 300, index % 7, 0, 0]);
    many.apply({ kind: 'replaced', columns, rows, removed: [], time_ms: 1_000_000, stored: true });
    const found = listed(many.lines(), { text: '', service: null, which: 'all' }, { by: 'condition', down: true }, name);
    expect(found).toHaveLength(20_000);
    expect(new Set(found.slice(0, 4_000).map((line) => line.condition))).toEqual(new Set([3]));
  });
});
