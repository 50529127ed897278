// Which alarms a list shows, in which order, and how they are gathered in a flood. Pure, so that the
// rules can be tested without a browser.
import { counts, isUnacknowledged, moreUrgent, type Alarm, type AlarmState, type Priority } from '../data/alarms.svelte';
import { folded } from '../format';

export const VIEWS = ['work', 'shelved', 'suppressed', 'out_of_service'] as const;
export type View = (typeof VIEWS)[number];
export type Standing = AlarmState | Exclude<View, 'work'>;
export type StateFilter = 'all' | 'unacknowledged' | AlarmState;
export type AlarmFilter = {
  text: string;
  priority: Priority | null;
  state: StateFilter;
  service: string | null;
  area: string | null;
};
/** Alarms with one cause or in one place. */
export type Group = {
  key: string;
  /** Alarm that explains the others, where there is one. */
  parent: string | null;
  area: string | null;
  priority: Priority;
  unacknowledged: number;
  alarms: readonly Alarm[];
  /** The one that came first. */
  first_out: string;
};
export type Line = { kind: 'group'; group: Group } | { kind: 'alarm'; alarm: Alarm; first_out: boolean };

export const NO_FILTER: AlarmFilter = { text: '', priority: null, state: 'all', service: null, area: null };

/** The one word for an alarm: what keeps it from the operator comes before its state. */
export function standing(alarm: Alarm): Standing {
  if (alarm.out_of_service !== null) return 'out_of_service';
  if (alarm.shelved !== null) return 'shelved';
  return alarm.suppressed !== null ? 'suppressed' : alarm.state;
}

/** Every alarm is in at least one of the lists; one that is shelved and out of service is in both. */
export function inView(alarm: Alarm, view: View): boolean {
  switch (view) {
    case 'work':
      return counts(alarm);
    case 'shelved':
      return alarm.shelved !== null;
    case 'suppressed':
      return alarm.suppressed !== null;
    case 'out_of_service':
      return alarm.out_of_service !== null;
  }
}

/** `words` is everything that the search looks in, folded. */
export function matches(alarm: Alarm, filter: AlarmFilter, words: (alarm: Alarm) => string): boolean {
  if (filter.priority !== null && alarm.priority !== filter.priority) return false;
  if (filter.state === 'unacknowledged' ? !isUnacknowledged(alarm) : filter.state !== 'all' && alarm.state !== filter.state) return false;
  if (filter.service !== null && alarm.service !== filter.service) return false;
  if (filter.area !== null && alarm.area !== filter.area) return false;
  const wanted = folded(filter.text).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return true;
  const found = words(alarm);
  return wanted.every((word) => found.includes(word));
}

/** Unacknowledged before acknowledged, then priority, then newest first. */
export function ordered(alarms: readonly Alarm[]): Alarm[] {
  return [...alarms].sort(moreUrgent);
}

/** Gathers by the alarm that explains others, else by area, in the order in which the groups first appear. */
export function grouped(alarms: readonly Alarm[]): Group[] {
  const parents = new Set(alarms.flatMap((alarm) => alarm.parent ?? []));
  const found = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    const parent = parentOf(alarm, parents);
    const key = parent === null ? `area ${alarm.area ?? ''}` : `parent ${parent}`;
    const same = found.get(key);
    if (same === undefined) found.set(key, [alarm]);
    else same.push(alarm);
  }
  return [...found].map(([key, same]) => groupOf(key, same, parents));
}

function parentOf(alarm: Alarm, parents: ReadonlySet<string>): string | null {
  return alarm.parent ?? (parents.has(alarm.id) ? alarm.id : null);
}

function groupOf(key: string, alarms: readonly Alarm[], parents: ReadonlySet<string>): Group {
  const [first] = [...alarms].sort(
    (a, b) => Number(b.first_out) - Number(a.first_out) || (a.raised_at_ms ?? Infinity) - (b.raised_at_ms ?? Infinity) || a.seq - b.seq,
  );
  return {
    key,
    parent: first === undefined ? null : parentOf(first, parents),
    area: first?.area ?? null,
    priority: Math.min(...alarms.map((alarm) => alarm.priority)) as Priority,
    unacknowledged: alarms.filter(isUnacknowledged).length,
    alarms,
    first_out: first?.id ?? '',
  };
}

/** The lines of the list; `closed` groups show their heading only. */
export function lines(alarms: readonly Alarm[], isGrouped: boolean, closed: ReadonlySet<string>): Line[] {
  if (!isGrouped) return alarms.map((alarm) => ({ kind: 'alarm', alarm, first_out: alarm.first_out }));
  return grouped(alarms).flatMap((group): Line[] => {
    const heading: Line = { kind: 'group', group };
    if (closed.has(group.key)) return [heading];
    return [heading, ...group.alarms.map((alarm): Line => ({ kind: 'alarm', alarm, first_out: alarm.id === group.first_out }))];
  });
}

/** What a frozen list does not show yet: alarms that came, and whether the others stand elsewhere now. */
export function drift(shown: readonly Alarm[], fresh: readonly Alarm[]): { came: number; moved: boolean } {
  const known = new Set(shown.map((alarm) => alarm.id));
  const came = fresh.filter((alarm) => !known.has(alarm.id)).length;
  const moved = shown.length !== fresh.length || shown.some((alarm, index) => fresh[index]?.id !== alarm.id);
  return { came, moved };
}

/** The alarm as it is now; one that is plainly normal again stays where it was until the list is renewed. */
export function current(shown: Alarm, now: Alarm | undefined): Alarm {
  return now ?? { ...shown, state: 'norm', shelved: null, suppressed: null, out_of_service: null };
}
