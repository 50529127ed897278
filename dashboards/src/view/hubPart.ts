// How a part of the hub itself is, in words: what is wrong with it where that is told, else how it stands.
import type { HubPart } from '../data/sources.svelte';
import { coded, t } from '../i18n.svelte';

export function hubPartText({ condition, why }: HubPart): string {
  if (why !== null) return coded('hub_why', why);
  if (condition === 0) return t('hub_part.starting');
  return t(condition === 1 ? 'hub_part.ok' : 'hub_part.bad');
}
