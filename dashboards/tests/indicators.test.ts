// Periods, values of indicators and their targets: names, steps, and what is missing stays missing.
import { describe, expect, it } from 'vitest';
import { meets, parameters, readValues } from '../src/data/indicators';
import { around, asKind, firstDay, kindOf, shifted } from '../src/data/period';
import { read766, readNine } from '../src/data/scorecards';

const day = (year: number, month: number, of: number): number => Date.UTC(year, month - 1, of);

describe('periods', () => {
  it('are told apart by their names', () => {
    expect(['2026-11-20', '2026-W47', '2026-11', '2026-Q4', '2026', '2026-H1', 'x'].map(kindOf)).toEqual([
      'day', 'week', 'month', 'quarter', 'year', null, null,
    ]);
  });
  it('begin on their first day', () => {
    expect(firstDay('2026-Q4')).toBe(day(2026, 10, 1));
    expect(firstDay('2026-W01')).toBe(day(2025, 12, 29));
    expect(firstDay('2020-W53')).toBe(day(2020, 12, 28));
    expect(firstDay('2026-11')).toBe(day(2026, 11, 1));
  });
  it('step over the ends of years', () => {
    expect(shifted('2026-12', 1)).toBe('2027-01');
    expect(shifted('2026-Q1', -1)).toBe('2025-Q4');
    expect(shifted('2020-W53', 1)).toBe('2021-W01');
    expect(shifted('2024-02-29', 1)).toBe('2024-03-01');
    expect(shifted('2026', -5)).toBe('2021');
  });
  it('keep their place when the kind changes', () => {
    expect(asKind('2026-11', 'quarter')).toBe('2026-Q4');
    expect(asKind('2026-Q4', 'month')).toBe('2026-10');
    expect(asKind('2026-11-20', 'week')).toBe('2026-W47');
    expect(around('week', day(2021, 1, 3))).toBe('2020-W53');
  });
});

describe('values', () => {
  const answer = readValues({
    period: { id: '2026-11', from: '2026-11-01', to: '2026-12-01', is_closed: false },
    cut_off: '2026-11-22T01:00:00Z',
    versions: { indicators: '2026-11', calendar: 'vn', units: 'u' },
    values: [
      { id: 'A01', unit: 'gso:92', unit_name: { vi: 'Cần Thơ', en: 'Can Tho' }, key: '', value: 0, numerator: 0, denominator: null, bound: 'exact', completeness: { reporting: 3, expected: 103 }, status: 'ok', as_published: null },
      { id: 'A12', unit: 'gso:92', value: null, status: 'no_data' },
      { id: 'N11', unit: 'gso:92', value: null, word: 'excellent', status: 'ok' },
      { id: 'C06', unit: 'gso:92', value: 98.15, status: 'ok', as_published: { value: 98.1, closed_at: '2026-11-05T00:00:00Z' } },
    ],
  });
  it('keep zero and missing apart', () => {
    expect(answer.values.map((value) => value.value)).toEqual([0, null, null, 98.15]);
    expect(answer.values[2]?.word).toBe('excellent');
    expect(answer.values[1]?.status).toBe('no_data');
    expect(answer.values[0]).toMatchObject({ reporting: 3, expected: 103 });
    expect(answer.values[3]?.published).toEqual({ value: 98.1, closed_at_ms: Date.UTC(2026, 10, 5) });
  });
  it('ask only for what was chosen', () => {
    expect(parameters({ ids: ['A01', 'A12'], period: null, unit: 'gso:92' })).toEqual({ ids: 'A01,A12', unit: 'gso:92' });
  });
  it('meet a target or not, and neither without a value', () => {
    expect(meets(98, { op: '>=', value: 98 })).toBe(true);
    expect(meets(5.01, { op: '<=', value: 5 })).toBe(false);
    expect(meets(-0.6, { op: 'abs<=', value: 0.5 })).toBe(false);
    expect(meets(null, { op: '>=', value: 98 })).toBe(null);
    expect(meets(1, null)).toBe(null);
  });
});

describe('scorecards', () => {
  it('leave out nothing and invent nothing', () => {
    const card = read766({ unit: 'gso:92', components: [{ id: 'Q1.1', group: 'transparency', max: 6, score: null }], total: null });
    expect(card.components[0]).toMatchObject({ max: 6, score: null, official: null });
    expect(card.total).toBe(null);
    const nine = readNine({ unit: 'gso:92', scores: [{ id: 'N1', own: 1.978, value: 1.978, overruled: { score: 2, reason: 'r', who: 'a' } }], total: 15.753, class: { class: 'excellent' } });
    expect(nine.scores[0]).toMatchObject({ own: 1.978, appraised: null, answers: null, ruling: { score: 2, reason: 'r', who: 'a' } });
  });
});
