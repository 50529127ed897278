// Periods of indicators as the hub names them: 2026-11-20, 2026-W47, 2026-11, 2026-Q4, 2026.
// Pure arithmetic on civil days; a period is half-open and its name is its identity.

export const KINDS = ['day', 'week', 'month', 'quarter', 'year'] as const;
export type PeriodKind = (typeof KINDS)[number];

const DAY_MS = 86_400_000;
const PATTERNS: Record<PeriodKind, RegExp> = {
  day: /^(\d{4})-(\d{2})-(\d{2})$/,
  week: /^(\d{4})-W(\d{2})$/,
  month: /^(\d{4})-(\d{2})$/,
  quarter: /^(\d{4})-Q([1-4])$/,
  year: /^(\d{4})$/,
};

export function kindOf(id: string): PeriodKind | null {
  return KINDS.find((kind) => PATTERNS[kind].test(id)) ?? null;
}

/** First day of a period as ms of its UTC midnight; null when the name is none. */
export function firstDay(id: string): number | null {
  const kind = kindOf(id);
  if (kind === null) return null;
  const [year = 0, part = 1, day = 1] = (PATTERNS[kind].exec(id) ?? []).slice(1).map(Number);
  if (kind === 'day') return Date.UTC(year, part - 1, day);
  if (kind === 'week') return weekOne(year) + (part - 1) * 7 * DAY_MS;
  if (kind === 'month') return Date.UTC(year, part - 1, 1);
  if (kind === 'quarter') return Date.UTC(year, (part - 1) * 3, 1);
  return Date.UTC(year, 0, 1);
}

/** The period of `kind` around a day (ms of its UTC midnight). */
export function around(kind: PeriodKind, day_ms: number): string {
  const date = new Date(day_ms);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  if (kind === 'day') return date.toISOString().slice(0, 10);
  if (kind === 'month') return `${year}-${two(month + 1)}`;
  if (kind === 'quarter') return `${year}-Q${Math.floor(month / 3) + 1}`;
  if (kind === 'year') return String(year);
  // The year of an ISO week is that of its Thursday.
  const thursday = monday(day_ms) + 3 * DAY_MS;
  const week_year = new Date(thursday).getUTCFullYear();
  return `${week_year}-W${two(1 + Math.round((monday(day_ms) - weekOne(week_year)) / (7 * DAY_MS)))}`;
}

/** The period `steps` after (before, when negative) this one; itself when the name is none. */
export function shifted(id: string, steps: number): string {
  const kind = kindOf(id);
  const first = firstDay(id);
  if (kind === null || first === null) return id;
  const date = new Date(first);
  const months = { month: 1, quarter: 3, year: 12 };
  if (kind === 'day' || kind === 'week') return around(kind, first + steps * (kind === 'day' ? 1 : 7) * DAY_MS);
  return around(kind, Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + steps * months[kind], 1));
}

/** The same time as a period of another kind: the one around its first day. */
export function asKind(id: string, kind: PeriodKind): string {
  const first = firstDay(id);
  return first === null ? id : around(kind, first);
}

/** Civil day of an instant in a zone, as ms of its UTC midnight. */
export function civilDay(parts: { year: number; month: number; day: number }): number {
  return Date.UTC(parts.year, parts.month - 1, parts.day);
}

function monday(day_ms: number): number {
  return day_ms - ((new Date(day_ms).getUTCDay() + 6) % 7) * DAY_MS;
}
/** Monday of the first ISO week, the one with 4 January. */
function weekOne(year: number): number {
  return monday(Date.UTC(year, 0, 4));
}
function two(value: number): string {
  return String(value).padStart(2, '0');
}
