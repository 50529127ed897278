// Which devices a list shows and in which order: exceptions first, then by name.
// Pure, so that the rule can be tested without a browser.
import { folded, type Language } from '../format';
import type { Name } from '../data/wire/api';
import type { Condition } from '../data/wire/live';

export type ConditionFilter = 'all' | 'exceptions' | Condition;
export type DeviceFilter = {
  text: string;
  service: string | null;
  condition: ConditionFilter;
  /** Id of an area or a corridor; left out or null for all. */
  place?: string | null;
};
/** An area or corridor that devices can be chosen by. */
export type PlaceOption = { id: string; kind: 'area' | 'corridor'; name: Name };
type Listed = {
  id: string;
  service: string;
  name: Name;
  /** Id and names, folded for the search. */
  folded: string;
  condition: Condition;
  area?: string | null;
  corridor?: string | null;
};

/** Exceptions first: fault, warning, offline, never heard, normal. */
const RANKED: readonly Condition[] = [3, 2, 4, 0, 1];

export function matches(device: Listed, filter: DeviceFilter): boolean {
  if (filter.service !== null && device.service !== filter.service) return false;
  if (filter.place && device.area !== filter.place && device.corridor !== filter.place) return false;
  if (filter.condition === 'exceptions' ? device.condition < 2 : false) return false;
  if (typeof filter.condition === 'number' && device.condition !== filter.condition) return false;
  const words = folded(filter.text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  return words.every((word) => device.folded.includes(word));
}

/** In the order of the reader's alphabet; slow, once per list and language. */
export function byName<D extends Listed>(devices: readonly D[], language: Language, collator: Intl.Collator): D[] {
  return [...devices].sort(
    (a, b) => collator.compare(a.name[language], b.name[language]) || collator.compare(a.id, b.id),
  );
}

/** Exceptions first, otherwise in the order given; fast, at every change of a condition. */
export function exceptionsFirst<D extends Listed>(devices: readonly D[]): D[] {
  return RANKED.flatMap((condition) => devices.filter((device) => device.condition === condition));
}
