// Where devices stand: distances between them, and how far along a corridor each one is.
// Pure. On the scale of a city the earth is flat: metres from degrees at one latitude.
import type { FeatureCollection } from './wire/api';
import { list, number } from './narrow';

export type Point = readonly [lon: number, lat: number];

const METRES_PER_DEGREE = 111_320;

/** Metres east and north of `b` from `a`. */
function offset(a: Point, b: Point): [number, number] {
  const shrink = Math.cos((((a[1] + b[1]) / 2) * Math.PI) / 180);
  return [(b[0] - a[0]) * METRES_PER_DEGREE * shrink, (b[1] - a[1]) * METRES_PER_DEGREE];
}

export function metres(a: Point, b: Point): number {
  return Math.hypot(...offset(a, b));
}

/** How far along a line the nearest place to a point is, and how far off the line the point is, in metres. */
export function along(line: readonly Point[], point: Point): { at_m: number; off_m: number } {
  let best = { at_m: 0, off_m: Infinity };
  let before_m = 0;
  for (let index = 1; index < line.length; index += 1) {
    const [from, to] = [line[index - 1], line[index]];
    if (from === undefined || to === undefined) continue;
    const [x, y] = offset(from, to);
    const [px, py] = offset(from, point);
    const length_m = Math.hypot(x, y);
    const share = length_m === 0 ? 0 : Math.min(1, Math.max(0, (px * x + py * y) / (length_m * length_m)));
    const off_m = Math.hypot(px - share * x, py - share * y);
    if (off_m < best.off_m) best = { at_m: before_m + share * length_m, off_m };
    before_m += length_m;
  }
  return best;
}

/** The line of a corridor as its parts one after the other; empty when it is not drawn. */
export function lineOf(corridors: FeatureCollection | null, id: string): Point[] {
  const feature = corridors?.features.find((each) => each.id === id || each.properties['id'] === id);
  const coordinates = list(feature?.geometry?.coordinates);
  const parts = feature?.geometry?.type === 'MultiLineString' ? coordinates.flatMap(list) : coordinates;
  return parts.flatMap((part) => {
    const [lon, lat] = list(part).map(number);
    return lon === null || lat === null || lon === undefined || lat === undefined ? [] : [[lon, lat] as const];
  });
}

type Standing = { readonly id: string; readonly lon: number | null; readonly lat: number | null };

function pointOf({ lon, lat }: Standing): Point | null {
  return lon === null || lat === null ? null : [lon, lat];
}

/** Devices in the order in which one passes them, each with its place from the begin of the corridor. */
export function inOrder<D extends Standing>(line: readonly Point[], devices: readonly D[]): { device: D; at_m: number | null }[] {
  const placed = devices.map((device) => {
    const point = pointOf(device);
    return { device, at_m: point === null || line.length < 2 ? null : along(line, point).at_m };
  });
  return placed.sort((a, b) => (a.at_m ?? Infinity) - (b.at_m ?? Infinity) || (a.device.id < b.device.id ? -1 : 1));
}

/** Others around a device, nearest first, within `reach_m`. */
export function near<D extends Standing>(of: Standing, others: readonly D[], reach_m: number, count: number): { device: D; far_m: number }[] {
  const centre = pointOf(of);
  if (centre === null) return [];
  return others
    .flatMap((device) => {
      const point = pointOf(device);
      return device.id === of.id || point === null ? [] : [{ device, far_m: metres(centre, point) }];
    })
    .filter(({ far_m }) => far_m <= reach_m)
    .sort((a, b) => a.far_m - b.far_m)
    .slice(0, count);
}
