// What the pages of devices rest on: columns and their picture, what is in sight, places along a road,
// greens, contours, faults in words.
import { describe, expect, it } from 'vitest';
import { along, inOrder, lineOf, metres, near, type Point } from '../src/data/along';
import { goodShare, parameters, readBlocks, UNKNOWN, type Block } from '../src/data/blocks';
import { readIndications, type GroupRuns } from '../src/data/past';
import { Traffic } from '../src/data/traffic.svelte';
import { Format } from '../src/format';
import { between, moved, zoomed } from '../src/view/chart/sight';
import { at, firstFrom, flaws, mean, thinned } from '../src/view/chart/thin';
import { readWish, shift, writeWish } from '../src/view/chart/wish';
import { borders, combined, gridOf, rowBorders, shade, SHADES } from '../src/view/device/contour';
import { curve, stretches } from '../src/view/device/equipmentPast';
import { faultLines } from '../src/view/device/faults';
import { greensOf, joined, runAt } from '../src/view/device/greens';
import { corridorPath, devicePath } from '../src/view/device/path';

const START_MS = Date.parse('2026-03-02T00:00:00Z');

function block(values: number[], step_s = 30, part: Partial<Block> = {}): Block {
  return {
    source: 'vds-1',
    place: null,
    quantity: 'flow_veh_h',
    class: null,
    step_s,
    basis: 'raw',
    times_ms: Float64Array.from(values, (_, index) => START_MS + index * step_s * 1000),
    values: Float32Array.from(values),
    good: Uint32Array.from(values, () => 4),
    expected: Uint32Array.from(values, () => 4),
    ...part,
  };
}

/** A block as the hub writes it. */
function written(header: Record<string, unknown>, steps: number[], values: number[]): Uint8Array {
  const rows = values.length;
  const head = new TextEncoder().encode(`${JSON.stringify({ ...header, rows })}\n`);
  const body = new DataView(new ArrayBuffer(8 + rows * 16));
  body.setFloat64(0, START_MS, true);
  steps.forEach((step, index) => body.setUint32(8 + 4 * index, step, true));
  values.forEach((value, index) => body.setFloat32(8 + 4 * (rows + index), value, true));
  values.forEach((_, index) => body.setUint32(8 + 4 * (2 * rows + index), 3, true));
  values.forEach((_, index) => body.setUint32(8 + 4 * (3 * rows + index), index === 0 ? 4 : UNKNOWN, true));
  return new Uint8Array([...head, ...new Uint8Array(body.buffer)]);
}

describe('columns', () => {
  it('reads blocks one after the other', () => {
    const first = written({ source: 'vds-1', lane: 2, zone: null, quantity: 'speed_kmh', class: null, resolution_s: 30, basis: 'raw' }, [0, 30_000], [41.5, NaN]);
    const second = written({ source: 'cam-1', lane: null, zone: 'north-in', quantity: 'count', class: 'bus', resolution_s: 60, basis: '5min' }, [0], [7]);
    const [one, two, none] = readBlocks(new Uint8Array([...first, ...second]).buffer);
    expect(one).toMatchObject({ source: 'vds-1', place: 'lane/2', quantity: 'speed_kmh', step_s: 30, basis: 'raw' });
    expect([...(one?.times_ms ?? [])]).toEqual([START_MS, START_MS + 30_000]);
    expect([...(one?.values ?? [])]).toEqual([41.5, NaN]);
    expect(two).toMatchObject({ place: 'zone/north-in', class: 'bus' });
    expect(none).toBeUndefined();
    expect(one && goodShare(one)).toBe(0.75);
    expect(goodShare(block([1], 30, { expected: Uint32Array.of(UNKNOWN) }))).toBeNull();
  });

  it('refuses an answer that is cut off', () => {
    const whole = written({ source: 'a' }, [0], [1]);
    expect(() => readBlocks(whole.slice(0, -1).buffer)).toThrow('unexpected_answer');
  });

  it('asks for lanes and zones by their kinds', () => {
    const asked = parameters({ sources: ['a', 'b'], places: ['lane/1', 'lane/2', 'zone/x'], quantities: ['count'], from_ms: 0, to_ms: 60_000, step_s: 300 });
    expect(asked).toEqual({
      source: 'a,b',
      lane: '1,2',
      zone: 'x',
      quantity: 'count',
      from: '1970-01-01T00:00:00.000Z',
      to: '1970-01-01T00:01:00.000Z',
      step: '300s',
    });
  });
});

describe('picture of a series', () => {
  it('keeps every peak of a million points, in time order', () => {
    const rows = 1_000_000;
    const times_ms = new Float64Array(rows);
    const values = new Float32Array(rows);
    for (let index = 0; index < rows; index += 1) {
      times_ms[index] = START_MS + index * 30_000;
      values[index] = 500 + (index % 97);
    }
    values[123_456] = 9_000;
    values[777_777] = 0;
    const samples = new Uint32Array(rows).fill(1);
    const many = block([], 30, { times_ms, values, good: samples, expected: samples });
    const end_ms = START_MS + 1_000_000 * 30_000;
    const thin = thinned(many, START_MS, end_ms, 1_000);
    expect(thin.values.length).toBeLessThanOrEqual(4_000);
    expect(thin.values).toContain(9_000);
    expect(thin.values).toContain(0);
    expect(thin.times_s).toEqual([...thin.times_s].sort((a, b) => a - b));
  });

  it('leaves gaps open and shows few points as they are', () => {
    const few = block([1, NaN, 3]);
    expect(thinned(few, START_MS, START_MS + 90_000, 100).values).toEqual([1, null, 3]);
    const gap = block(Array.from({ length: 10_000 }, (_, index) => (index > 4_000 && index < 6_000 ? NaN : 5)));
    expect(thinned(gap, START_MS, START_MS + 300_000_000, 100).values).toContain(null);
  });

  it('moves what is compared along the axis', () => {
    const week = block([1, 2], 30, { times_ms: Float64Array.of(START_MS - 7_000, START_MS - 6_000) });
    expect(thinned(week, START_MS, START_MS + 5_000, 100, 7_000).times_s).toEqual([START_MS / 1000, START_MS / 1000 + 1]);
  });

  it('marks where samples are missing or bad', () => {
    const flawed = block([1, 2, 3, 4, 5, 6], 30, { good: Uint32Array.of(4, 2, 2, 4, 0, 4) });
    const found = flaws(flawed, START_MS, START_MS + 180_000, 6);
    expect(found.map(({ from_s, to_s, share }) => [from_s - START_MS / 1000, to_s - START_MS / 1000, share])).toEqual([
      [30, 90, 0.5],
      [120, 150, 1],
    ]);
  });

  it('finds points by time', () => {
    const some = block([1, 2, NaN, 4]);
    expect(firstFrom(some.times_ms, START_MS + 1)).toBe(1);
    expect(at(some, START_MS + 45_000)).toMatchObject({ time_ms: START_MS + 30_000, value: 2, good: 4, expected: 4 });
    expect(at(some, START_MS + 65_000)?.value).toBeNull();
    expect(at(some, START_MS - 1)).toBeNull();
    expect(at(some, START_MS + 1_000_000)).toBeNull();
    expect(mean(some, START_MS, START_MS + 120_000)).toBeCloseTo(7 / 3);
    expect(mean(some, START_MS + 60_000, START_MS + 90_000)).toBeNull();
  });
});

describe('what is in sight', () => {
  const hour = { from_ms: START_MS, to_ms: START_MS + 3_600_000 };

  it('zooms around a place and never into the future', () => {
    expect(zoomed(hour, 0.5, 0.5, hour.to_ms)).toEqual({ from_ms: START_MS + 900_000, to_ms: START_MS + 2_700_000 });
    expect(zoomed(hour, 2, 0.5, hour.to_ms)).toEqual({ from_ms: START_MS - 3_600_000, to_ms: hour.to_ms });
    const closest = zoomed(hour, 1e-9, 0, hour.to_ms);
    expect(closest.to_ms - closest.from_ms).toBe(60_000);
  });

  it('moves by a share of its length', () => {
    expect(moved(hour, -0.5, hour.to_ms)).toEqual({ from_ms: START_MS - 1_800_000, to_ms: START_MS + 1_800_000 });
    expect(moved(hour, 0.5, hour.to_ms)).toEqual(hour);
    expect(between(5_000_000, 1_000_000)).toEqual({ from_ms: 1_000_000, to_ms: 5_000_000 });
    expect(between(0, 10)).toBeNull();
  });

  it('stands in the address and is read back', () => {
    const now_ms = START_MS;
    const plain = readWish('?lang=en', now_ms);
    expect(plain).toMatchObject({ quantity: 'flow_veh_h', follows: true, place: null, compared: { kind: 'none' }, every: false });
    expect(writeWish(plain, '?lang=en')).toBe('?lang=en');
    const search = '?quantity=count&place=lane%2F2&class=bus&from=2026-03-01T00%3A00%3A00.000Z&to=2026-03-01T06%3A00%3A00.000Z&compare=2026-02-20&points=every';
    const wish = readWish(search, now_ms);
    expect(wish).toMatchObject({ vehicle: 'bus', follows: false, compared: { kind: 'day', day: '2026-02-20' }, every: true });
    expect(writeWish(wish, '')).toBe(search);
    expect(readWish('?quantity=speed_kmh&class=bus', now_ms).vehicle).toBeNull();
  });

  it('compares whole days', () => {
    const day_of = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    expect(shift({ kind: 'week' }, hour, day_of)).toBe(7 * 86_400_000);
    expect(shift({ kind: 'day', day: '2026-02-27' }, hour, day_of)).toBe(3 * 86_400_000);
    expect(shift({ kind: 'day', day: '' }, hour, day_of)).toBeNull();
    expect(shift({ kind: 'none' }, hour, day_of)).toBeNull();
  });
});

describe('fields of date and time', () => {
  it('mean the city’s time, whatever the machine’s zone', () => {
    const format = new Format('vi', 'Asia/Ho_Chi_Minh');
    expect(format.field(START_MS)).toBe('2026-03-02T07:00');
    expect(format.fromField('2026-03-02T07:00')).toBe(START_MS);
    expect(format.fromField('')).toBeNull();
    expect(format.fromStamp(format.stamp(START_MS))).toBe(START_MS);
    expect(format.fromStamp(' 2/3/2026 7:00 ')).toBe(START_MS);
    for (const text of ['', '2026-03-02 07:00', '32/13/2026 07:00', '02/03/2026']) expect(format.fromStamp(text)).toBeNull();
    const berlin = new Format('en', 'Europe/Berlin');
    for (const text of ['2026-03-29T12:00', '2026-07-01T00:30', '2026-10-25T12:00']) {
      expect(berlin.field(berlin.fromField(text) ?? 0)).toBe(text);
    }
  });
});

describe('places along a road', () => {
  const line: Point[] = [
    [105, 10],
    [105.1, 10],
    [105.1, 10.1],
  ];
  const device = (id: string, lon: number | null, lat: number | null) => ({ id, lon, lat });

  it('measures in metres', () => {
    // 0.1 degrees of longitude at 10 degrees north: 0.1 x 111,320 x cos(10 degrees) = 10,963 m.
    expect(metres([105, 10], [105.1, 10])).toBeCloseTo(10_963, -1);
    expect(metres([105, 10], [105, 10.1])).toBeCloseTo(11_132, -1);
  });

  it('finds how far along and how far off', () => {
    expect(along(line, [105.05, 10.001])).toMatchObject({ at_m: expect.closeTo(5_481, -1), off_m: expect.closeTo(111, -1) });
    expect(along(line, [105.2, 10.05]).at_m).toBeCloseTo(10_963 + 5_566, -2);
    expect(along(line, [104, 10]).at_m).toBe(0);
  });

  it('puts devices in the order of the road, unplaced ones last', () => {
    const found = inOrder(line, [device('c', 105.1, 10.05), device('x', null, null), device('a', 105.01, 10)]);
    expect(found.map((each) => each.device.id)).toEqual(['a', 'c', 'x']);
    expect(found[2]?.at_m).toBeNull();
  });

  it('finds who is near', () => {
    const found = near(device('a', 105, 10), [device('a', 105, 10), device('b', 105.001, 10), device('c', 105.002, 10), device('d', 106, 10)], 1_000, 5);
    expect(found.map((each) => [each.device.id, Math.round(each.far_m)])).toEqual([
      ['b', 110],
      ['c', 219],
    ]);
    expect(near(device('x', null, null), [device('b', 105, 10)], 1_000, 5)).toEqual([]);
  });

  it('reads the line of a corridor', () => {
    const feature = { type: 'Feature' as const, id: 'ql91', properties: { id: 'ql91' }, geometry: { type: 'LineString', coordinates: [[105, 10], ['x', 1], [105.1, 10]] } };
    expect(lineOf({ type: 'FeatureCollection', features: [feature] }, 'ql91')).toEqual([
      [105, 10],
      [105.1, 10],
    ]);
    expect(lineOf(null, 'ql91')).toEqual([]);
  });
});

describe('greens', () => {
  const group = (...runs: [number, number | null][]): GroupRuns => ({
    key: 'vehicle/2',
    kind: 'vehicle',
    group: 2,
    runs: runs.map(([begin_s, state]) => ({ begin_ms: begin_s * 1000, state })),
  });

  it('are counted whole, from yellow to yellow', () => {
    // Green 20..50 and 110..145, red and yellow between; the last green has not ended.
    const found = greensOf(group([0, 3], [20, 6], [50, 8], [54, 3], [110, 6], [145, 8], [149, 3], [200, 6]), 0, 220_000);
    expect(found.greens.map((green) => green.length_s)).toEqual([30, 35]);
    expect(found).toMatchObject({ mean_s: 32.5, least_s: 30, most_s: 35 });
    expect(found.share).toBeCloseTo((30 + 35 + 20) / 220);
  });

  it('are one where permissive turns to protected, and none where nobody knows', () => {
    expect(greensOf(group([0, 3], [10, 5], [20, 6], [45, 8], [50, 3]), 0, 60_000).greens).toEqual([{ begin_ms: 10_000, length_s: 35 }]);
    expect(greensOf(group([0, null], [10, 6], [20, 8]), 0, 60_000).greens).toEqual([]);
    expect(greensOf(group([0, 3], [10, 6], [20, null]), 0, 60_000)).toMatchObject({ greens: [], mean_s: null, share: 0.5 });
    expect(greensOf(group([0, 3], [10, 5], [20, 6], [30, null]), 0, 60_000).greens).toEqual([]);
  });

  it('tell what was shown at an instant', () => {
    const { runs } = group([10, 3], [20, 6]);
    expect([9_999, 10_000, 25_000].map((ms) => runAt(runs, ms)?.state)).toEqual([undefined, 3, 6]);
  });

  it('are joined where stretches overlap', () => {
    const stretch = (from_s: number, to_s: number, ...runs: [number, number | null][]) => ({
      from_ms: from_s * 1000,
      to_ms: to_s * 1000,
      groups: [group(...runs)],
      programs: [{ begin_ms: from_s * 1000, mode: 'free', plan: 1, cycle_s: 60 }],
    });
    const whole = joined(stretch(0, 100, [0, 3], [40, 6], [90, 8]), stretch(80, 200, [40, 6], [90, 8], [95, 3]));
    expect(whole.groups[0]?.runs.map((run) => run.begin_ms / 1000)).toEqual([0, 40, 90, 95]);
    expect([whole.from_ms, whole.to_ms, whole.programs.length]).toEqual([0, 200_000, 2]);
  });

  it('read what the hub answers and nothing else', () => {
    const body = {
      from: '2026-03-02T00:00:00Z',
      to: '2026-03-02T01:00:00Z',
      programs: [['2026-03-02T00:00:00Z', 'coordinated', 3, 90], ['bad']],
      groups: [{ kind: 'vehicle', group: 2, runs: [[START_MS, 6], [START_MS + 1_000, null], ['x', 3]] }, { kind: 'vehicle' }],
    };
    const found = readIndications(body);
    expect(found.groups).toEqual([{ key: 'vehicle/2', kind: 'vehicle', group: 2, runs: [{ begin_ms: START_MS, state: 6 }, { begin_ms: START_MS + 1_000, state: null }] }]);
    expect(found.programs).toEqual([{ begin_ms: START_MS, mode: 'coordinated', plan: 3, cycle_s: 90 }]);
    expect(() => readIndications({ from: 'x' })).toThrow('unexpected_answer');
  });
});

describe('contour of a corridor', () => {
  it('weighs speeds by flow, adds flows, means occupancy', () => {
    // 30 vehicles at 40 km/h and 10 at 20 km/h: 35 km/h.
    const lanes = [
      { value: 40, flow: 30 },
      { value: 20, flow: 10 },
      { value: null, flow: null },
    ];
    expect(combined('speed_kmh', lanes)).toBe(35);
    expect(combined('flow_veh_h', lanes)).toBe(60);
    expect(combined('occupancy', lanes)).toBe(30);
    expect(combined('speed_kmh', [{ value: 40, flow: null }])).toBeNull();
    expect(combined('flow_veh_h', [])).toBeNull();
  });

  it('has a row for every station and keeps gaps', () => {
    const places = [
      { id: 'a', at_m: 0 },
      { id: 'b', at_m: 1_000 },
      { id: 'c', at_m: 3_000 },
    ];
    const speed = { quantity: 'speed_kmh', step_s: 300 };
    const grid = gridOf(places, 'speed_kmh', [
      block([50, NaN], 300, { source: 'a', ...speed }),
      block([40, 20], 300, { source: 'b', place: 'lane/1', ...speed }),
      block([20, 20], 300, { source: 'b', place: 'lane/2', ...speed }),
      block([300, 0], 300, { source: 'b', place: 'lane/1' }),
      block([100, 10], 300, { source: 'b', place: 'lane/2' }),
    ]);
    expect(grid.rows).toEqual([
      [50, null],
      [35, 20],
      [null, null],
    ]);
    expect(rowBorders(places)).toEqual([-750, 500, 2_000, 3_750]);
  });

  it('is bright where one should look', () => {
    expect([0, 30, 59, 60, 90].map((kmh) => shade('speed_kmh', kmh, 60))).toEqual([5, 3, 0, 0, 0]);
    expect([0, 0.25, 0.6].map((share) => shade('occupancy', share, 0.5))).toEqual([0, 3, 5]);
    expect(borders('speed_kmh', 60)).toHaveLength(SHADES);
    expect(borders('speed_kmh', 60)[0]).toEqual([50, 60]);
    expect(borders('flow_veh_h', 600)[5]).toEqual([500, 600]);
  });
});

describe('equipment', () => {
  it('tells every fault in words', () => {
    const lines = faultLines({
      power: 'battery',
      battery_pct: 12,
      door_open: true,
      technician: true,
      monitor_fault: 'conflict',
      lamps: [{ group: 4, colour: 'red', fault: 'major' }, { group: 5, colour: 'red', fault: 'none' }],
      detectors: [{ channel: 3, state: 'stuck_on' }, { channel: 4, state: 'ok' }],
      camera: { reachable: false, why: 'auth', freeze_s: 31 },
    });
    expect(lines).toEqual([
      'Chạy bằng ắc quy',
      'Ắc quy yếu',
      'Cửa tủ đang mở, kỹ thuật viên đang làm việc',
      'Bộ giám sát: xung đột pha xanh',
      'Đèn đỏ nhóm 4 không sáng',
      'Kênh dò 3: kẹt ở trạng thái có xe',
      'Camera từ chối đăng nhập',
      'Hình ảnh bị đứng',
    ]);
    expect(faultLines({ power: 'line', monitor_fault: 'none', camera: { reachable: true, freeze_s: 0 } })).toEqual([]);
  });

  it('draws states as stretches and leaves silences open', () => {
    const report = (minute: number, power: string | null, temperature_c: number | null = null) => ({
      time_ms: START_MS + minute * 60_000,
      power,
      battery_pct: null,
      temperature_c,
      door_open: null,
      reachable: null,
      why: null,
      freeze_s: null,
      moved: null,
    });
    const past = {
      from_ms: START_MS,
      to_ms: START_MS + 3_600_000,
      reports: [report(0, 'line', 40), report(1, 'line', 42), report(2, 'battery', 41), report(30, 'line', 39)],
      connections: [
        { time_ms: START_MS - 5_000, online: true },
        { time_ms: START_MS + 600_000, online: false },
      ],
    };
    const rows = stretches(past);
    expect(rows.map((row) => row.key)).toEqual(['power', 'link']);
    expect(rows[0]?.rows.map(({ from_ms, to_ms, kind }) => [(from_ms - START_MS) / 60_000, (to_ms - START_MS) / 60_000, kind])).toEqual([
      [0, 2, 'usual'],
      [2, 5, 'odd'],
      [30, 33, 'usual'],
    ]);
    expect(rows[1]?.rows.map((row) => row.kind)).toEqual(['usual', 'odd']);
    const drawn = curve(past, (each) => each.temperature_c);
    expect([drawn.low, drawn.high]).toEqual([39, 42]);
    expect(drawn.path((ms) => (ms - START_MS) / 60_000, 50).match(/M/g)).toHaveLength(2);
  });
});

describe('pages', () => {
  it('exist for field equipment only', () => {
    expect(devicePath({ id: 'vds-1', service: 'vds' })).toBe('/d/vds/vds-1');
    expect(devicePath({ id: 'desk-1', service: 'desk' })).toBeNull();
    expect(corridorPath('30-thang-4')).toBe('/corridor/30-thang-4');
  });

  it('know the traffic of corridors by their keys', () => {
    const traffic = new Traffic();
    const columns = ['key', 'age_ms', 'flow_veh_h', 'speed_kmh', 'occupancy', 'devices', 'reporting', 'flow_pcu_h', 'los', 'congestion'];
    const change = { kind: 'replaced' as const, columns, rows: [['corridor:ql91', 2_000, 1_234, 41.2, 0.1, 9, 8, 700, 'C', 'dense']], removed: [], time_ms: START_MS, stored: true };
    traffic.apply(change as Parameters<typeof traffic.apply>[0]);
    expect(traffic.places.get('corridor:ql91')).toEqual({
      measured_at_ms: START_MS - 2_000,
      flow_veh_h: 1_234,
      speed_kmh: 41.2,
      occupancy: 0.1,
      devices: 9,
      reporting: 8,
      flow_pcu_h: 700,
      los: 'C',
      congestion: 'dense',
    });
  });
});
