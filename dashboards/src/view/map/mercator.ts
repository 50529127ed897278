// Web Mercator, for the drawing that stands in where MapLibre cannot run and on paper.

export type Position = readonly [lon: number, lat: number];

/** West to east and north to south, each 0..1 over the whole world. */
export function project([lon, lat]: Position): [x: number, y: number] {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/** A GeoJSON position, or null. */
export function position(value: unknown): Position | null {
  if (!Array.isArray(value)) return null;
  const [lon, lat]: unknown[] = value;
  return typeof lon === 'number' && typeof lat === 'number' ? [lon, lat] : null;
}

/** The lines in the coordinates of any GeoJSON line or polygon; a polygon's rings are closed lines. */
export function lines(coordinates: unknown): Position[][] {
  if (!Array.isArray(coordinates)) return [];
  const positions = coordinates.map(position).filter((each) => each !== null);
  return positions.length === coordinates.length ? [positions] : coordinates.flatMap(lines);
}
