// Web Mercator, for the drawing that stands in where MapLibre cannot run and on paper.
import type { Geometry, Position } from '../../data/wire/wire';

/** West to east and north to south, each 0..1 over the whole world. */
export function project([lon, lat]: Position): [x: number, y: number] {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/** Lines of a geometry; a polygon's rings are closed lines. */
export function lines(geometry: Geometry): readonly (readonly Position[])[] {
  switch (geometry.type) {
    case 'Point':
      return [];
    case 'LineString':
      return [geometry.coordinates];
    case 'MultiLineString':
    case 'Polygon':
      return geometry.coordinates;
    case 'MultiPolygon':
      return geometry.coordinates.flat();
  }
}
