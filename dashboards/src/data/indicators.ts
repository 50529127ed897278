// Indicators of reform and the service desk: the catalogue, values of one period, the records behind a
// value. Null is "not known", never zero; `status` says why a value is missing.
import { get } from './http';
import { flag, instant, isRecord, list, number, text, texts, type Unknowns } from './narrow';

export type Name = { vi: string; en: string };
export type Target = { op: string; value: number };
export type Indicator = {
  id: string;
  group: string;
  name: Name;
  unit_of_measure: string;
  formula: Name;
  dimensions: string[];
  target: Target | null;
  source: string;
  feed: string | null;
  /** Why nothing feeds it yet. */
  no_feed: Name | null;
  headline: boolean;
};
export type Versions = { indicators: string; parameters: string; calendar: string; units: string };
export type Period = { id: string; from: string; to: string; is_closed: boolean };
export type Value = {
  id: string;
  unit: string;
  unit_name: Name | null;
  /** Month, channel, formality, field or category when the answer is split by one; else empty. */
  key: string;
  /** Part of an indicator with several figures, such as `p90`; empty for the main one. */
  part: string;
  value: number | null;
  /** A word instead of a number, for classes. */
  word: string | null;
  numerator: number | null;
  denominator: number | null;
  bound: string;
  reporting: number | null;
  expected: number | null;
  status: string;
  published: { value: number | null; closed_at_ms: number | null } | null;
};
export type Values = { period: Period; cut_off_ms: number | null; versions: Versions; values: Value[] };
export type Split = 'unit' | 'month' | 'day' | 'channel' | 'formality' | 'field' | 'category';
export type Query = {
  ids: readonly string[];
  /** Left out: the latest month that has data. */
  period?: string | null;
  unit?: string | null;
  by?: Split;
  mode?: string;
};

export async function fetchCatalogue(signal?: AbortSignal): Promise<Map<string, Indicator>> {
  const body = await get('indicators', {}, signal);
  const found = list(isRecord(body) ? body['indicators'] : null).filter(isRecord).map(readIndicator);
  return new Map(found.map((indicator) => [indicator.id, indicator]));
}

/** Names of the service desk's categories. */
export async function fetchCategories(signal?: AbortSignal): Promise<Map<string, Name>> {
  const body = await get('categories', {}, signal);
  const rows = list(isRecord(body) ? body['items'] : null).filter(isRecord);
  const named = rows.map((row): [string, Name] => {
    const id = text(row['id']) ?? '';
    return [id, readName(row['name']) ?? { vi: id, en: id }];
  });
  return new Map(named);
}

export async function fetchValues(query: Query, signal?: AbortSignal): Promise<Values> {
  return readValues(await get('indicators/values', parameters(query), signal));
}

export function parameters(query: Query): Record<string, string> {
  const asked: Record<string, string> = { ids: query.ids.join(',') };
  for (const key of ['period', 'unit', 'by', 'mode'] as const) {
    const value = query[key];
    if (value !== undefined && value !== null && value !== '') asked[key] = value;
  }
  return asked;
}

export function readValues(body: unknown): Values {
  const answer = isRecord(body) ? body : {};
  return {
    period: readPeriod(answer['period']),
    cut_off_ms: instant(answer['cut_off']),
    versions: readVersions(answer['versions']),
    values: list(answer['values']).filter(isRecord).map(readValue),
  };
}

export function readName(value: unknown): Name | null {
  if (!isRecord(value)) return null;
  const vi = text(value['vi']);
  return vi === null ? null : { vi, en: text(value['en']) ?? vi };
}

export function readPeriod(value: unknown): Period {
  const period = isRecord(value) ? value : {};
  return {
    id: text(period['id']) ?? '',
    from: text(period['from']) ?? '',
    to: text(period['to']) ?? '',
    is_closed: flag(period['is_closed']) ?? false,
  };
}

export function readVersions(value: unknown): Versions {
  const versions = isRecord(value) ? value : {};
  return {
    indicators: text(versions['indicators']) ?? '',
    parameters: text(versions['parameters']) ?? '',
    calendar: text(versions['calendar']) ?? '',
    units: text(versions['units']) ?? '',
  };
}

function readIndicator(row: Unknowns): Indicator {
  const id = text(row['id']) ?? '';
  const target = row['target'];
  const limit = isRecord(target) ? number(target['value']) : null;
  return {
    id,
    group: text(row['group']) ?? '',
    name: readName(row['name']) ?? { vi: id, en: id },
    unit_of_measure: text(row['unit_of_measure']) ?? '',
    formula: readName(row['formula']) ?? { vi: '', en: '' },
    dimensions: texts(row['dimensions']),
    target: isRecord(target) && limit !== null ? { op: text(target['op']) ?? '>=', value: limit } : null,
    source: text(row['source']) ?? '',
    feed: text(row['feed']),
    no_feed: readName(row['no_feed']),
    headline: flag(row['headline']) ?? false,
  };
}

function readValue(row: Unknowns): Value {
  const completeness = isRecord(row['completeness']) ? row['completeness'] : {};
  const published = row['as_published'];
  return {
    id: text(row['id']) ?? '',
    unit: text(row['unit']) ?? '',
    unit_name: readName(row['unit_name']),
    key: text(row['key']) ?? '',
    part: text(row['part']) ?? '',
    value: number(row['value']),
    word: text(row['word']),
    numerator: number(row['numerator']),
    denominator: number(row['denominator']),
    bound: text(row['bound']) ?? 'exact',
    reporting: number(completeness['reporting']),
    expected: number(completeness['expected']),
    status: text(row['status']) ?? 'no_data',
    published: isRecord(published)
      ? { value: number(published['value']), closed_at_ms: instant(published['closed_at']) }
      : null,
  };
}

/** Whether a value keeps its target; null without either. */
export function meets(value: number | null, target: Target | null): boolean | null {
  if (value === null || target === null) return null;
  if (target.op === 'abs<=') return Math.abs(value) <= target.value;
  if (target.op === 'abs<') return Math.abs(value) < target.value;
  if (target.op === '<=') return value <= target.value;
  if (target.op === '<') return value < target.value;
  if (target.op === '>') return value > target.value;
  if (target.op === '=') return value === target.value;
  return value >= target.value;
}
