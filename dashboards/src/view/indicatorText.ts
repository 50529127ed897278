// Values of indicators as text: the number with its unit, the target, why a value is missing.
import type { Indicator, Target, Value } from '../data/indicators';
import { kindOf, firstDay } from '../data/period';
import { NO_VALUE } from '../format';
import '../i18n/indicators';
import { coded, locale, t } from '../i18n.svelte';

/** Decimals by unit of measure; every other is a whole number. */
const DECIMALS: Record<string, number> = { percent: 2, points: 3, working_hours: 1, working_days: 1, dossiers_per_staff: 1, tickets_per_km2: 2, documents_per_day: 1 };

/** A number of an indicator, without its unit. */
export function figureText(value: number | null, unit_of_measure: string): string {
  return locale.format.number(value, DECIMALS[unit_of_measure] ?? 0);
}

/** The unit behind the number; nothing for plain counts of records. */
export function unitText(unit_of_measure: string): string {
  return unit_of_measure === 'percent' ? '%' : coded('uom', unit_of_measure);
}

/** The value with "at least" where that is all that is known, or a dash. */
export function valueText(value: Value | undefined, indicator: Indicator | undefined): string {
  if (value === undefined) return NO_VALUE;
  if (value.word !== null) return coded('grade', value.word);
  const number = figureText(value.value, indicator?.unit_of_measure ?? '');
  return value.bound === 'at_least' && value.value !== null ? t('indicator.at_least', { value: number }) : number;
}

const SIGNS: Record<string, string> = { '>=': '≥', '<=': '≤', '=': '=', '<': '<', '>': '>', 'abs<': '±', 'abs<=': '±' };

export function targetText(target: Target, unit_of_measure: string): string {
  const whole = Number.isInteger(target.value);
  const number = whole ? locale.format.number(target.value) : figureText(target.value, unit_of_measure);
  return `${SIGNS[target.op] ?? target.op} ${number} ${unitText(unit_of_measure)}`.trim();
}

/** The period in words: `Tháng 11/2026`, `Quý IV/2026`. */
export function periodText(id: string): string {
  const kind = kindOf(id);
  const first = firstDay(id);
  if (kind === null || first === null) return id;
  const date = new Date(first);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const quarter = Math.floor(month / 3);
  if (kind === 'year') return t('period.year', { year });
  if (kind === 'quarter') return t('period.quarter', { n: locale.language === 'vi' ? (['I', 'II', 'III', 'IV'][quarter] ?? '') : quarter + 1, year });
  if (kind === 'month') return t('period.month', { month: String(month + 1).padStart(2, '0'), year });
  if (kind === 'week') return t('period.week', { n: id.slice(-2), year: id.slice(0, 4) });
  return `${String(date.getUTCDate()).padStart(2, '0')}/${String(month + 1).padStart(2, '0')}/${year}`;
}
