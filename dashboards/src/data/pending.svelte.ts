// What was asked of the hub and is not seen yet: one entry per alarm, from the press of the button
// until the hub's own message shows the effect. After two seconds without it the entry turns into an
// error that can be tried again; a conflict tells who was first.
// Invariants: nothing on screen changes before the hub says so; the password of a second person is not
// kept beyond the request, so what needs one is asked for anew and not tried again.
import type { Action, Outcome } from './alarmActions';
import type { Alarm } from './alarms.svelte';
import { Problem } from './http';

export type Trouble =
  | { kind: 'late' }
  | { kind: 'refused'; code: string }
  | { kind: 'conflict'; code: string | null; by: string | null; at_ms: number | null };
/** `once`: it cannot be tried again as it was. */
export type Entry = { alarm: Alarm; action: Action; once: boolean; trouble: Trouble | null };
type Send = (alarms: readonly Alarm[], action: Action) => Promise<Outcome[]>;

/** The effect of an action is normally on screen after some 20 ms. */
export const LATE_MS = 2_000;

export class Pending {
  entries = $state.raw<ReadonlyMap<string, Entry>>(new Map());
  /** Set by the page: the session has ended. */
  onSignedOut: () => void = () => {};
  readonly #send: Send;
  #timers = new Map<Entry, ReturnType<typeof setTimeout>>();

  constructor(send: Send) {
    this.#send = send;
  }

  troubles = $derived([...this.entries.values()].filter((entry) => entry.trouble !== null));

  waits(id: string): boolean {
    const entry = this.entries.get(id);
    return entry !== undefined && entry.trouble === null;
  }

  /** Asks for an action on alarms; those that still wait for an earlier one are left alone. */
  async run(alarms: readonly Alarm[], action: Action): Promise<void> {
    const asked = alarms.filter(({ id }) => !this.waits(id));
    if (asked.length === 0) return;
    const kept = withoutSecond(action);
    const made = asked.map((alarm): Entry => ({ alarm, action: kept, once: kept !== action, trouble: null }));
    this.#put(made);
    for (const entry of made) this.#timers.set(entry, setTimeout(() => this.#trouble(entry, { kind: 'late' }), LATE_MS));
    try {
      for (const outcome of await this.#send(asked, action)) {
        const entry = made.find((each) => each.alarm.id === outcome.id);
        if (entry && outcome.result === 'conflict') this.#trouble(entry, { kind: 'conflict', code: outcome.code, by: outcome.by, at_ms: outcome.at_ms });
        else if (entry && outcome.result === 'refused') this.#trouble(entry, { kind: 'refused', code: outcome.code ?? 'refused' });
      }
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      // A wrong password of the second person is answered like a session that has ended, by another code.
      if (cause.code === 'unauthenticated') this.onSignedOut();
      for (const entry of made) this.#trouble(entry, { kind: 'refused', code: cause.code });
    }
  }

  retry(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.trouble === null || entry.once) return;
    this.dismiss(id);
    void this.run([entry.alarm], entry.action);
  }

  dismiss(id: string): void {
    this.#drop((entry) => entry.alarm.id === id);
  }

  /** Lets go of every entry whose effect the hub has shown. */
  settle(now: (id: string) => Alarm | undefined): void {
    if (this.entries.size > 0) this.#drop(({ alarm, action, trouble }) => trouble?.kind !== 'conflict' && hasEffect(alarm, now(alarm.id), action));
  }

  #put(made: readonly Entry[]): void {
    const next = new Map(this.entries);
    for (const entry of made) next.set(entry.alarm.id, entry);
    this.entries = next;
  }

  /** Only an entry that still waits can fail: one whose effect was seen is gone. */
  #trouble(entry: Entry, trouble: Trouble): void {
    clearTimeout(this.#timers.get(entry));
    this.#timers.delete(entry);
    if (this.entries.get(entry.alarm.id) === entry) this.#put([{ ...entry, trouble }]);
  }

  #drop(gone: (entry: Entry) => boolean): void {
    const kept = [...this.entries].filter(([, entry]) => {
      if (!gone(entry)) return true;
      clearTimeout(this.#timers.get(entry));
      this.#timers.delete(entry);
      return false;
    });
    if (kept.length < this.entries.size) this.entries = new Map(kept);
  }
}

function withoutSecond(action: Action): Action {
  if (action.kind !== 'shelve' || action.second === undefined) return action;
  const { second: _second, ...kept } = action;
  return kept;
}

/** Whether the alarm as it is now shows that the action was carried out; undefined: plainly normal. */
export function hasEffect(before: Alarm, now: Alarm | undefined, action: Action): boolean {
  switch (action.kind) {
    case 'acknowledge':
      return now === undefined || now.occurrence !== before.occurrence || (now.state !== 'unack' && now.state !== 'rtnun');
    case 'shelve':
      return now?.shelved != null && now.shelved.until_ms !== before.shelved?.until_ms;
    case 'unshelve':
      return now === undefined || now.shelved === null;
    case 'suppress':
      return now !== undefined && now.suppressed !== null && now.seq > before.seq;
    case 'unsuppress':
      return now === undefined || now.suppressed === null || now.suppressed !== before.suppressed;
    case 'out-of-service':
      return now !== undefined && now.out_of_service !== null;
    case 'in-service':
      return now === undefined || now.out_of_service === null;
    case 'reset':
      return now === undefined || now.state !== 'latch';
    case 'comment':
      return now === undefined || now.comments > before.comments;
    case 'assign':
      return now === undefined || now.assignee === action.assignee;
    case 'link':
      return now === undefined || now.ticket === action.ticket;
  }
}
