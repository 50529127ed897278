// Alarms: what the store holds and counts, the order and grouping of the list, floods, what was asked and
// is not seen yet, the sound and its silence, and what a screen reader is told.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readOutcomes, send, type Action, type Outcome } from '../src/data/alarmActions';
import { readPerformance } from '../src/data/alarmPerformance';
import { readRules } from '../src/data/alarmRules';
import { Alarms, type Alarm, type Priority } from '../src/data/alarms.svelte';
import { Announcer, PAUSE_MS } from '../src/data/announcer.svelte';
import { Collection } from '../src/data/collection';
import { Devices, type Device } from '../src/data/devices.svelte';
import { Flood, WINDOW_MS } from '../src/data/flood.svelte';
import { parseFrame } from '../src/data/frames';
import { Problem } from '../src/data/http';
import { hasEffect, LATE_MS, Pending } from '../src/data/pending.svelte';
import { AlarmSound, REPEAT_MS, SILENCE_MS, type Memory, type Speaker } from '../src/data/sound.svelte';
import { Format } from '../src/format';
import '../src/i18n/alarmActions';
import { coded } from '../src/i18n.svelte';
import { DWELL_MS, followed, following, type Watch } from '../src/view/alarmCameras';
import { current, drift, grouped, inView, lines, matches, NO_FILTER, ordered, standing } from '../src/view/alarmOrder';
import { delta, row, snapshot } from './alarmRows';
import { TIME, TIME_MS } from './frames';

function loaded(...rows: ReturnType<typeof row>[]): Alarms {
  const alarms = new Alarms();
  alarms.apply(snapshot(rows));
  return alarms;
}
function one(id: string, own: Parameters<typeof row>[1] = {}): Alarm {
  const found = loaded(row(id, own)).get(id);
  if (found === undefined) throw new Error(id);
  return found;
}
const PLAIN_DEVICE = { name: { vi: 'a', en: 'a' }, area: null, corridor: null, parent: null, period_s: 30, simulated: true, retired: false, detectors: [], condition: 1, why: null };
const ids = (alarms: readonly Alarm[]): string[] => alarms.map((alarm) => alarm.id);

describe('store', () => {
  it('reads rows by column name and counts ages from the frame', () => {
    const shelved = { until_in_ms: 90_000, by: 'lan', reason: 'đang sửa' };
    const alarm = one('batt_low:sig-1', { priority: 1, value: 22.5, limit: 30, unit_of_measure: 'pct', shelved, raised_age_ms: 5_000 });
    expect(alarm).toMatchObject({ code: 'batt_low', object: 'sig-1', priority: 1, value: 22.5, limit: 30, raised_at_ms: TIME_MS - 5_000 });
    expect(alarm.shelved).toEqual({ until_ms: TIME_MS + 90_000, by: 'lan', reason: 'đang sửa' });
  });

  it('counts what is unacknowledged, but nothing shelved, suppressed or out of service', () => {
    const alarms = loaded(
      row('a:1', { priority: 1 }),
      row('a:2', { priority: 1, state: 'ack' }),
      row('a:3', { priority: 2, state: 'rtnun' }),
      row('a:4', { priority: 2, suppressed: 'parent' }),
      row('a:5', { priority: 3, shelved: { until_in_ms: 1, by: 'x', reason: 'y' } }),
      row('a:6', { priority: 4, out_of_service: { by: 'x', ticket: null } }),
      row('a:7', { priority: 4, state: 'latch' }),
    );
    expect(alarms.unacknowledged).toEqual({ 1: 1, 2: 1, 3: 0, 4: 0 });
  });

  it('shows the counts of the greeting until the first snapshot', () => {
    const alarms = new Alarms();
    alarms.greet({ '1': 2, '3': 7 });
    expect(alarms.unacknowledged).toEqual({ 1: 2, 2: 0, 3: 7, 4: 0 });
    alarms.apply(snapshot([row('a:1', { priority: 1 })]));
    expect(alarms.unacknowledged).toEqual({ 1: 1, 2: 0, 3: 0, 4: 0 });
  });

  it('tells every transition, also those whose row is gone again', () => {
    const alarms = loaded(row('a:1'));
    const told: string[] = [];
    alarms.onChange((transitions) => told.push(...transitions.map((each) => `${each.seq} ${each.action} ${each.id} ${each.by}`)));
    alarms.apply(delta([], [[2, 'a:1', 'clear', 'unack', 'rtnun', null, 0], [3, 'a:1', 'acknowledge', 'rtnun', 'norm', 'lan', 0]], ['a:1']));
    expect(told).toEqual(['2 clear a:1 null', '3 acknowledge a:1 lan']);
    expect(alarms.list).toEqual([]);
  });

  it('gathers the alarms of a device with those of its detectors, the most urgent first', () => {
    const alarms = loaded(row('det_failed:vds-1/lane/2', { priority: 3 }), row('comm_loss:vds-1', { priority: 2 }), row('door_open:vds-1', { priority: 1, suppressed: 'works' }));
    expect(ids(alarms.by_object.get('vds-1') ?? [])).toEqual(['comm_loss:vds-1', 'det_failed:vds-1/lane/2']);
  });

  it('takes an unknown priority for the most urgent one and an unknown state for unacknowledged', () => {
    expect(one('a:1', { priority: 9, state: 'novel' })).toMatchObject({ priority: 1, state: 'unack' });
  });

  it('marks devices with their most urgent alarm and tells the map which have changed', () => {
    const devices = new Devices();
    const name = { vi: 'v', en: 'v' };
    const rest = { lon: 105, lat: 10, area: null, corridor: null, parent: null, period_s: 30, simulated: true, retired: false, detectors: [], condition: 0, why: null, age_ms: null };
    devices.load(['vds-1', 'vds-2'].map((id) => ({ id, service: 'vds', name, ...rest })));
    const told: string[] = [];
    devices.onChange((changed) => told.push(...changed.map((device) => device.id)));
    const alarms = loaded(row('comm_loss:vds-1'));
    devices.mark(alarms.by_object);
    expect(devices.get('vds-1')?.alarm?.id).toBe('comm_loss:vds-1');
    devices.mark(loaded(row('comm_loss:vds-1', { state: 'ack' })).by_object);
    devices.mark(new Map());
    expect(told).toEqual(['vds-1', 'vds-1', 'vds-1']);
    expect(devices.get('vds-1')?.alarm).toBeNull();
  });
});

describe('numbers of transitions', () => {
  const frame = (own: object): string => JSON.stringify({ id: 1, time: TIME, columns: ['id'], rows: [], ...own });
  function applied(collection: Collection, own: object): string {
    const parsed = parseFrame(frame(own));
    if (parsed?.op === 'snapshot') return collection.snapshot(parsed).kind;
    if (parsed?.op === 'delta') return collection.delta(parsed).kind;
    throw new Error('no such frame');
  }
  const first = { op: 'snapshot', cursor: 'e:1', seq: 7 };
  const next = (seqs: number[]): object => ({
    op: 'delta', prev: 'e:1', cursor: 'e:2', removed: [], transitions: seqs.map((seq) => [seq, 'a:1', 'raise', 'norm', 'unack', null, 0]),
  });

  it('are without holes, or the topic is asked for again', () => {
    for (const [seqs, verdict] of [[[8, 9], 'changed'], [[9], 'gap'], [[8, 10], 'gap'], [[], 'changed']] as const) {
      const collection = new Collection();
      applied(collection, first);
      expect(applied(collection, next([...seqs])), String(seqs)).toBe(verdict);
    }
  });
});

describe('order', () => {
  it('puts unacknowledged before acknowledged, then priority, then the newest', () => {
    const alarms = loaded(
      row('ack-p1:1', { priority: 1, state: 'ack' }),
      row('old-p2:1', { priority: 2, raised_age_ms: 9_000 }),
      row('new-p2:1', { priority: 2, raised_age_ms: 1_000 }),
      row('back-p2:1', { priority: 2, state: 'rtnun', raised_age_ms: 5_000 }),
      row('p3:1', { priority: 3, raised_age_ms: 0 }),
    );
    expect(ids(ordered(alarms.list))).toEqual(['new-p2:1', 'back-p2:1', 'old-p2:1', 'p3:1', 'ack-p1:1']);
  });

  it('tells what a frozen list does not show yet', () => {
    const [a, b, c] = [one('a:1'), one('b:1'), one('c:1')];
    expect(drift([a, b], [a, b])).toEqual({ came: 0, moved: false });
    expect(drift([a, b], [c, a, b])).toEqual({ came: 1, moved: true });
    expect(drift([a, b], [b, a])).toEqual({ came: 0, moved: true });
    expect(drift([a, b], [a])).toEqual({ came: 0, moved: true });
  });

  it('keeps an alarm that is normal again in its place until the list is renewed', () => {
    const before = one('a:1', { state: 'rtnun' });
    expect(current(before, undefined)).toMatchObject({ id: 'a:1', state: 'norm' });
    expect(current(before, one('a:1', { state: 'ack' })).state).toBe('ack');
  });

  it('names the one thing that keeps an alarm from the operator before its state', () => {
    const aside = { shelved: { until_in_ms: 1, by: 'x', reason: 'y' }, suppressed: 'parent', out_of_service: { by: 'x', ticket: null } };
    expect(standing(one('a:1', aside))).toBe('out_of_service');
    expect(standing(one('a:1', { ...aside, out_of_service: null }))).toBe('shelved');
    expect(standing(one('a:1', { suppressed: 'parent' }))).toBe('suppressed');
    expect(standing(one('a:1', { state: 'latch' }))).toBe('latch');
    const shelved = one('a:1', { ...aside, suppressed: null, out_of_service: null });
    expect([inView(shelved, 'work'), inView(shelved, 'shelved'), inView(shelved, 'suppressed')]).toEqual([false, true, false]);
  });

  it('filters by priority, state, service, area and text without accents', () => {
    const alarm = one('comm_loss:sig-1', { state: 'rtnun' });
    const found = (own: object): boolean => matches(alarm, { ...NO_FILTER, ...own }, () => 'comm_loss sig-1 duong nguyen van cu');
    expect(found({ text: 'Nguyễn CỪ' })).toBe(true);
    expect(found({ text: 'Nguyễn Trãi' })).toBe(false);
    expect([found({ priority: 2 }), found({ priority: 1 })]).toEqual([true, false]);
    expect([found({ state: 'unacknowledged' }), found({ state: 'rtnun' }), found({ state: 'unack' })]).toEqual([true, true, false]);
    expect([found({ service: 'signal' }), found({ service: 'vds' })]).toEqual([true, false]);
    expect([found({ area: 'gso:31135' }), found({ area: 'gso:1' })]).toEqual([true, false]);
  });
});

describe('groups of a flood', () => {
  const alarms = loaded(
    row('comm_group_loss:cab-1', { priority: 1, raised_age_ms: 1_000, first_out: false }),
    row('comm_loss:sig-1', { parent: 'comm_group_loss:cab-1', raised_age_ms: 4_000, first_out: true }),
    row('comm_loss:sig-2', { parent: 'comm_group_loss:cab-1', raised_age_ms: 3_000, state: 'ack' }),
    row('door_open:cab-9', { priority: 3, area: 'gso:2', raised_age_ms: 2_000 }),
    row('temp_high:cab-8', { priority: 3, area: 'gso:2', raised_age_ms: 8_000 }),
  );

  it('gathers by the alarm that explains the others, else by area, and marks what came first', () => {
    const found = grouped(ordered(alarms.list));
    expect(found.map((group) => [group.key, group.alarms.length, group.unacknowledged, group.priority, group.first_out])).toEqual([
      ['parent comm_group_loss:cab-1', 3, 2, 1, 'comm_loss:sig-1'],
      ['area gso:2', 2, 2, 3, 'temp_high:cab-8'],
    ]);
  });

  it('shows the heading only of a closed group', () => {
    const shown = lines(ordered(alarms.list), true, new Set(['parent comm_group_loss:cab-1']));
    expect(shown.map((line) => (line.kind === 'group' ? line.group.key : line.alarm.id))).toEqual([
      'parent comm_group_loss:cab-1', 'area gso:2', 'door_open:cab-9', 'temp_high:cab-8',
    ]);
  });
});

describe('cameras that follow the alarm', () => {
  const device = (id: string, service: string, lon: number | null): Device => ({ ...PLAIN_DEVICE, id, service, lon, lat: lon === null ? null : 10 }) as unknown as Device;
  const all = [device('sig-1', 'signal', 105), device('sig-2', 'signal', 106), device('cam-a', 'cctv', 105.001), device('cam-b', 'cctv', 105.002), device('cam-c', 'cctv', 105.003), device('cam-far', 'cctv', 107), device('cam-x', 'cctv', null)];
  const cameras = all.filter((each) => each.service === 'cctv');
  type Rows = ReturnType<typeof row>[];
  const asked = (...rows: Rows): Parameters<typeof followed>[0] => ({ alarms: loaded(...rows).list, device: (id) => all.find((each) => each.id === id), cameras, count: 2 });
  const see = (...rows: Rows): unknown => {
    const found = followed(asked(...rows));
    return found === null ? null : [found.alarm.id, found.device.id, found.cameras.map((each) => each.id)];
  };

  it('shows the nearest ones of the most urgent unacknowledged alarm that has any', () => {
    const low = row('batt_low:sig-1', { priority: 3 });
    expect(see(low)).toEqual(['batt_low:sig-1', 'sig-1', ['cam-a', 'cam-b']]);
    expect(see(low, row('dark:sig-2', { priority: 1 }))).toEqual(['batt_low:sig-1', 'sig-1', ['cam-a', 'cam-b']]);
    expect(see(low, row('lane:sig-1/lane/2', { priority: 2, state: 'rtnun' }))).toEqual(['lane:sig-1/lane/2', 'sig-1', ['cam-a', 'cam-b']]);
  });

  it('shows a camera that is itself at fault, also without a place', () => {
    expect(see(row('cam_dark:cam-b'))).toEqual(['cam_dark:cam-b', 'cam-b', ['cam-b', 'cam-a']]);
    expect(see(row('cam_dark:cam-x'))).toEqual(['cam_dark:cam-x', 'cam-x', ['cam-x']]);
  });

  it('goes back to the list when nothing waits', () => {
    expect(see()).toBeNull();
    expect(see(row('batt_low:sig-1', { state: 'ack' }), row('dark:sig-1', { suppressed: 'works' }), row('lag:hub:database'))).toBeNull();
  });

  const START_MS = 1_000;
  const begin = (...rows: Rows): Watch | null => following(null, asked(...rows), START_MS);
  const then = (before: Watch | null, after_ms: number, ...rows: Rows): Watch | null => following(before, asked(...rows), START_MS + after_ms);
  const told = (watch: Watch | null): unknown => watch && [watch.alarm.id, watch.alarm.state, watch.since_ms - START_MS];

  it('stays at an alarm that waits, however many as grave ones come, and tells it as it is now', () => {
    const first = row('dark:sig-1', { priority: 2, raised_age_ms: 60_000 });
    const newer = row('lane:sig-1/lane/1', { priority: 2, raised_age_ms: 0 });
    const begun = begin(first);
    expect(told(then(begun, 1_000, first, newer))).toEqual(['dark:sig-1', 'unack', 0]);
    expect(told(then(begun, 10 * DWELL_MS, first, newer))).toEqual(['dark:sig-1', 'unack', 0]);
    const back = row('dark:sig-1', { priority: 2, state: 'rtnun' });
    expect(told(then(begun, 10 * DWELL_MS, back, newer))).toEqual(['dark:sig-1', 'rtnun', 0]);
  });

  it('goes to a graver alarm at once', () => {
    const low = row('batt_low:sig-1', { priority: 3 });
    const grave = row('cam_dark:cam-b', { priority: 1 });
    const moved = then(begin(low), 100, low, grave);
    expect(told(moved)).toEqual(['cam_dark:cam-b', 'unack', 100]);
    expect(moved?.cameras.map((each) => each.id)).toEqual(['cam-b', 'cam-a']);
    expect(told(then(begin(low), 100, low, row('dark:sig-2', { priority: 1 })))).toEqual(['batt_low:sig-1', 'unack', 0]);
  });

  it('leaves an alarm that is over for the next one, or for the list, not before the dwell time is over', () => {
    const first = row('dark:sig-1', { priority: 2 });
    const next = row('cam_dark:cam-c', { priority: 2 });
    const begun = begin(first);
    const acked = row('dark:sig-1', { priority: 2, state: 'ack' });
    for (const [rows, state] of [[[next], 'norm'], [[acked, next], 'ack'], [[], 'norm']] as const) {
      expect(told(then(begun, DWELL_MS - 1, ...rows))).toEqual(['dark:sig-1', state, 0]);
      const left = then(begun, DWELL_MS, ...rows);
      expect(told(left)).toEqual(rows.length === 0 ? null : ['cam_dark:cam-c', 'unack', DWELL_MS]);
    }
    const graver = row('cam_dark:cam-c', { priority: 1 });
    expect(told(then(begun, 1, acked, graver))).toEqual(['cam_dark:cam-c', 'unack', 1]);
  });

  it('shows as many cameras as are asked for meanwhile', () => {
    const first = row('dark:sig-1', { priority: 2 });
    const wider = following(begin(first), { ...asked(first), count: 9 }, START_MS);
    expect(wider?.cameras.map((each) => each.id)).toEqual(['cam-a', 'cam-b', 'cam-c']);
  });
});

describe('flood', () => {
  const times = (count: number, at_ms = 0): number[] => Array.from({ length: count }, (_, index) => at_ms + index);

  it('begins above ten new alarms in ten minutes and ends below five', () => {
    const flood = new Flood();
    flood.add(times(10), 1_000);
    expect(flood.active).toBe(false);
    flood.add([1_001], 1_001);
    expect([flood.active, flood.recent, flood.since_ms]).toEqual([true, 11, 1_001]);
    flood.update(WINDOW_MS + 5);
    expect([flood.active, flood.recent]).toEqual([true, 5]);
    flood.update(WINDOW_MS + 6);
    expect([flood.active, flood.recent]).toEqual([false, 4]);
    flood.update(WINDOW_MS + 2_000);
    expect([flood.recent, flood.since_ms]).toEqual([0, null]);
  });

  it('counts new occurrences that the operator sees, not suppressed ones and not every step', () => {
    const alarms = loaded();
    const raise = (id: string, seq: number): ReturnType<typeof row> => [seq, id, 'raise', 'norm', 'unack', null, 0];
    alarms.apply(delta([row('a:1'), row('b:1', { suppressed: 'parent' })], [raise('a:1', 1), raise('b:1', 2), [3, 'a:1', 'comment', 'unack', 'unack', 'x', 0]]));
    expect(alarms.flood.recent).toBe(1);
  });
});

describe('what was asked and is not seen yet', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const acknowledge: Action = { kind: 'acknowledge' };
  const done = (alarms: readonly Alarm[]): Promise<Outcome[]> => Promise.resolve(alarms.map(({ id }) => ({ id, result: 'done', code: null, by: null, at_ms: null })));

  it('waits for the message of the hub, whatever the answer says', async () => {
    const pending = new Pending(done);
    const alarm = one('a:1');
    await pending.run([alarm], acknowledge);
    expect(pending.waits('a:1')).toBe(true);
    pending.settle(() => alarm);
    expect(pending.waits('a:1')).toBe(true);
    pending.settle(() => one('a:1', { state: 'ack' }));
    expect(pending.entries.size).toBe(0);
  });

  it('is an error after two seconds, can be tried again, and is well when the effect comes late', async () => {
    const sent: string[] = [];
    const pending = new Pending((alarms) => {
      sent.push(...ids(alarms));
      return new Promise(() => {});
    });
    void pending.run([one('a:1')], acknowledge);
    await vi.advanceTimersByTimeAsync(LATE_MS - 1);
    expect(pending.troubles).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(pending.troubles.map((entry) => entry.trouble?.kind)).toEqual(['late']);
    pending.retry('a:1');
    expect(sent).toEqual(['a:1', 'a:1']);
    expect(pending.waits('a:1')).toBe(true);
    await vi.advanceTimersByTimeAsync(LATE_MS);
    pending.settle(() => undefined);
    expect(pending.entries.size).toBe(0);
  });

  it('does not send again what still waits', () => {
    let sent = 0;
    const pending = new Pending(() => {
      sent += 1;
      return new Promise(() => {});
    });
    void pending.run([one('a:1')], acknowledge);
    void pending.run([one('a:1')], acknowledge);
    expect(sent).toBe(1);
  });

  it('tells who was first, and keeps telling until it is noted', async () => {
    const pending = new Pending((alarms) =>
      Promise.resolve(readOutcomes({ results: [{ id: 'a:1', result: 'conflict', code: 'acknowledged', by: 'lan', at: TIME }] }, alarms)),
    );
    await pending.run([one('a:1'), one('b:1')], acknowledge);
    pending.settle((id) => one(id, { state: 'ack' }));
    expect(pending.troubles.map((entry) => entry.trouble)).toEqual([{ kind: 'conflict', code: 'acknowledged', by: 'lan', at_ms: TIME_MS }]);
    pending.dismiss('a:1');
    expect(pending.entries.size).toBe(0);
  });

  it('does not keep the password of a second person, and asks for it anew instead of trying again', async () => {
    const sent: Action[] = [];
    const pending = new Pending((_alarms, action) => {
      sent.push(action);
      return new Promise(() => {});
    });
    const second = { user: 'lan', password: 'secret' };
    void pending.run([one('a:1')], { kind: 'shelve', until_ms: TIME_MS, reason: 'y', second });
    expect(sent).toEqual([{ kind: 'shelve', until_ms: TIME_MS, reason: 'y', second }]);
    expect(JSON.stringify([...pending.entries])).not.toContain('secret');
    await vi.advanceTimersByTimeAsync(LATE_MS);
    pending.retry('a:1');
    expect([sent.length, pending.troubles.map(({ once }) => once)]).toEqual([1, [true]]);
  });

  it('tells what was refused of several', async () => {
    const pending = new Pending((alarms) => Promise.resolve(readOutcomes({ results: [{ id: 'a:1', result: 'done' }, { id: 'b:1', result: 'refused', code: 'nothing_to_acknowledge' }] }, alarms)));
    await pending.run([one('a:1'), one('b:1')], acknowledge);
    expect([pending.waits('a:1'), pending.troubles.map((entry) => entry.trouble)]).toEqual([true, [{ kind: 'refused', code: 'nothing_to_acknowledge' }]]);
  });

  it('tells a refusal at once, for example while the database is away', async () => {
    const refused = { type: '', status: 503, code: 'database_away', title: '', detail: '', field: null, help: null, retry_s: null };
    const pending = new Pending(() => Promise.reject(new Problem(refused)));
    await pending.run([one('a:1')], acknowledge);
    expect(pending.troubles.map((entry) => entry.trouble)).toEqual([{ kind: 'refused', code: 'database_away' }]);
  });

  it('knows the effect of every action', () => {
    const before = one('a:1');
    const shelf = { until_in_ms: 1, by: 'x', reason: 'y' };
    const effects: [Action, Parameters<typeof row>[1]][] = [
      [acknowledge, { state: 'ack' }],
      [{ kind: 'shelve', until_ms: 1, reason: 'y' }, { shelved: shelf }],
      [{ kind: 'suppress', reason: 'y' }, { suppressed: 'operator', seq: 2 }],
      [{ kind: 'out-of-service', reason: 'y', ticket: null }, { out_of_service: { by: 'x', ticket: null } }],
      [{ kind: 'comment', text: 'y' }, { comments: 1 }],
      [{ kind: 'assign', assignee: 'lan' }, { assignee: 'lan' }],
      [{ kind: 'link', ticket: 'T-1' }, { ticket: 'T-1' }],
    ];
    for (const [action, after] of effects) {
      expect(hasEffect(before, before, action), action.kind).toBe(false);
      expect(hasEffect(before, one('a:1', after), action), action.kind).toBe(true);
    }
    const aside = one('a:1', { shelved: shelf, suppressed: 'operator', out_of_service: { by: 'x', ticket: null }, state: 'latch' });
    for (const kind of ['unshelve', 'unsuppress', 'in-service', 'reset'] as const) {
      expect(hasEffect(aside, aside, { kind, reason: 'y' }), kind).toBe(false);
      expect(hasEffect(aside, one('a:1'), { kind, reason: 'y' }), kind).toBe(true);
    }
  });
});

describe('answers of the hub to one alarm', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  /** Refuses with 409 and this code; the history is asked for by its own address. */
  function hub(code: string): void {
    const history = [
      { seq: 1, at: TIME, id: 'a:1', action: 'acknowledge', who: 'lan' },
      { seq: 2, at: TIME, id: 'a:1', action: 'comment', who: 'binh' },
    ];
    vi.stubGlobal('fetch', (_path: string, { method }: RequestInit) =>
      Promise.resolve(method === 'POST' ? Response.json({ code }, { status: 409 }) : Response.json({ history })),
    );
  }

  it('names who was first by the step that forestalled, not by the last one', async () => {
    hub('acknowledged');
    expect(await send([one('a:1')], { kind: 'acknowledge' })).toEqual([{ id: 'a:1', result: 'conflict', code: 'acknowledged', by: 'lan', at_ms: TIME_MS }]);
    hub('changed');
    expect(await send([one('a:1')], { kind: 'acknowledge' })).toEqual([{ id: 'a:1', result: 'conflict', code: 'changed', by: null, at_ms: null }]);
  });

  it.each(['active', 'not_active', 'nothing_to_acknowledge', 'not_latched', 'not_shelved', 'suppressed', 'not_suppressed', 'in_service', 'same'])(
    'is a refusal in words when nobody was first: %s',
    async (code) => {
      hub(code);
      expect(await send([one('a:1')], { kind: 'reset', reason: 'y' })).toEqual([{ id: 'a:1', result: 'refused', code, by: null, at_ms: null }]);
      expect(coded('refusal', code)).not.toBe(code);
    },
  );
});

describe('sound', () => {
  class Played implements Speaker {
    list: Priority[] = [];
    blocked = false;
    isBlocked(): boolean {
      return this.blocked;
    }
    unblock(): Promise<void> {
      this.blocked = false;
      return Promise.resolve();
    }
    play(priority: Priority): void {
      this.list.push(priority);
    }
  }
  function memory(): Memory {
    const kept = new Map<string, string>();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key) };
  }
  let played: Played;
  let shared: Memory;
  let sound: AlarmSound;
  let stop: () => void;

  beforeEach(async () => {
    vi.useFakeTimers();
    vi.stubGlobal('navigator', {});
    played = new Played();
    shared = memory();
    sound = new AlarmSound(played, shared);
    stop = sound.start();
  });
  afterEach(() => {
    stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('repeats the most urgent one until nothing is unacknowledged', () => {
    sound.want(3);
    vi.advanceTimersByTime(REPEAT_MS[3]);
    sound.want(1);
    vi.advanceTimersByTime(REPEAT_MS[1]);
    sound.want(null);
    vi.advanceTimersByTime(60_000);
    expect(played.list).toEqual([3, 3, 1, 1]);
  });

  it('is silent for two minutes and then again not', () => {
    sound.want(2);
    sound.silence(Date.now());
    const before = played.list.length;
    vi.advanceTimersByTime(SILENCE_MS - 1);
    expect([played.list.length, sound.isSilent]).toEqual([before, true]);
    vi.advanceTimersByTime(1);
    expect([played.list.length, sound.isSilent]).toEqual([before + 1, false]);
  });

  it('ends the silence for something more urgent than what was silenced', () => {
    sound.want(3);
    sound.silence(Date.now());
    sound.want(null);
    sound.want(3);
    expect(sound.isSilent).toBe(true);
    sound.want(1);
    expect([sound.isSilent, played.list.at(-1)]).toEqual([false, 1]);
  });

  it('is silenced in every window of the console', () => {
    const other = new AlarmSound(new Played(), shared);
    sound.want(2);
    sound.silence(Date.now());
    other.read();
    expect(other.isSilent).toBe(true);
    other.end();
    sound.read();
    expect(sound.isSilent).toBe(false);
  });

  it('tells that the browser holds it back, and starts with the gesture', async () => {
    played.blocked = true;
    sound.want(1);
    expect([sound.blocked, played.list]).toEqual([true, []]);
    await sound.unblock();
    expect([sound.blocked, played.list]).toEqual([false, [1]]);
  });

  it('stays off on a console where it was switched off', () => {
    sound.switchOff(true);
    sound.want(1);
    vi.advanceTimersByTime(60_000);
    expect([played.list, new AlarmSound(new Played(), shared).off]).toEqual([[], true]);
  });
});

describe('announcements', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('come at most once in five seconds, and what waited is told together', () => {
    const announcer = new Announcer();
    let count = 0;
    const alarms = (): string => `${count} alarms`;
    count = 1;
    announcer.say(alarms);
    expect(announcer.text).toBe('1 alarms');
    count = 4;
    announcer.say(alarms);
    announcer.say(alarms);
    announcer.say(() => 'connection lost');
    vi.advanceTimersByTime(PAUSE_MS - 1);
    expect(announcer.text).toBe('1 alarms');
    count = 9;
    vi.advanceTimersByTime(1);
    expect(announcer.text).toBe('9 alarms. connection lost');
    announcer.stop();
  });
});

describe('rules and fields', () => {
  it('reads the guidance in both languages', () => {
    const words = (name: string, action: string): object => ({ name, cause: 'a', consequence: 'b', action });
    const rules = readRules({ items: [{ code: 'sig_dark', priority: 1, time_to_respond_s: 300, vi: words('Tắt đèn', 'e'), en: words('Dark', 'f') }] });
    expect(rules.get('sig_dark')).toMatchObject({ priority: 1, time_to_respond_s: 300, name: { vi: 'Tắt đèn', en: 'Dark' }, action: { vi: 'e', en: 'f' } });
  });

  it('turns an instant into a field of the zone of the city and back', () => {
    const format = new Format('vi', 'Asia/Ho_Chi_Minh');
    expect(format.field(TIME_MS)).toBe('2026-03-02T08:15');
    expect(format.fromField('2026-03-02T08:15')).toBe(TIME_MS);
    expect(format.fromField('')).toBeNull();
    const berlin = new Format('en', 'Europe/Berlin');
    for (const ms of [Date.parse('2026-07-01T10:30:00Z'), Date.parse('2026-12-01T23:30:00Z')]) expect(berlin.fromField(berlin.field(ms))).toBe(ms);
  });
});

describe('performance', () => {
  it('reads figures with their targets, sums the hours, and keeps what is not known apart from zero', () => {
    const target = { figure: 'rate_10min_mean', op: '<=', value: 1, unit_of_measure: '', source: '' };
    const read = readPerformance({
      alarms: null,
      operators: 2,
      rate_10min_mean: { value: 1.5, target, met: false },
      stale: { value: null, target: null, met: null },
      hours: [{ start: TIME, priorities: [1, 2, 3, 4], not_presented: 90 }],
      handling: [{ priority: 1, alarms: 3, waiting: 1, acknowledge_p50_s: 12.5, acknowledge_p90: { value: 40, target: null, met: null } }],
      streams: [{ service: 'vds', stream: 'interval', received: { value: 0.99, target: null, met: null } }],
      intervals: [{ service: 'vds', share: { value: 0.9, target: null, met: null } }],
    });
    expect(read.rate_10min_mean).toEqual({ value: 1.5, target: { op: '<=', value: 1 }, met: false });
    expect([read.alarms, read.stale.value, read.operators]).toEqual([null, null, 2]);
    expect(read.hours).toEqual([{ at_ms: TIME_MS, count: 10 }]);
    expect(read.handling[0]).toMatchObject({ waiting: 1, acknowledge_p50_s: 12.5, clear_p90_s: null });
    expect(read.completeness.map(({ service, stream, share }) => [service, stream, share.value])).toEqual([['vds', 'interval', 0.99], ['vds', '', 0.9]]);
  });
});
