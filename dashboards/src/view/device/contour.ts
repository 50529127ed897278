// Values of the stations of a corridor over time as a grid, and the steps of grey that they are drawn in.
// Pure. Rows are stations in the order in which one passes them, columns buckets of time.
import type { Block } from '../../data/blocks';

export type Measure = 'speed_kmh' | 'flow_veh_h' | 'occupancy';
export type Place = { id: string; at_m: number };
export type Grid = {
  places: readonly Place[];
  /** Begin of each bucket. */
  times_ms: readonly number[];
  step_ms: number;
  /** One row per place; null where nothing was measured. */
  rows: readonly (readonly (number | null)[])[];
};

/** Shades from "nothing to see" to "look here". */
export const SHADES = 6;

/** One value from the lanes of a station: flows add up, speeds are weighted by flow, occupancy is the mean. */
export function combined(measure: Measure, lanes: readonly { value: number | null; flow: number | null }[]): number | null {
  const known = lanes.flatMap(({ value, flow }) => (value === null ? [] : [{ value, flow }]));
  if (known.length === 0) return null;
  const sum = known.reduce((total, each) => total + each.value, 0);
  if (measure === 'flow_veh_h') return sum;
  if (measure === 'occupancy') return sum / known.length;
  const weight = known.reduce((total, each) => total + (each.flow ?? 0), 0);
  return weight === 0 ? null : known.reduce((total, each) => total + each.value * (each.flow ?? 0), 0) / weight;
}

/** The grid of a corridor from the blocks of its stations: whole devices, or lanes with their flows. */
export function gridOf(places: readonly Place[], measure: Measure, blocks: readonly Block[]): Grid {
  const times = [...new Set(blocks.flatMap((block) => [...block.times_ms]))].sort((a, b) => a - b);
  const rows = places.map(({ id }) => {
    const own = blocks.filter((block) => block.source === id);
    const lanes = [...new Set(own.map((block) => block.place))].map((place) => {
      const of = (quantity: string): Map<number, number | null> => cells(own.find((block) => block.place === place && block.quantity === quantity));
      return { values: of(measure), flows: of('flow_veh_h') };
    });
    return times.map((time) => {
      const now = lanes.map(({ values, flows }) => ({ value: values.get(time) ?? null, flow: flows.get(time) ?? null }));
      // Of whole devices no flow is asked for: there is nothing to weigh.
      return now.length === 1 ? (now[0]?.value ?? null) : combined(measure, now);
    });
  });
  return { places, times_ms: times, step_ms: (blocks[0]?.step_s ?? 0) * 1000, rows };
}

function cells(block: Block | undefined): Map<number, number | null> {
  const found = new Map<number, number | null>();
  block?.times_ms.forEach((time, index) => {
    const value = block.values[index] ?? NaN;
    found.set(time, Number.isNaN(value) ? null : value);
  });
  return found;
}

/** Ends of the scale: speeds up to free flow, occupancy up to half, flows up to the largest of all grids. */
export function scaleOf(measure: Measure, grids: readonly Grid[], free_flow_kmh: number | null): number {
  const values = grids.flatMap((grid) => grid.rows.flat()).filter((value) => value !== null);
  const largest = Math.max(0, ...values);
  if (measure === 'speed_kmh') return free_flow_kmh ?? Math.max(10, largest);
  if (measure === 'occupancy') return 0.5;
  return Math.max(100, largest);
}

/** Shade 0..SHADES-1; slow, dense and busy are bright. */
export function shade(measure: Measure, value: number, top: number): number {
  const share = Math.min(1, Math.max(0, value / top));
  const look = measure === 'speed_kmh' ? 1 - share : share;
  return Math.min(SHADES - 1, Math.floor(look * SHADES));
}

/** Values at which the shades begin and end, in the order of the shades. */
export function borders(measure: Measure, top: number): [number, number][] {
  return Array.from({ length: SHADES }, (_, index) => {
    const low = (index / SHADES) * top;
    const high = ((index + 1) / SHADES) * top;
    return measure === 'speed_kmh' ? [top - high, top - low] : [low, high];
  });
}

/** Borders of the rows in metres: halfway between neighbours. */
export function rowBorders(places: readonly Place[]): number[] {
  const at = places.map((place) => place.at_m);
  const [first = 0, last = 0] = [at[0], at.at(-1)];
  const edge = at.length < 2 ? 500 : (last - first) / (at.length - 1) / 2;
  return at.length === 0 ? [] : [first - edge, ...at.slice(1).map((each, index) => (each + (at[index] ?? each)) / 2), last + edge];
}

/** Mean over every cell that is known. */
export function meanOf(grid: Grid): number | null {
  const values = grid.rows.flat().filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}
