// Which cameras look at what is wrong: those nearest to the first alarm of the work list that stands anywhere.
// Invariant of what is followed: it stays until a graver alarm comes or the alarm is over, for who looks at
// pictures has to find out where they are first. Pure: what was followed and the time are given.
import { near } from '../data/along';
import { counts, isUnacknowledged, wholeOf, type Alarm } from '../data/alarms.svelte';
import type { Device } from '../data/devices.svelte';
import { current, ordered } from './alarmOrder';

/** Beyond this no camera shows what happens. */
const REACH_M = 1_000;

/**
 * Shortest stay at an alarm that is over, in a flood of short ones: time to find the place on the pictures and
 * to see whether anything goes on there. The pictures are renewed three to seven times in it.
 */
export const DWELL_MS = 15_000;

export type Followed = { alarm: Alarm; device: Device; cameras: Device[] };

/** What is followed, and since when on the clock that `following` is asked with. */
export type Watch = Followed & { since_ms: number };

type Asked = {
  alarms: readonly Alarm[];
  device: (id: string) => Device | undefined;
  cameras: readonly Device[];
  /** Cameras shown at once. */
  count: number;
};

/**
 * What to follow now: what was followed before, with its alarm as it is now, unless a graver one waits, or the
 * alarm has ended, was acknowledged or laid aside and was shown for `DWELL_MS`. Null when nothing waits.
 */
export function following(before: Watch | null, asked: Asked, now_ms: number): Watch | null {
  const next = followed(asked);
  const begun = next === null ? null : { ...next, since_ms: now_ms };
  if (before === null) return begun;
  const now = asked.alarms.find((alarm) => alarm.id === before.alarm.id);
  const alarm = current(before.alarm, now);
  if (next !== null && next.alarm.priority < alarm.priority) return begun;
  const isOver = now === undefined || !waits(now);
  if (isOver && now_ms - before.since_ms >= DWELL_MS) return begun;
  return { ...before, alarm, cameras: around(before.device, asked) };
}

/** The most urgent unacknowledged alarm with a camera in reach, and up to `count` cameras, nearest first. */
export function followed(asked: Asked): Followed | null {
  for (const alarm of ordered(asked.alarms.filter(waits))) {
    const device = asked.device(wholeOf(alarm.object));
    if (device === undefined) continue;
    const cameras = around(device, asked);
    if (cameras.length > 0) return { alarm, device, cameras };
  }
  return null;
}

function waits(alarm: Alarm): boolean {
  return counts(alarm) && isUnacknowledged(alarm);
}

/** A camera shows itself first, whether it works or not. */
function around(device: Device, { cameras, count }: Asked): Device[] {
  const own = cameras.filter((camera) => camera.id === device.id);
  return [...own, ...near(device, cameras, REACH_M, count - own.length).map((each) => each.device)];
}
