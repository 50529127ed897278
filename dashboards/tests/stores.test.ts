// The stores between the live channel and the views.
import { describe, expect, it } from 'vitest';
import { Desk } from '../src/data/desk.svelte';
import { DeviceDetail, incidents } from '../src/data/detail.svelte';
import { Devices } from '../src/data/devices.svelte';
import { freshness, limits } from '../src/data/freshness';
import { Sources, total } from '../src/data/sources.svelte';
import { readSeries } from '../src/data/series';
import type { Change } from '../src/data/live';
import type { Device as DeviceDocument } from '../src/data/wire/api';
import type { Row } from '../src/data/wire/live';
import { TIME_MS } from './frames';

function change(kind: Change['kind'], columns: string[], rows: Row[], removed: string[] = []): Change {
  return { kind, columns, rows, removed, time_ms: TIME_MS, stored: true };
}
function document(id: string, service = 'vds'): DeviceDocument {
  const name = { vi: id, en: id };
  return {
    id,
    service,
    name,
    lon: 105.7,
    lat: 10,
    area: null,
    corridor: null,
    parent: null,
    period_s: 30,
    simulated: true,
    retired: false,
    detectors: [],
    condition: 0,
    why: null,
    age_ms: null,
  };
}

describe('devices', () => {
  const columns = ['id', 'condition', 'why', 'age_ms', 'flow_veh_h', 'speed_kmh', 'occupancy', 'mode'];

  it('keeps live rows that come before the registry', () => {
    const devices = new Devices();
    devices.apply(change('replaced', columns, [['vds-1', 3, 'silent', 4000, 1200, 30.5, 0.2, null]]));
    devices.load([document('vds-1'), document('vds-2')]);
    const device = devices.get('vds-1');
    expect(device).toMatchObject({ condition: 3, why: 'silent', flow_veh_h: 1200, measured_at_ms: TIME_MS - 4000 });
    expect(devices.get('vds-2')).toMatchObject({ condition: 0, measured_at_ms: null, flow_veh_h: null });
  });

  it('is calm only after its first snapshot, and only about what it knows', () => {
    const devices = new Devices();
    expect(devices.calm()).toBe('waiting');
    devices.load([document('vds-1'), document('vds-2')]);
    expect(devices.calm()).toBe('waiting');
    devices.apply(change('replaced', columns, []));
    expect(devices.calm()).toBe('waiting');
    devices.apply(change('changed', columns, [['vds-1', 1, null, 0, 5, 5, 0, null]]));
    expect(devices.calm()).toBe('partly');
    devices.apply(change('changed', columns, [['vds-2', 1, null, 0, 5, 5, 0, null]]));
    expect(devices.calm()).toBe('normal');
  });

  it('reads columns by name, whatever their order', () => {
    const devices = new Devices();
    devices.load([document('vds-1')]);
    devices.apply(change('replaced', ['id', 'flow_veh_h', 'novelty', 'condition'], [['vds-1', 77, 'x', 1]]));
    expect(devices.get('vds-1')).toMatchObject({ condition: 1, flow_veh_h: 77, speed_kmh: null });
  });

  it('forgets a device that a new snapshot does not hold', () => {
    const devices = new Devices();
    devices.load([document('vds-1')]);
    devices.apply(change('replaced', columns, [['vds-1', 1, null, 0, 5, 5, 0, null]]));
    devices.apply(change('replaced', columns, []));
    expect(devices.get('vds-1')).toMatchObject({ condition: 0, flow_veh_h: null, measured_at_ms: null });
  });

  it('tells drawings which conditions changed, and only those', () => {
    const devices = new Devices();
    devices.load([document('vds-1'), document('vds-2')]);
    const told: string[] = [];
    devices.onChange((changed) => told.push(...changed.map((device) => device.id)));
    devices.apply(change('replaced', columns, [['vds-1', 1, null, 0, 5, 5, 0, null]]));
    devices.apply(change('changed', columns, [['vds-1', 1, null, 0, 6, 5, 0, null]]));
    devices.apply(change('changed', columns, [['vds-1', 2, 'power.battery', 0, 6, 5, 0, null]]));
    expect(told).toEqual(['vds-1', 'vds-1']);
    expect(devices.get('vds-1')?.flow_veh_h).toBe(6);
  });

  it('counts devices that report but are not in the registry', () => {
    const devices = new Devices();
    devices.load([document('vds-1')]);
    devices.apply(change('replaced', columns, [['vds-9', 1, null, 0, 5, 5, 0, null]]));
    expect(devices.unregistered).toBe(1);
  });
});

describe('desk', () => {
  it('keeps figures by key and orders channels by size', () => {
    const desk = new Desk();
    const columns = ['key', 'age_ms', 'value'];
    desk.apply(
      change('replaced', columns, [
        ['overdue', 2000, 14],
        ['channel:zalo', 0, 5],
        ['channel:hotline', 0, 50],
      ]),
    );
    desk.apply(change('changed', columns, [['overdue', 0, 15]]));
    expect(desk.figures.get('overdue')).toEqual({ value: 15, measured_at_ms: TIME_MS });
    expect(desk.figures.get('calls_today')).toBeUndefined();
    expect(desk.channels.map((each) => each.channel)).toEqual(['hotline', 'zalo']);
  });
});

describe('sources', () => {
  const columns = ['id', 'service', 'condition', 'why', 'age_ms', 'rate_per_s', 'lag_ms', 'refused', 'duplicates', 'late', 'dropped'];
  const rows: Row[] = [
    ['vds-1', 'vds', 1, null, 900, 0.5, 40, 0, 0, 0, 0],
    ['vds-2', 'vds', 4, 'silent', 90_000, 0, null, 3, 0, 0, 0],
    ['hub:database', 'hub', 3, 'connect', 7000, null, null, null, null, null, null],
  ];

  it('sums the services and keeps the hub apart', () => {
    const sources = new Sources();
    sources.apply(change('replaced', columns, rows));
    expect(sources.services).toHaveLength(1);
    expect(sources.services[0]).toMatchObject({
      service: 'vds',
      conditions: [0, 1, 0, 0, 1],
      rate_per_s: 0.5,
      lag_ms: 40,
      refused: 3,
      measured_at_ms: TIME_MS - 900,
    });
    expect(sources.part('database')).toMatchObject({ condition: 3, changed_at_ms: TIME_MS - 7000 });
    expect(total(sources.services)).toMatchObject({ refused: 3, conditions: [0, 1, 0, 0, 1] });
  });

  it('keeps the services in one order, whichever source comes first', () => {
    const sources = new Sources();
    const row = (id: string, service: string): Row => [id, service, 1, null, 900, 0, 0, 0, 0, 0, 0];
    sources.apply(change('replaced', columns, [row('a', 'novel'), row('b', 'metric'), row('c', 'vds'), row('d', 'signal')]));
    expect(sources.services.map((each) => each.service)).toEqual(['signal', 'vds', 'metric', 'novel']);
  });

  it('lists what is missing, the most first, and knows when nothing is', () => {
    const sources = new Sources();
    const wide = [...columns, 'open_gaps', 'missing', 'restarts'];
    const row = (id: string, open_gaps: number, missing: number, restarts: number): Row =>
      [id, 'vds', 1, null, 900, 0.5, 40, 0, 4, 0, 0, open_gaps, missing, restarts];
    sources.apply(change('replaced', wide, [row('vds-1', 0, 0, 1), row('vds-2', 1, 3, 0), row('vds-3', 2, 9, 2)]));
    expect(sources.losses.map((loss) => [loss.id, loss.open_gaps, loss.missing])).toEqual([
      ['vds-3', 2, 9],
      ['vds-2', 1, 3],
    ]);
    expect(sources.losing).toBe(2);
    expect(sources.losses[0]).toMatchObject({ duplicates: 4, lag_ms: 40, measured_at_ms: TIME_MS - 900 });
    expect(total(sources.services)).toMatchObject({ open_gaps: 3, missing: 12, restarts: 3 });
    sources.apply(change('replaced', wide, [row('vds-1', 0, 0, 1)]));
    expect(sources.losses).toHaveLength(0);
  });

  it('lists only so many sources and counts the others', () => {
    const sources = new Sources();
    const wide = [...columns, 'open_gaps', 'missing', 'restarts'];
    const many = Array.from({ length: 25 }, (_, n): Row => [`vds-${n}`, 'vds', 1, null, 900, 0, 0, 0, 0, 0, 0, 1, n + 1, 0]);
    sources.apply(change('replaced', wide, many));
    expect([sources.losses.length, sources.losing, sources.losses[0]?.id]).toEqual([20, 25, 'vds-24']);
  });

  it('tells what waits in the spool and whether everything is stored', () => {
    const sources = new Sources();
    const waiting = [...columns, 'messages'];
    const spool: Row = ['hub:spool', 'hub', 2, 'spool.used', 500, null, 900, null, null, null, null, 12];
    sources.apply({ ...change('replaced', waiting, [...rows, spool]), stored: false });
    expect(sources.part('spool')).toMatchObject({ condition: 2, why: 'spool.used', waiting: 12 });
    expect(sources.part('database')?.waiting).toBeNull();
    expect(sources.stored).toBe(false);
    sources.apply(change('changed', waiting, []));
    expect(sources.stored).toBe(true);
  });

  it('shows a return of the database at once', () => {
    const sources = new Sources();
    sources.apply(change('replaced', columns, rows));
    sources.apply(change('changed', columns, [['hub:database', 'hub', 1, null, 0]]));
    expect(sources.part('database')?.condition).toBe(1);
  });
});

describe('detail', () => {
  it('turns a count into vehicles per hour by the length of its interval', () => {
    const detail = new DeviceDetail();
    const value = { count: 41, duration_s: 30, speed_kmh: 28.4, occupancy: 0.183, classes: { motorcycle: 35, car: 6 } };
    detail.apply(change('replaced', ['key', 'age_ms', 'value'], [['lane/1', 500, value]]));
    expect(detail.lanes).toEqual([
      {
        key: 'lane/1',
        flow_veh_h: 4920,
        speed_kmh: 28.4,
        occupancy: 0.183,
        queue_m: null,
        motorcycle_share: 35 / 41,
        measured_at_ms: TIME_MS - 500,
      },
    ]);
  });

  it('leaves what was not measured unknown', () => {
    const detail = new DeviceDetail();
    detail.apply(change('replaced', ['key', 'age_ms', 'value'], [['zone/a', null, { count: null, duration_s: 60 }]]));
    expect(detail.lanes[0]).toMatchObject({ flow_veh_h: null, motorcycle_share: null, measured_at_ms: null });
  });

  it('counts the ends of indications from the measurement', () => {
    const detail = new DeviceDetail();
    const columns = ['id', 'age_ms', 'mode', 'plan', 'cycle_s', 'cycle_position_s', 'flash', 'preempt', 'groups'];
    const groups = [['vehicle', 2, 6, 3000, 7, 26, 18], ['broken']];
    detail.applySignal(change('replaced', columns, [['sig-1', 300, 'free', 7, 90, 31.2, 2, 0, groups]]));
    expect(detail.signal?.groups).toEqual([
      {
        key: 'vehicle/2',
        kind: 'vehicle',
        group: 2,
        state: 6,
        since_ms: TIME_MS - 3000,
        min_end_ms: TIME_MS - 300 + 7000,
        max_end_ms: TIME_MS - 300 + 26_000,
        likely_end_ms: TIME_MS - 300 + 18_000,
      },
    ]);
  });

  it('lists incidents, newest first', () => {
    const detail = new DeviceDetail();
    detail.apply(
      change('replaced', ['key', 'age_ms', 'value'], [
        ['incident/queue/north', 60_000, { ended: '2026-03-02T01:14:50Z' }],
        ['incident/wrong_way/south', 1000, { ended: null }],
      ]),
    );
    expect(incidents(detail.parts).map(({ kind, ended }) => [kind, ended])).toEqual([
      ['wrong_way', false],
      ['queue', true],
    ]);
  });
});

describe('freshness', () => {
  const at = (age_ms: number, span_ms = 0): string => freshness(TIME_MS - age_ms, limits(30_000, span_ms), TIME_MS);

  it('is stale past twice and expired past five times the period', () => {
    expect([0, 60_000, 60_001, 150_000, 150_001].map((age_ms) => at(age_ms))).toEqual([
      'fresh',
      'fresh',
      'stale',
      'stale',
      'expired',
    ]);
  });

  it('counts the age of an interval from its end', () => {
    expect([90_000, 90_001, 180_001].map((age_ms) => at(age_ms, 30_000))).toEqual(['fresh', 'stale', 'expired']);
  });

  it('knows values that were never measured and values without a period', () => {
    expect(freshness(null, limits(30_000), TIME_MS)).toBe('none');
    expect(freshness(0, limits(null), TIME_MS)).toBe('fresh');
  });
});

describe('series', () => {
  it('drops points without a time and keeps unknown values unknown', () => {
    const points = [
      ['2026-03-02T01:15:00Z', null, 0, 10],
      ['x', 3, 10, 10],
      ['2026-03-02T01:20:00Z', 1200.5, 10, null],
    ];
    const body = { series: [{ quantity: 'flow_veh_h', resolution_s: 300, points }, { quantity: 'novelty', points }] };
    expect(readSeries(body)).toEqual({
      flow_veh_h: { step_s: 300, times_s: [TIME_MS / 1000, TIME_MS / 1000 + 300], values: [null, 1200.5] },
      speed_kmh: { step_s: 0, times_s: [], values: [] },
      occupancy: { step_s: 0, times_s: [], values: [] },
    });
  });
});
