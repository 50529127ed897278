// One subscribed topic: snapshot parts and deltas -> the latest row of every key.
// Pure: frames go in, a verdict comes out; who asks again after a gap is the channel's business.
// Invariant: `rows` is always one consistent state; a half-received snapshot is never visible.
import type { Delta, Row, Snapshot } from './wire/live';

/** What a frame did to the collection. */
export type Applied =
  | { kind: 'waiting' } // a part of a snapshot; more follow
  | { kind: 'replaced' } // a whole snapshot
  | { kind: 'changed'; rows: readonly Row[]; removed: readonly string[] }
  | { kind: 'gap' }; // something was missed; the state must be asked for again

export class Collection {
  /** Position in the topic's stream; null until the first snapshot is whole. */
  cursor: string | null = null;
  columns: readonly string[] = [];
  rows = new Map<string, Row>();
  /** Number of the last transition seen, in topics that number them; null while it is not known. */
  seq: number | null = null;
  #parts: { cursor: string; part: number; rows: Map<string, Row> } | null = null;

  snapshot(frame: Snapshot): Applied {
    if (frame.part === 1) {
      this.#parts = { cursor: frame.cursor, part: 0, rows: new Map() };
    }
    const parts = this.#parts;
    if (parts === null || parts.cursor !== frame.cursor || parts.part + 1 !== frame.part) {
      return this.#gap();
    }
    parts.part = frame.part;
    for (const row of frame.rows) parts.rows.set(String(row[0]), row);
    if (!frame.last) return { kind: 'waiting' };
    this.#parts = null;
    this.cursor = frame.cursor;
    this.columns = frame.columns;
    this.rows = parts.rows;
    this.seq = frame.seq;
    return { kind: 'replaced' };
  }

  delta(frame: Delta): Applied {
    if (this.#parts !== null || this.cursor !== frame.prev || this.#missesTransitions(frame)) return this.#gap();
    this.cursor = frame.cursor;
    for (const row of frame.rows) this.rows.set(String(row[0]), row);
    for (const key of frame.removed) this.rows.delete(key);
    return { kind: 'changed', rows: frame.rows, removed: frame.removed };
  }

  /** Transitions are numbered without holes: a number left out is one that never came. */
  #missesTransitions({ transitions }: Delta): boolean {
    let last = this.seq;
    for (const [seq] of transitions) {
      const next = Number(seq);
      if (last !== null && next > last + 1) return true;
      last = Math.max(last ?? next, next);
    }
    this.seq = last;
    return false;
  }

  /** Forgets the position: the next snapshot is the only thing that helps. */
  expectSnapshot(): void {
    this.cursor = null;
    this.#parts = null;
  }

  #gap(): Applied {
    this.expectSnapshot();
    return { kind: 'gap' };
  }
}
