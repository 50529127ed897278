// The two scorecards: Decision 766 (100 points) and the nine indicators of Circular 01/2018 (18 points).
import { get } from './http';
import { readName, readPeriod, readVersions, type Name, type Period, type Versions } from './indicators';
import { instant, isRecord, list, number, text, texts, type Unknowns } from './narrow';

export type Component = {
  id: string;
  group: string;
  max: number | null;
  numerator: number | null;
  denominator: number | null;
  score: number | null;
  official: number | null;
  difference: number | null;
  loss: number | null;
  status: string;
};
export type Card766 = {
  unit: string;
  unit_name: Name | null;
  components: Component[];
  total: number | null;
  /** Points that could be reached with what was computed. */
  of: number | null;
  official_total: number | null;
  difference: number | null;
  class: string | null;
  missing: string[];
  /** Components by lost points, largest first. */
  losses: string[];
};
export type NineScore = {
  id: string;
  own: number | null;
  appraised: number | null;
  citizen: number | null;
  proposed: number | null;
  /** A person's decision with its reason; a null score waives the indicator. */
  ruling: { score: number | null; reason: string; who: string } | null;
  value: number | null;
  /** Citizens' forms that score it. */
  answers: number | null;
};
export type CardNine = {
  unit: string;
  unit_name: Name | null;
  scores: NineScore[];
  total: number | null;
  class: string | null;
};
export type Scorecard<Card> = { period: Period; cut_off_ms: number | null; versions: Versions; units: Card[] };

type Asked = { period?: string | null; unit?: string | null };

export async function fetch766(asked: Asked, signal?: AbortSignal): Promise<Scorecard<Card766>> {
  return readCards(await get('scorecards/766', query(asked), signal), read766);
}

export async function fetchNine(asked: Asked, signal?: AbortSignal): Promise<Scorecard<CardNine>> {
  return readCards(await get('scorecards/nine', query(asked), signal), readNine);
}

function query(asked: Asked): Record<string, string> {
  const found: Record<string, string> = {};
  if (asked.period) found['period'] = asked.period;
  if (asked.unit) found['unit'] = asked.unit;
  return found;
}

export function readCards<Card>(body: unknown, read: (row: Unknowns) => Card): Scorecard<Card> {
  const answer = isRecord(body) ? body : {};
  return {
    period: readPeriod(answer['period']),
    cut_off_ms: instant(answer['cut_off']),
    versions: readVersions(answer['versions']),
    units: list(answer['units']).filter(isRecord).map(read),
  };
}

export function read766(row: Unknowns): Card766 {
  return {
    unit: text(row['unit']) ?? '',
    unit_name: readName(row['unit_name']),
    components: list(row['components']).filter(isRecord).map((part) => ({
      id: text(part['id']) ?? '',
      group: text(part['group']) ?? '',
      max: number(part['max']),
      numerator: number(part['numerator']),
      denominator: number(part['denominator']),
      score: number(part['score']),
      official: number(part['official']),
      difference: number(part['difference']),
      loss: number(part['loss']),
      status: text(part['status']) ?? 'no_data',
    })),
    total: number(row['total']),
    of: number(row['of']),
    official_total: number(row['official']),
    difference: number(row['difference']),
    class: readClass(row['class']),
    missing: texts(row['missing']),
    losses: texts(row['losses']),
  };
}

export function readNine(row: Unknowns): CardNine {
  return {
    unit: text(row['unit']) ?? '',
    unit_name: readName(row['unit_name']),
    scores: list(row['scores']).filter(isRecord).map((score) => ({
      id: text(score['id']) ?? '',
      own: number(score['own']),
      appraised: number(score['appraised']),
      citizen: number(score['citizen']),
      proposed: number(score['proposed']),
      ruling: readRuling(score['overruled']),
      value: number(score['value']),
      answers: number(score['answers']),
    })),
    total: number(row['total']),
    class: readClass(row['class']),
  };
}

function readClass(value: unknown): string | null {
  return isRecord(value) ? text(value['class']) : null;
}

function readRuling(value: unknown): NineScore['ruling'] {
  if (!isRecord(value)) return null;
  return { score: number(value['score']), reason: text(value['reason']) ?? '', who: text(value['who']) ?? '' };
}
