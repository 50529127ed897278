// A delay or an offset of a clock as text: milliseconds while they are few, then seconds and longer.
import { locale, t } from '../i18n.svelte';

export function lagText(ms: number | null): string {
  const { format } = locale;
  if (ms === null) return format.number(null);
  if (Math.abs(ms) < 1000) return `${format.number(ms)} ${t('unit.ms')}`;
  return `${ms < 0 ? '−' : ''}${format.age(Math.abs(ms))}`;
}
