// History of one device for the trend: `GET series`, one request for all quantities, narrowed to
// columns of time and value.
import { get } from './http';
import { instant, isRecord, list, number, text } from './narrow';

export const QUANTITIES = ['flow_veh_h', 'speed_kmh', 'occupancy'] as const;
export type Quantity = (typeof QUANTITIES)[number];

/** Begin of each bucket in seconds since 1970 and the value of it; null where nothing was measured. */
export type Series = { step_s: number; times_s: number[]; values: (number | null)[] };
export type SeriesSet = Record<Quantity, Series>;

export type SeriesQuery = {
  source: string;
  from_ms: number;
  to_ms: number;
  /** Points that the chart can draw; the hub chooses the step. */
  points: number;
};

export async function fetchSeries(query: SeriesQuery, signal: AbortSignal): Promise<SeriesSet> {
  const body = await get(
    'series',
    {
      source: query.source,
      quantity: QUANTITIES.join(','),
      from: new Date(query.from_ms).toISOString(),
      to: new Date(query.to_ms).toISOString(),
      points: String(query.points),
    },
    signal,
  );
  return readSeries(body);
}

export function readSeries(body: unknown): SeriesSet {
  const set: SeriesSet = { flow_veh_h: empty(), speed_kmh: empty(), occupancy: empty() };
  for (const series of isRecord(body) ? list(body['series']) : []) {
    if (!isRecord(series)) continue;
    const quantity = QUANTITIES.find((each) => each === text(series['quantity']));
    if (quantity === undefined) continue;
    const into = set[quantity];
    into.step_s = number(series['resolution_s']) ?? 0;
    for (const point of list(series['points'])) {
      const [time, value] = list(point);
      const time_ms = instant(time);
      if (time_ms === null) continue;
      into.times_s.push(time_ms / 1000);
      into.values.push(number(value));
    }
  }
  return set;
}

function empty(): Series {
  return { step_s: 0, times_s: [], values: [] };
}
