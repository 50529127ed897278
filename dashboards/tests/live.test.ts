// The live channel against a scripted hub: snapshot parts, deltas, gaps, resume, loss and return.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveChannel } from '../src/data/live';
import { changes, Peer, Record } from './frames';

let peers: Peer[];
let record: Record;
let channel: LiveChannel;

function peer(): Peer {
  const last = peers.at(-1);
  if (last === undefined) throw new Error('nothing has connected');
  return last;
}

beforeEach(() => {
  vi.useFakeTimers();
  peers = [];
  record = new Record();
  channel = new LiveChannel((events) => {
    const made = new Peer(events);
    peers.push(made);
    return made;
  }, record);
});
afterEach(() => {
  channel.stop();
  vi.useRealTimers();
});

describe('snapshot and delta', () => {
  it('shows a snapshot only when its last part is in', () => {
    const { list, listener } = changes();
    channel.subscribe('devices', listener);
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['a', 1, 0]], 1, false);
    expect(list).toEqual([]);
    peer().snapshot('devices', 'e1:5', [['b', 2, 0]], 2, true);
    expect(list.map((change) => [change.kind, change.rows])).toEqual([
      [
        'replaced',
        [
          ['a', 1, 0],
          ['b', 2, 0],
        ],
      ],
    ]);
    expect(record.events).toContain('live');
  });

  it('passes deltas on that follow each other', () => {
    const { list, listener } = changes();
    channel.subscribe('devices', listener);
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['a', 1, 0]]);
    peer().delta('devices', 'e1:5', 'e1:6', [['a', 2, 0]]);
    peer().delta('devices', 'e1:6', 'e1:7', [], ['a']);
    expect(list.map((change) => change.kind)).toEqual(['replaced', 'changed', 'changed']);
    expect(list[2]?.removed).toEqual(['a']);
  });

  it('asks again under a new number after a gap and ignores what the old number still sends', () => {
    const { list, listener } = changes();
    channel.subscribe('devices', listener);
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['a', 1, 0]]);
    const old = peer().asked('devices').id;
    peer().delta('devices', 'e1:8', 'e1:9', [['a', 9, 0]]);
    const renewed = peer().asked('devices');
    expect(renewed.id).not.toBe(old);
    expect(renewed.resume).toBeNull();
    expect(peer().sent).toContainEqual({ op: 'unsubscribe', id: old });
    expect(record.events).toContain('resync devices gap');
    peer().say({ op: 'delta', id: old, prev: 'e1:5', cursor: 'e1:6', time: '2026-03-02T01:15:00Z', rows: [['a', 7, 0]] });
    expect(list).toHaveLength(1);
    peer().snapshot('devices', 'e1:9', [['a', 9, 0]]);
    expect(list[1]).toMatchObject({ kind: 'replaced', rows: [['a', 9, 0]] });
  });

  it('treats a snapshot part out of turn as a gap', () => {
    channel.subscribe('devices', () => {});
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['b', 2, 0]], 2, true);
    expect(record.events).toContain('resync devices gap');
  });

  it('waits for the snapshot behind a resync and drops deltas before it', () => {
    const { list, listener } = changes();
    channel.subscribe('devices', listener);
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['a', 1, 0]]);
    peer().say({ op: 'resync', id: peer().asked('devices').id, reason: 'lagged' });
    peer().delta('devices', 'e1:5', 'e1:6', [['a', 2, 0]]);
    peer().snapshot('devices', 'e1:9', [['a', 3, 0]]);
    peer().delta('devices', 'e1:9', 'e1:10', [['a', 4, 0]]);
    expect(list.map((change) => change.rows)).toEqual([[['a', 1, 0]], [['a', 3, 0]], [['a', 4, 0]]]);
    expect(record.events.filter((event) => event.startsWith('resync'))).toEqual(['resync devices lagged']);
  });

  it('stops delivering after the unsubscribe', () => {
    const { list, listener } = changes();
    const leave = channel.subscribe('devices', listener);
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['a', 1, 0]]);
    leave();
    peer().delta('devices', 'e1:5', 'e1:6', [['a', 2, 0]]);
    expect(list).toHaveLength(1);
    expect(peer().sent.at(-1)).toEqual({ op: 'unsubscribe', id: 1 });
  });

  it('ignores frames that are no frames', () => {
    channel.start();
    peer().accept();
    peer().say([1, 2]);
    peer().say({ op: 'snapshot', id: 'x' });
    peer().say({ op: 'novelty' });
    expect(record.events).toEqual(['opened']);
  });
});

describe('loss and return', () => {
  it('asks with its cursor and is live when every topic has answered', () => {
    channel.subscribe('devices', () => {});
    channel.subscribe('desk', () => {});
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', []);
    expect(record.events).not.toContain('live');
    peer().snapshot('desk', 'e1:3', []);
    expect(record.events).toContain('live');
    peer().cut();
    expect(record.events.at(-1)).toBe('lost');
    vi.advanceTimersByTime(250);
    expect(peers).toHaveLength(2);
    peer().accept('e2');
    expect(peer().asked('devices').resume).toBe('e1:5');
    record.events = [];
    peer().snapshot('devices', 'e2:1', []);
    expect(record.events).toEqual([]);
    peer().snapshot('desk', 'e2:1', []);
    expect(record.events).toEqual(['live']);
  });

  it('resumes with the missed deltas of the same epoch', () => {
    const { list, listener } = changes();
    channel.subscribe('devices', listener);
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', [['a', 1, 0]]);
    peer().cut();
    vi.advanceTimersByTime(250);
    peer().accept('e1');
    peer().delta('devices', 'e1:5', 'e1:6', [['a', 2, 0]]);
    expect(list.map((change) => change.kind)).toEqual(['replaced', 'changed']);
    expect(record.events.at(-1)).toBe('live');
  });

  it('is live again by the empty delta of a topic that missed nothing, not by a pong that overtakes it', () => {
    channel.subscribe('devices', () => {});
    channel.start();
    peer().accept();
    peer().snapshot('devices', 'e1:5', []);
    peer().cut();
    vi.advanceTimersByTime(250);
    peer().accept('e1');
    record.events = [];
    peer().say({ op: 'pong', t: 0, time: '2026-03-02T01:15:01Z' });
    expect(record.events).toEqual(['clock']);
    peer().delta('devices', 'e1:5', 'e1:5', []);
    expect(record.events).toEqual(['clock', 'live']);
  });

  it('gives up a handshake that hangs', () => {
    channel.start();
    vi.advanceTimersByTime(5_000);
    expect(peers).toHaveLength(1);
    vi.advanceTimersByTime(1_300);
    expect(record.events).toEqual(['unreachable', 'lost']);
    expect(peers).toHaveLength(2);
    peers[0]?.accept();
    expect(record.events).not.toContain('opened');
  });

  it('does not wait for a hanging handshake when the network is back', () => {
    channel.start();
    channel.retryNow();
    expect(peers).toHaveLength(2);
    peer().accept();
    channel.retryNow();
    expect(peers).toHaveLength(2);
  });

  it('asks later for a topic that was refused, and tells when it is served or wanted no more', () => {
    const leave = channel.subscribe('metrics/x', () => {});
    channel.start();
    peer().accept();
    const { id } = peer().asked('metrics/x');
    peer().say({ op: 'error', id, code: 'too_many_filters', detail: '' });
    expect(record.events).toEqual(['opened', 'refused metrics/x too_many_filters', 'live']);
    const asked = (): number => peer().sent.filter(({ op }) => op === 'subscribe').length;
    expect(asked()).toBe(1);
    for (let second = 0; second < 30; second += 1) {
      vi.advanceTimersByTime(1_000);
      peer().say({ op: 'pong', t: 0, time: '2026-03-02T01:15:01Z' });
    }
    expect(asked()).toBe(2);
    peer().say({ op: 'error', id, code: 'too_many_filters', detail: '' });
    record.events = [];
    peer().snapshot('metrics/x', 'e1:5', []);
    expect(record.events).toEqual(['settled metrics/x']);
    peer().say({ op: 'error', id, code: 'forbidden', detail: '' });
    leave();
    expect(record.events.at(-1)).toBe('settled metrics/x');
  });

  it('waits longer after every failure, with jitter, up to four seconds', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    channel.start();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const before = peers.length;
      peer().cut();
      let waited = 0;
      while (peers.length === before) {
        vi.advanceTimersByTime(10);
        waited += 10;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 4000, 4000]);
    expect(record.events.filter((event) => event === 'unreachable')).toHaveLength(7);
    vi.restoreAllMocks();
  });

  it('keeps to the pause that the hub asks for', () => {
    channel.start();
    peer().accept();
    peer().say({ op: 'bye', reason: 'shutdown', retry_ms: 1500 });
    peer().cut(1012);
    vi.advanceTimersByTime(1499);
    expect(peers).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(peers).toHaveLength(2);
  });

  it('says that too many pages are open and tries again later', () => {
    channel.start();
    peer().accept();
    peer().say({ op: 'bye', reason: 'limit', retry_ms: 1500 });
    peer().cut(4429);
    expect(record.events.slice(-2)).toEqual(['refused null limit', 'lost']);
    vi.advanceTimersByTime(29_999);
    expect(peers).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(peers).toHaveLength(2);
  });

  it('does not reconnect when the session has ended', () => {
    channel.start();
    peer().accept();
    peer().cut(4401);
    vi.advanceTimersByTime(60_000);
    expect(record.events.slice(-2)).toEqual(['lost', 'signed out']);
    expect(peers).toHaveLength(1);
  });

  it('gives a silent link up although the socket does not close', () => {
    channel.start();
    peer().accept();
    peer().say({ op: 'pong', t: 0, time: '2026-03-02T01:15:01Z' });
    vi.advanceTimersByTime(1_000);
    peer().say({ op: 'pong', t: 0, time: '2026-03-02T01:15:02Z' });
    vi.advanceTimersByTime(4_000);
    expect(record.events).not.toContain('lost');
    vi.advanceTimersByTime(1_300);
    expect(record.events).toContain('lost');
    expect(peers).toHaveLength(2);
  });
});

describe('pace', () => {
  it('asks for one update a second while hidden and for the tick when seen', () => {
    channel.start();
    peer().accept();
    channel.setHidden(true);
    expect(peer().sent.at(-1)).toEqual({ op: 'pace', hz: 1 });
    channel.setHidden(false);
    expect(peer().sent.at(-1)).toEqual({ op: 'pace', hz: 20 });
  });
});
