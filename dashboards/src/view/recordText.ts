// One value of a record behind a figure, in words where it is a code.
import '../i18n/desk';
import '../i18n/indicators';
import '../i18n/records';
import { coded, locale, t } from '../i18n.svelte';
import type { Unknowns } from '../data/narrow';

const INSTANT = /^\d{4}-\d{2}-\d{2}T/;
/** Tickets have words of their own for these. */
const OF_TICKETS: Partial<Record<string, (code: string) => string>> = {
  status: (code) => coded('ticket_status', code),
  kind: (code) => coded('ticket_kind', code),
  channel: (code) => coded('channel', code),
};
const UNITS: readonly string[] = ['unit', 'received_by'];

export function recordText(row: Unknowns, column: string, unitName: (code: string) => string): string {
  const value = row[column];
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return t(value ? 'records.yes' : 'records.no');
  if (typeof value === 'number') return locale.format.number(value, Number.isInteger(value) ? 0 : 3);
  if (typeof value !== 'string') return String(value);
  if (INSTANT.test(value)) return locale.format.stamp(Date.parse(value));
  if (UNITS.includes(column)) return unitName(value);
  const own = 'ticket' in row ? OF_TICKETS[column] : undefined;
  const words = own === undefined ? coded('record', `${column}.${value}`) : own(value);
  return words === `${column}.${value}` ? value : words;
}
