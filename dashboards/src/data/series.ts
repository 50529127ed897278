// History of one device for the trend: `GET series`, narrowed to columns of time and value.
import { get } from './http';
import { instant, isRecord, list, number, text } from './narrow';
import type { Series } from './wire/wire';

export type Quantity = 'flow_veh_h' | 'speed_kmh' | 'occupancy';

export type SeriesQuery = {
  source: string;
  quantity: Quantity;
  from_ms: number;
  to_ms: number;
  /** Points that the chart can draw. */
  points: number;
};

export async function fetchSeries(query: SeriesQuery, signal: AbortSignal): Promise<Series> {
  const body = await get(
    'series',
    {
      source: query.source,
      quantity: query.quantity,
      from: new Date(query.from_ms).toISOString(),
      to: new Date(query.to_ms).toISOString(),
      points: String(query.points),
    },
    signal,
  );
  return readSeries(body, query.quantity);
}

export function readSeries(body: unknown, quantity: Quantity): Series {
  const answer = isRecord(body) ? body : {};
  const first = list(answer['series'])[0];
  const series = isRecord(first) ? first : answer;
  const times = list(series['times'] ?? series['time']).map((time) => number(time) ?? instant(time));
  const values = list(series['values'] ?? series['value']);
  const kept = times.flatMap((ms, index) => (ms === null ? [] : [{ s: ms / 1000, value: number(values[index]) }]));
  return {
    quantity: text(series['quantity']) ?? quantity,
    step_s: number(series['step_s']) ?? number(answer['step_s']) ?? 0,
    times_s: kept.map((point) => point.s),
    values: kept.map((point) => point.value),
  };
}
