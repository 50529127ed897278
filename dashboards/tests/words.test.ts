// Words, numbers and times; the order of the list; the chart's columns.
import { afterEach, describe, expect, it } from 'vitest';
import { folded, Format } from '../src/format';
import { coded, locale, t } from '../src/i18n.svelte';
import { whyText } from '../src/view/alarmText';
import { byName, exceptionsFirst, matches, type DeviceFilter } from '../src/view/deviceOrder';
import { lines, position, project } from '../src/view/map/mercator';
import { addPoint, startColumns, withGaps, type Columns } from '../src/view/trendData';
import type { Condition } from '../src/data/wire/live';

/** Every part of the words, also those that come with a page. */
const PARTS = Object.values(import.meta.glob<{ vi: Record<string, string>; en: Record<string, string> }>('../src/i18n/*.ts', { eager: true }));
const TIME_MS = Date.parse('2026-03-02T01:15:07Z');
const ZONE = 'Asia/Ho_Chi_Minh';

describe('format', () => {
  const vi = new Format('vi', ZONE);
  const english = new Format('en', ZONE);

  it('writes numbers as the language does', () => {
    expect(vi.number(1234.56, 1)).toBe('1.234,6');
    expect(english.number(1234.56, 1)).toBe('1,234.6');
    expect(vi.number(-0.2)).toBe('0');
    expect(vi.number(null)).toBe('–');
    expect(vi.share(0.183, 1)).toBe('18,3 %');
    expect(english.share(0.183, 1)).toBe('18.3%');
  });

  it('writes times in the zone of the city', () => {
    expect(vi.clock(TIME_MS)).toBe('08:15:07');
    expect(english.minute(TIME_MS)).toBe('08:15');
    expect(new Format('vi', 'UTC').clock(TIME_MS)).toBe('01:15:07');
    expect(vi.day(TIME_MS)).toContain('02/03/2026');
    expect(vi.zone(TIME_MS)).toBe('ICT');
  });

  it('writes midnight as 00, not as 24', () => {
    expect(vi.clock(Date.parse('2026-03-01T17:00:00Z'))).toBe('00:00:00');
  });

  it('rounds ages down to their largest unit', () => {
    const ages = [-5, 0, 59_999, 60_000, 3_599_999, 3_600_000, 86_400_000 * 3];
    expect(ages.map((age) => vi.age(age))).toEqual([
      '0 giây',
      '0 giây',
      '59 giây',
      '1 phút',
      '59 phút',
      '1 giờ',
      '3 ngày',
    ]);
    expect(english.age(125_000)).toBe('2 min');
    expect([7_000, 750_000, 3_723_000].map((ms) => vi.stopwatch(ms))).toEqual(['0:07', '12:30', '1:02:03']);
  });

  it('folds accents for the search', () => {
    expect(folded('Đường Nguyễn Văn Cừ')).toBe('duong nguyen van cu');
    expect(folded('Đường'.normalize('NFD'))).toBe('duong');
  });
});

describe('words', () => {
  afterEach(() => {
    locale.language = 'vi';
  });

  it('has the same keys and the same parameters in both languages', () => {
    const parameters = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const part of PARTS) {
      const [vietnamese, english] = [new Map(Object.entries(part.vi)), new Map(Object.entries(part.en))];
      expect([...english.keys()].sort()).toEqual([...vietnamese.keys()].sort());
      for (const [key, text] of vietnamese) {
        expect(parameters(english.get(key) ?? ''), key).toEqual(parameters(text));
      }
    }
  });

  it('has every key in one file only', () => {
    const keys = PARTS.flatMap((part) => Object.keys(part.vi));
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    expect(keys.length).toBeGreaterThan(200);
  });

  it('is written in composed characters and without stray spaces', () => {
    for (const text of PARTS.flatMap((part) => [...Object.values(part.vi), ...Object.values(part.en)])) {
      expect(text).toBe(text.normalize('NFC').trim());
      expect(text).not.toContain('  ');
    }
  });

  it('follows the language and fills parameters in', () => {
    expect(t('list.count', { shown: 3, total: 7 })).toBe('3 trên 7');
    locale.language = 'en';
    expect(t('list.count', { shown: 3, total: 7 })).toBe('3 of 7');
  });

  it('tells with a reason the phase or the plans that it is about', () => {
    locale.language = 'en';
    expect(whyText('split.fail=6')).toBe('Green does not clear the queue (phase 6)');
    expect(whyText('plan.mismatch=2/3')).toBe('Wrong plan is running (running 2, scheduled 3)');
    expect(whyText('pair.slowdown=vds-003')).toBe('Sharp slow-down before the next station (station vds-003)');
    expect(whyText('health.monitor_fault=conflict')).toBe('Monitor reports a fault (conflicting phases)');
    expect(whyText('comm.lost')).toBe('Communication lost');
  });

  it('puts known codes into words and shows unknown ones as they are', () => {
    expect(coded('why', 'silent')).toBe('Không nhận được tin');
    expect(coded('why', 'novel.code')).toBe('novel.code');
    expect(coded('why', 'constructor')).toBe('constructor');
  });
});

describe('list', () => {
  const device = (id: string, vi: string, condition: Condition, service = 'vds') => ({
    id,
    service,
    name: { vi, en: vi },
    folded: folded(`${id} ${vi}`),
    condition,
  });
  const all = [
    device('d1', 'Bình Thủy', 1),
    device('d2', 'Ô Môn', 4),
    device('d3', 'Cái Răng 10', 3),
    device('d4', 'Cái Răng 9', 3),
    device('d5', 'Đường 3 Tháng 2', 2, 'signal'),
    device('d6', 'An Bình', 0),
  ];
  const filter = (part: Partial<DeviceFilter>): DeviceFilter => ({ text: '', service: null, condition: 'all', ...part });

  it('puts exceptions first, then names in the order of the alphabet', () => {
    const ids = exceptionsFirst(byName(all, 'vi', new Format('vi', ZONE).collator())).map((each) => each.id);
    expect(ids).toEqual(['d4', 'd3', 'd5', 'd2', 'd6', 'd1']);
  });

  it('finds without accents, word by word, by name or id', () => {
    const found = (text: string): string[] =>
      all.filter((each) => matches(each, filter({ text }))).map((each) => each.id);
    expect(found('duong thang')).toEqual(['d5']);
    expect(found('CÁI rang')).toEqual(['d3', 'd4']);
    expect(found('d2')).toEqual(['d2']);
    expect(found('   ')).toHaveLength(all.length);
  });

  it('filters by service, by condition and by exception', () => {
    const ids = (part: Partial<DeviceFilter>): string[] =>
      all.filter((each) => matches(each, filter(part))).map((each) => each.id);
    expect(ids({ service: 'signal' })).toEqual(['d5']);
    expect(ids({ condition: 0 })).toEqual(['d6']);
    expect(ids({ condition: 'exceptions' })).toEqual(['d2', 'd3', 'd4', 'd5']);
  });
});

describe('drawing of the map', () => {
  it('finds the lines in any line or polygon, and none in anything else', () => {
    const line = [
      [105.7, 10],
      [105.8, 10.1],
    ];
    expect(lines(line)).toEqual([line]);
    expect(lines([line, line])).toEqual([line, line]);
    expect(lines([[line], [line]])).toEqual([line, line]);
    expect(lines('x')).toEqual([]);
    expect(lines(undefined)).toEqual([]);
    expect(position([105.7, 10, 3])).toEqual([105.7, 10]);
    expect(position(['105', 10])).toBeNull();
  });

  it('projects north up and east right, with the equator in the middle', () => {
    expect(project([0, 0])).toEqual([0.5, 0.5]);
    const [x, y] = project([105.77, 10.04]);
    expect(x).toBeCloseTo(0.7938, 4);
    expect(y).toBeCloseTo(0.4720, 4);
  });
});

describe('chart columns', () => {
  it('continues history with live points and drops what is too old', () => {
    const columns = startColumns({ step_s: 60, times_s: [120, 60], values: [2, 1] });
    expect(columns).toEqual([
      [60, 120],
      [1, 2],
    ]);
    expect(addPoint(columns, 180, 3, 100)).toBe(true);
    expect(addPoint(columns, 180, 4, 100)).toBe(true);
    expect(addPoint(columns, 150, 9, 100)).toBe(false);
    expect(columns).toEqual([
      [120, 180],
      [2, 4],
    ]);
  });

  it('breaks the line where points are missing', () => {
    const columns: Columns = [
      [0, 60, 300, 360],
      [1, 2, 3, 4],
    ];
    expect(withGaps(columns, 60)).toEqual([
      [0, 60, 120, 300, 360],
      [1, 2, null, 3, 4],
    ]);
  });
});
