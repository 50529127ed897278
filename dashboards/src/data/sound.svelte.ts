// The audible side of alarms: one sound per priority, for the most urgent unacknowledged one, again and
// again until it is acknowledged or silenced. Silence is of this console (every window of this browser),
// ends by itself after two minutes, and does not hold against something more urgent than what it silenced.
// Only one window of a console makes the sound.
import { post } from './http';
import type { Priority } from './alarms.svelte';

export const SILENCE_MS = 120_000;
/** Pause between two sounds of the same alarm: the more urgent, the more often. */
export const REPEAT_MS: Record<Priority, number> = { 1: 3_000, 2: 6_000, 3: 15_000, 4: 30_000 };
const KEY_SILENCE = 'ioc.alarm.silence';
const KEY_OFF = 'ioc.alarm.sound';
const LOCK = 'ioc.alarm.sound';

/** What makes the sound; a browser may want a gesture of the user before it does. */
export interface Speaker {
  isBlocked(): boolean;
  unblock(): Promise<void>;
  play(priority: Priority): void;
}
/** The part of local storage that is used: shared by the windows of a console. */
export type Memory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

type Silence = { until_ms: number; priority: Priority };

export class AlarmSound {
  /** Machine time at which the silence ends; null while there is none. */
  silent_until_ms = $state<number | null>(null);
  /** The browser waits for a gesture before it makes any sound. */
  blocked = $state(false);
  /** Switched off on this console, as on a wall. */
  off = $state(false);
  /** What would sound now. */
  wanted = $state<Priority | null>(null);
  readonly #speaker: Speaker;
  readonly #memory: Memory;
  #silenced: Priority | null = null;
  #chosen = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(speaker: Speaker, memory: Memory) {
    this.#speaker = speaker;
    this.#memory = memory;
    this.read();
  }

  isSilent = $derived(this.off || this.silent_until_ms !== null);

  /** Takes the console's sound over as soon as no other window has it; returns the way to let it go. */
  start(): () => void {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const choose = (): void => {
      this.#chosen = true;
      this.#begin();
    };
    // Without a secure origin there are no locks; then every window sounds rather than none.
    const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
    const abort = new AbortController();
    if (locks === undefined) choose();
    else {
      const taken = locks.request(LOCK, { signal: abort.signal }, () => {
        choose();
        return held;
      });
      taken.catch(() => {}); // Given up while it still waited.
    }
    return () => {
      abort.abort();
      release();
      this.#chosen = false;
      clearTimeout(this.#timer);
      clearTimeout(this.#end);
    };
  }

  /** The most urgent priority that is unacknowledged now. */
  want(priority: Priority | null): void {
    if (priority === this.wanted) return;
    const more_urgent = priority !== null && (this.wanted === null || priority < this.wanted);
    this.wanted = priority;
    if (more_urgent && this.#silenced !== null && priority < this.#silenced) this.end();
    else if (more_urgent || priority === null) this.#begin();
  }

  /** Silences this console; the returned machine time of its end is for the journal. */
  silence(now_ms: number): number {
    const until_ms = now_ms + SILENCE_MS;
    const silence: Silence = { until_ms, priority: this.wanted ?? 4 };
    this.#memory.setItem(KEY_SILENCE, JSON.stringify(silence));
    this.read(now_ms);
    return until_ms;
  }

  /** Ends the silence. */
  end(): void {
    this.#memory.removeItem(KEY_SILENCE);
    this.read();
  }

  switchOff(off: boolean): void {
    if (off) this.#memory.setItem(KEY_OFF, 'off');
    else this.#memory.removeItem(KEY_OFF);
    this.read();
  }

  /** Lets the browser make sound, from within a gesture of the user. */
  async unblock(): Promise<void> {
    await this.#speaker.unblock();
    this.#begin();
  }

  /** Takes over what this or another window of the console has chosen. */
  read(now_ms = Date.now()): void {
    clearTimeout(this.#end);
    const silence = parse(this.#memory.getItem(KEY_SILENCE));
    const left_ms = silence === null ? 0 : Math.min(silence.until_ms - now_ms, SILENCE_MS);
    const holds = silence !== null && left_ms > 0;
    this.silent_until_ms = holds ? now_ms + left_ms : null;
    this.#silenced = holds ? silence.priority : null;
    this.off = this.#memory.getItem(KEY_OFF) === 'off';
    if (holds) this.#end = setTimeout(() => this.end(), left_ms);
    this.#begin();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    const priority = this.wanted;
    this.blocked = priority !== null && this.#speaker.isBlocked();
    if (!this.#chosen || priority === null || this.off || this.silent_until_ms !== null) return;
    if (!this.blocked) this.#speaker.play(priority);
    this.#timer = setTimeout(() => this.#begin(), REPEAT_MS[priority]);
  }
}

/** Tells the journal of the hub that this console is silent until then, hub time. Throws `Problem`. */
export async function tellSilence(until_ms: number): Promise<void> {
  await post('console/silence', { until: new Date(until_ms).toISOString() });
}

function parse(value: string | null): Silence | null {
  try {
    const found: unknown = JSON.parse(value ?? 'null');
    if (typeof found !== 'object' || found === null) return null;
    const { until_ms, priority } = found as Partial<Silence>;
    return typeof until_ms === 'number' ? { until_ms, priority: priority ?? 4 } : null;
  } catch {
    return null;
  }
}
