// Frames for tests of the live data layer, in the words of the contract.
import type { Change, Listener, Observer, Socket, SocketEvents } from '../src/data/live';
import type { Row } from '../src/data/wire/live';

export const TIME = '2026-03-02T01:15:00.000Z';
export const TIME_MS = Date.parse(TIME);

type Sent = { op: string; id: number; topic: string; resume: string | null; t: number; hz: number };

/** A hub's end of the socket: what the page sent, and a way to answer. */
export class Peer implements Socket {
  readyState = 0;
  sent: Sent[] = [];
  readonly #events: SocketEvents;

  constructor(events: SocketEvents) {
    this.#events = events;
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Sent);
  }
  close(): void {
    this.readyState = 3;
  }

  accept(epoch = 'e1'): void {
    this.readyState = 1;
    this.#events.open();
    this.say({ op: 'hello', protocol: 1, build: 'b', time: TIME, epoch, tick_ms: 50, user: 'u', rights: [] });
  }
  say(frame: object): void {
    this.#events.message(JSON.stringify(frame));
  }
  cut(code = 1006): void {
    this.readyState = 3;
    this.#events.close(code);
  }

  asked(topic: string): Sent {
    const found = this.sent.findLast((frame) => frame.op === 'subscribe' && frame.topic === topic);
    if (found === undefined) throw new Error(`no subscription to ${topic}`);
    return found;
  }
  snapshot(topic: string, cursor: string, rows: Row[], part = 1, last = true): void {
    const columns = ['id', 'value', 'age_ms'];
    this.say({ op: 'snapshot', id: this.asked(topic).id, cursor, time: TIME, columns, rows, part, last, stored: true });
  }
  delta(topic: string, prev: string, cursor: string, rows: Row[], removed: string[] = []): void {
    const id = this.asked(topic).id;
    this.say({ op: 'delta', id, prev, cursor, time: TIME, rows, removed, stored: true });
  }
}

/** Writes down, in order, what the channel tells. */
export class Record implements Observer {
  events: string[] = [];
  opened(): void {
    this.events.push('opened');
  }
  live(): void {
    this.events.push('live');
  }
  lost(): void {
    this.events.push('lost');
  }
  signedOut(): void {
    this.events.push('signed out');
  }
  unreachable(): void {
    this.events.push('unreachable');
  }
  clock(): void {
    this.events.push('clock');
  }
  resync(topic: string, reason: string): void {
    this.events.push(`resync ${topic} ${reason}`);
  }
  refused(topic: string | null, code: string): void {
    this.events.push(`refused ${topic} ${code}`);
  }
  settled(topic: string): void {
    this.events.push(`settled ${topic}`);
  }
}

export function changes(): { list: Change[]; listener: Listener } {
  const list: Change[] = [];
  return { list, listener: (change) => list.push(change) };
}
