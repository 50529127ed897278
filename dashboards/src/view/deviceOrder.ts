// Which devices a list shows and in which order: exceptions first, then by name.
// Pure, so that the rule can be tested without a browser.
import { folded } from '../format';
import type { Condition, Name } from '../data/wire/wire';

export type ConditionFilter = 'all' | 'exceptions' | Condition;
export type DeviceFilter = { text: string; service: string | null; condition: ConditionFilter };
type Listed = { id: string; service: string; name: Name; condition: Condition };

/** Rank of the conditions 0..4: fault, warning, offline, never heard, normal. */
const RANK = [3, 4, 1, 0, 2] as const;

export function matches(device: Listed, filter: DeviceFilter): boolean {
  if (filter.service !== null && device.service !== filter.service) return false;
  if (filter.condition === 'exceptions' ? device.condition < 2 : false) return false;
  if (typeof filter.condition === 'number' && device.condition !== filter.condition) return false;
  const words = folded(filter.text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = folded(`${device.id} ${device.name.vi} ${device.name.en}`);
  return words.every((word) => haystack.includes(word));
}

export function ordered<D extends Listed>(devices: readonly D[], language: 'vi' | 'en', collator: Intl.Collator): D[] {
  return [...devices].sort(
    (a, b) =>
      RANK[a.condition] - RANK[b.condition] ||
      collator.compare(a.name[language], b.name[language]) ||
      collator.compare(a.id, b.id),
  );
}
