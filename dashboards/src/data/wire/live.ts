// The frames of the websocket of the live channel, version 1, both directions; the hub writes them
// by hand, so there is no generated copy. What HTTP answers stands in api.ts.

/** Value of one cell of a live row. */
export type Cell = unknown;
/** One live row, in the order of the snapshot's columns; the first cell is the key. */
export type Row = readonly Cell[];

export type Filter = { service?: string[]; area?: string };

export type Hello = {
  op: 'hello';
  protocol: number;
  build: string;
  time: string;
  epoch: string;
  tick_ms: number;
  user: string;
  rights: string[];
  city: string;
  demonstration: boolean;
  insecure: boolean;
  /** Unacknowledged alarms by priority; null where the hub does not say. */
  alarms: { unacknowledged: Record<string, number> } | null;
};
export type Snapshot = {
  op: 'snapshot';
  id: number;
  cursor: string;
  time: string;
  columns: string[];
  rows: Row[];
  part: number;
  last: boolean;
  stored: boolean;
  /** Number of the last transition that the rows contain; topics without transitions have none. */
  seq: number | null;
};
export type Delta = {
  op: 'delta';
  id: number;
  prev: string;
  cursor: string;
  time: string;
  rows: Row[];
  removed: string[];
  stored: boolean;
  /** Every transition since the frame before, `[seq, id, action, from, to, by, age_ms]`; only of alarms. */
  transitions: Row[];
};
export type Resync = { op: 'resync'; id: number; reason: string };
export type Refusal = { op: 'error'; id: number | null; code: string; detail: string };
export type Pong = { op: 'pong'; t: number; time: string };
export type Bye = { op: 'bye'; reason: string; retry_ms: number };
export type ServerFrame = Hello | Snapshot | Delta | Resync | Refusal | Pong | Bye;

export type ClientFrame =
  | { op: 'subscribe'; id: number; topic: string; filter?: Filter; resume?: string | null }
  | { op: 'unsubscribe'; id: number }
  | { op: 'pace'; hz: number }
  | { op: 'ping'; t: number };

/** 0 never heard, 1 normal, 2 warning, 3 fault, 4 offline. */
export type Condition = 0 | 1 | 2 | 3 | 4;
