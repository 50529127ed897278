// The grids of a corridor: values of all its stations over some hours, and the same hours of another day.
import { untrack } from 'svelte';
import { fetchBlocks, type Block } from '../data/blocks';
import { Problem } from '../data/http';
import type { Device } from '../data/devices.svelte';
import { gridOf, type Grid, type Measure, type Place } from '../view/device/contour';

/** Series of one request, as the hub allows. */
const SERIES_MAX = 50;

export type Direction = 'both' | 'forward' | 'reverse';
export type CorridorWish = {
  measure: Measure;
  direction: Direction;
  from_ms: number;
  to_ms: number;
  step_s: number;
  /** How far the other day lies before; null for none. */
  shift_ms: number | null;
};

export class CorridorHistory {
  grid = $state.raw<Grid | null>(null);
  other = $state.raw<Grid | null>(null);
  loading = $state(false);
  failure = $state<string | null>(null);

  #shape = '';

  /** Fetches until the returned function is called. What is held stays while only time goes on, and is let
   * go when something else is asked for, whose heading it must not stand under. */
  want(wish: CorridorWish, places: readonly Place[], stations: readonly Device[], signedOut: () => void): () => void {
    const abort = new AbortController();
    const shape = [wish.measure, wish.direction, wish.step_s, wish.to_ms - wish.from_ms, wish.shift_ms].join();
    untrack(() => {
      if (shape !== this.#shape) this.grid = this.other = this.failure = null;
      this.#shape = shape;
      void this.#load(wish, places, stations, signedOut, abort.signal);
    });
    return () => abort.abort();
  }

  async #load(wish: CorridorWish, places: readonly Place[], stations: readonly Device[], signedOut: () => void, signal: AbortSignal): Promise<void> {
    this.loading = true;
    try {
      const ask = (back_ms: number): Promise<Block[]> => blocksOf(wish, back_ms, stations, signal);
      const [now, then] = await Promise.all([ask(0), wish.shift_ms === null ? null : ask(wish.shift_ms)]);
      if (signal.aborted) return;
      this.grid = gridOf(places, wish.measure, now);
      this.other = then === null ? null : gridOf(places, wish.measure, then);
      this.failure = null;
    } catch (cause) {
      if (signal.aborted) return;
      if (cause instanceof Problem && cause.status === 401) signedOut();
      else this.failure = cause instanceof Problem ? cause.code : 'unexpected';
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }
}

/** Stations with the same lanes are asked for together. */
async function blocksOf(wish: CorridorWish, back_ms: number, stations: readonly Device[], signal: AbortSignal): Promise<Block[]> {
  const groups = new Map<string, { places: string[]; sources: string[] }>();
  for (const station of stations) {
    const places = lanesOf(station, wish.direction);
    if (places === null) continue;
    const key = places.join();
    const group = groups.get(key) ?? { places, sources: [] };
    groups.set(key, group);
    group.sources.push(station.id);
  }
  const quantities = [...new Set([wish.measure, ...(wish.direction === 'both' ? [] : ['flow_veh_h'])])];
  const found: Block[] = [];
  for (const { places, sources } of groups.values()) {
    const each = Math.max(1, Math.floor(SERIES_MAX / (quantities.length * Math.max(1, places.length))));
    for (let at = 0; at < sources.length; at += each) {
      const query = {
        sources: sources.slice(at, at + each),
        places,
        quantities,
        from_ms: wish.from_ms - back_ms,
        to_ms: wish.to_ms - back_ms,
        step_s: wish.step_s,
      };
      found.push(...(await fetchBlocks(query, signal)));
    }
  }
  return found;
}

/** Empty for all lanes together; null when the station has none of this direction. */
function lanesOf(station: Device, direction: Direction): string[] | null {
  if (direction === 'both') return [];
  const lanes = station.detectors.filter((detector) => detector.direction === direction).map((detector) => detector.key);
  return lanes.length === 0 ? null : lanes;
}
