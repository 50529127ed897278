// The one websocket of a page: subscriptions that survive reconnects, and the state of the link.
// From: frames of /api/v1/live. To: one listener per subscription, one observer for the link.
// Invariants: a listener sees whole snapshots and gapless deltas only; after a cut every
// subscription is asked for again with its cursor; the observer hears "live" only when each of
// them has been answered. Limits: 64 subscriptions a connection (the hub's), see the constants.
import { Collection } from './collection';
import { parseFrame } from './frames';
import type { ClientFrame, Delta, Filter, Hello, Row, ServerFrame, Snapshot } from './wire/live';

/** A ping this often keeps the latency and the clock offset current. */
const PING_MS = 1_000;
/** Nothing heard for this long after a ping: the link is dead although the socket does not know it yet. */
const SILENCE_MS = 3_000;
/** A handshake that takes longer hangs in a network that is gone; another attempt may find the way back. */
const CONNECT_MS = 5_000;
/** Reconnects wait between half and all of a time that doubles from the first to the last value. */
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 4_000;
/** After a refusal that a quick retry cannot cure (forbidden, too many connections or topics). */
const RETRY_REFUSED_MS = 30_000;
/** Updates a second that a hidden page asks for. */
const HIDDEN_HZ = 1;
const CLOSED_NOT_SIGNED_IN = 4401;
const CLOSED_FORBIDDEN = 4403;
const CLOSED_LIMIT = 4429;
const SOCKET_OPEN = 1;

export type Change = {
  /** `replaced`: forget everything, `rows` is all there is. */
  kind: 'replaced' | 'changed';
  columns: readonly string[];
  rows: readonly Row[];
  removed: readonly string[];
  /** The hub's clock at the frame; ages in the rows count from here. */
  time_ms: number;
  /** False while the hub cannot write to its database. */
  stored: boolean;
  /** Transitions of alarms, oldest first; none in a snapshot, whose rows contain them. */
  transitions?: readonly Row[];
};
export type Listener = (change: Change) => void;

export interface Observer {
  opened(hello: Hello): void;
  /** Every subscription is current. */
  live(): void;
  /** The link is gone, or another attempt to have it back has failed. */
  lost(): void;
  /** The session has ended: sign in again. */
  signedOut(): void;
  /** An attempt to connect failed before it was open; the reason is not visible to a page. */
  unreachable(): void;
  /** Hub time and the round trip, both in milliseconds. */
  clock(hub_ms: number, round_trip_ms: number): void;
  /** A topic had to be asked for again because frames were missing. */
  resync(topic: string, reason: string): void;
  /** A topic is not served, or the whole connection when it is null. A topic is asked for again later. */
  refused(topic: string | null, code: string, detail: string): void;
  /** A refused topic is served now, or wanted no more. */
  settled(topic: string): void;
}

/** The part of WebSocket that is used. */
export interface Socket {
  readonly readyState: number;
  send(data: string): void;
  close(): void;
}
/** What a socket tells; `connect` wires these to it. */
export interface SocketEvents {
  open(): void;
  message(data: unknown): void;
  close(code: number): void;
}

type Subscription = {
  id: number;
  topic: string;
  filter: Filter | null;
  listener: Listener;
  collection: Collection;
  /** Answered since the socket opened. */
  current: boolean;
  /** Asks again for what was refused; null while it is not. */
  again: ReturnType<typeof setTimeout> | null;
};

export class LiveChannel {
  readonly #connect: (events: SocketEvents) => Socket;
  readonly #observer: Observer;
  readonly #subscriptions = new Map<number, Subscription>();
  #socket: Socket | null = null;
  /** Sockets opened or let go so far: what an older one still says is not heard. */
  #sockets = 0;
  #next_id = 1;
  #attempt = 0;
  #retry_floor_ms = 0;
  #hz = 20;
  #hidden = false;
  #live = false;
  #stopped = true;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #ping_at: number | null = null;
  /** When the present attempt to connect began. */
  #opening_at = 0;

  constructor(connect: (events: SocketEvents) => Socket, observer: Observer) {
    this.#connect = connect;
    this.#observer = observer;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#pulse = setInterval(() => this.#beat(), PING_MS);
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#pulse);
    this.#lapse();
    this.#drop();
  }

  /** Delivers the topic's snapshot and then its changes until the returned function is called. */
  subscribe(topic: string, listener: Listener, filter: Filter | null = null): () => void {
    const subscription: Subscription = {
      id: this.#next_id++,
      topic,
      filter,
      listener,
      collection: new Collection(),
      current: false,
      again: null,
    };
    this.#subscriptions.set(subscription.id, subscription);
    if (this.#isOpen()) this.#ask(subscription);
    return () => {
      this.#forgive(subscription);
      if (this.#subscriptions.delete(subscription.id) && this.#isOpen()) {
        this.#send({ op: 'unsubscribe', id: subscription.id });
      }
    };
  }

  /** A page that nobody sees gets one update a second. */
  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    if (this.#isOpen()) this.#send({ op: 'pace', hz: hidden ? HIDDEN_HZ : this.#hz });
  }

  /** Tries at once instead of at the end of the back-off: the network says it is back. */
  retryNow(): void {
    if (this.#stopped || this.#isOpen()) return;
    clearTimeout(this.#retry);
    // A handshake that began before the network was back may hang for minutes.
    this.#drop();
    this.#open();
  }

  #open(): void {
    const attempt = ++this.#sockets;
    let opened = false;
    this.#ping_at = null;
    this.#opening_at = performance.now();
    this.#socket = this.#connect({
      open: () => {
        if (attempt !== this.#sockets) return;
        opened = true;
        this.#opened();
      },
      message: (data) => {
        if (attempt !== this.#sockets) return;
        this.#ping_at = null;
        const frame = typeof data === 'string' ? parseFrame(data) : null;
        if (frame !== null) this.#receive(frame);
      },
      close: (code) => {
        if (attempt !== this.#sockets) return;
        if (!opened) this.#observer.unreachable();
        this.#closed(code);
      },
    });
  }

  #opened(): void {
    for (const subscription of this.#subscriptions.values()) this.#ask(subscription);
    if (this.#hidden) this.#send({ op: 'pace', hz: HIDDEN_HZ });
    this.#beat();
  }

  /** Lets go of the socket without waiting for its own close, which a dead network never brings. */
  #drop(): void {
    this.#sockets += 1;
    this.#socket?.close();
    this.#socket = null;
  }

  #closed(code: number): void {
    this.#socket = null;
    this.#lapse();
    this.#observer.lost();
    if (code === CLOSED_NOT_SIGNED_IN) {
      this.#observer.signedOut();
      return;
    }
    if (this.#stopped) return;
    const base_ms = Math.min(RETRY_FIRST_MS * 2 ** this.#attempt, RETRY_LAST_MS);
    const refused = code === CLOSED_FORBIDDEN || code === CLOSED_LIMIT;
    const floor_ms = refused ? RETRY_REFUSED_MS : this.#retry_floor_ms;
    this.#attempt += 1;
    this.#retry_floor_ms = 0;
    this.#retry = setTimeout(() => this.#open(), Math.max(floor_ms, base_ms * (0.5 + Math.random() / 2)));
  }

  /** No subscription is answered any more. */
  #lapse(): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.current = false;
      this.#forgive(subscription);
    }
    this.#live = false;
  }

  #ask(subscription: Subscription): void {
    const { id, topic, filter, collection } = subscription;
    this.#send({ op: 'subscribe', id, topic, ...(filter && { filter }), resume: collection.cursor });
  }

  /** Under a new number, so that frames still on their way for the old one are not mistaken. */
  #askAgain(subscription: Subscription, reason: string): void {
    this.#observer.resync(subscription.topic, reason);
    this.#subscriptions.delete(subscription.id);
    this.#send({ op: 'unsubscribe', id: subscription.id });
    subscription.id = this.#next_id++;
    subscription.collection.expectSnapshot();
    this.#subscriptions.set(subscription.id, subscription);
    this.#ask(subscription);
  }

  #receive(frame: ServerFrame): void {
    switch (frame.op) {
      case 'hello':
        this.#attempt = 0;
        this.#hz = Math.max(1, Math.round(1000 / frame.tick_ms));
        this.#observer.opened(frame);
        return;
      case 'pong':
        this.#observer.clock(Date.parse(frame.time), performance.now() - frame.t);
        return;
      case 'bye':
        this.#retry_floor_ms = frame.retry_ms;
        if (frame.reason === 'limit') this.#observer.refused(null, 'limit', '');
        return;
      case 'resync':
        this.#resync(frame.id, frame.reason);
        return;
      case 'error':
        this.#refused(frame.id, frame.code, frame.detail);
        return;
      case 'snapshot':
      case 'delta':
        this.#apply(frame);
    }
  }

  #apply(frame: Snapshot | Delta): void {
    const subscription = this.#subscriptions.get(frame.id);
    if (subscription === undefined) return;
    const { collection, listener } = subscription;
    // After a resync the deltas still in flight belong to a state that is no longer known.
    if (frame.op === 'delta' && collection.cursor === null && subscription.current) return;
    const applied = frame.op === 'snapshot' ? collection.snapshot(frame) : collection.delta(frame);
    if (applied.kind === 'gap') {
      this.#askAgain(subscription, 'gap');
      return;
    }
    if (applied.kind === 'waiting') return;
    this.#forgive(subscription);
    listener({
      kind: applied.kind,
      columns: collection.columns,
      rows: applied.kind === 'replaced' ? [...collection.rows.values()] : applied.rows,
      removed: applied.kind === 'replaced' ? [] : applied.removed,
      time_ms: Date.parse(frame.time),
      stored: frame.stored,
      transitions: frame.op === 'delta' ? frame.transitions : [],
    });
    this.#settle(subscription);
  }

  #resync(id: number, reason: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    subscription.collection.expectSnapshot();
    this.#observer.resync(subscription.topic, reason);
  }

  #refused(id: number | null, code: string, detail: string): void {
    const subscription = id === null ? undefined : this.#subscriptions.get(id);
    this.#observer.refused(subscription?.topic ?? null, code, detail);
    if (subscription === undefined) return;
    clearTimeout(subscription.again ?? undefined);
    subscription.again = setTimeout(() => this.#ask(subscription), RETRY_REFUSED_MS);
    this.#settle(subscription);
  }

  #forgive(subscription: Subscription): void {
    if (subscription.again === null) return;
    clearTimeout(subscription.again);
    subscription.again = null;
    this.#observer.settled(subscription.topic);
  }

  #settle(subscription: Subscription): void {
    subscription.current = true;
    if (this.#live) return;
    for (const each of this.#subscriptions.values()) if (!each.current) return;
    this.#live = true;
    this.#observer.live();
  }

  /** Sends a ping, or gives up a link that was silent since the last one, or that never came to be. */
  #beat(): void {
    const now = performance.now();
    if (!this.#isOpen()) {
      if (this.#socket === null || now - this.#opening_at <= CONNECT_MS) return;
      this.#drop();
      this.#observer.unreachable();
      this.#closed(0);
      return;
    }
    if (this.#ping_at === null) {
      this.#ping_at = now;
      this.#send({ op: 'ping', t: now });
    } else if (now - this.#ping_at > SILENCE_MS) {
      this.#drop();
      this.#closed(0);
    }
  }

  #isOpen(): boolean {
    return this.#socket?.readyState === SOCKET_OPEN;
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }
}
