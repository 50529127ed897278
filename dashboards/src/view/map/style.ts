// The schematic map as a MapLibre style: grounds and lines of the city's own GeoJSON, labels from
// our own woff2 files (`font-faces`), device layers above the labels so that no label hides a device.
// Pure: the city's map, the colours and the language go in, a style comes out.
import latin from '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url';
import vietnamese from '@fontsource-variable/inter/files/inter-vietnamese-wght-normal.woff2?url';
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { CityMap, FeatureCollection } from '../../data/wire/api';
import type { Language } from '../../format';
import type { Tokens } from '../tokens';

export const DEVICES = 'devices';
export const EXCEPTIONS = 'exceptions';
export const SELECTED = 'selected';
/** Layers whose text depends on the language. */
export const LABELS = ['river-label', 'corridor-label', 'place-label'] as const;

const FONT = ['Inter Variable'];
const LATIN = [
  'U+0000-00FF',
  'U+0131',
  'U+0152-0153',
  'U+02BB-02BC',
  'U+02C6',
  'U+02DA',
  'U+02DC',
  'U+2000-206F',
  'U+20AC',
  'U+2122',
];
const VIETNAMESE = [
  'U+0102-0103',
  'U+0110-0111',
  'U+0128-0129',
  'U+0168-0169',
  'U+01A0-01A1',
  'U+01AF-01B0',
  'U+0300-0301',
  'U+0303-0304',
  'U+0308-0309',
  'U+0323',
  'U+0329',
  'U+1EA0-1EF9',
  'U+20AB',
];
/** Metres of a pixel at zoom 0 at the latitude of the Mekong delta (10 degrees). */
const METRES_PER_PIXEL = 78_271.5 * Math.cos((10 * Math.PI) / 180);
const EMPTY: FeatureCollection = { type: 'FeatureCollection', features: [] };

export function labelText(language: Language): ExpressionSpecification {
  return ['coalesce', ['get', `name_${language}`], ['get', 'name_vi']];
}

export function schematicStyle(map: CityMap, token: Tokens, language: Language): StyleSpecification {
  const source = (data: FeatureCollection): { type: 'geojson'; data: never } => ({
    type: 'geojson',
    // The wire type leaves out the geometries that a city map does not use.
    data: data as never,
  });
  const absolute = (url: string): string => new URL(url, location.href).href;
  return {
    version: 8,
    'font-faces': {
      'Inter Variable': [
        { url: absolute(vietnamese), 'unicode-range': VIETNAMESE },
        { url: absolute(latin), 'unicode-range': LATIN },
      ],
    },
    sources: {
      areas: source(map.areas),
      rivers: source(map.rivers),
      corridors: source(map.corridors),
      places: source(map.places),
      [DEVICES]: source(EMPTY),
      [EXCEPTIONS]: source(EMPTY),
      [SELECTED]: source(EMPTY),
    },
    layers: [...ground(token), ...labels(token, language), ...devices(token)],
  } as StyleSpecification;
}

function ground(token: Tokens): LayerSpecification[] {
  const major: ExpressionSpecification = ['match', ['get', 'class'], ['national', 'provincial'], true, false];
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': token('panel') } },
    { id: 'area', type: 'fill', source: 'areas', paint: { 'fill-color': token('area'), 'fill-opacity': 0.6 } },
    {
      id: 'area-line',
      type: 'line',
      source: 'areas',
      paint: { 'line-color': token('area-line'), 'line-width': 1, 'line-dasharray': [3, 3] },
    },
    {
      id: 'river-area',
      type: 'fill',
      source: 'rivers',
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': token('water') },
    },
    {
      id: 'river-line',
      type: 'line',
      source: 'rivers',
      filter: ['==', ['geometry-type'], 'LineString'],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': token('water'), 'line-width': riverWidth() },
    },
    {
      id: 'corridor',
      type: 'line',
      source: 'corridors',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': ['case', major, token('road-major'), token('road-minor')],
        'line-width': [
          'interpolate',
          ['exponential', 1.5],
          ['zoom'],
          9,
          ['case', major, 2, 1],
          16,
          ['case', major, 14, 9],
        ],
      },
    },
  ];
}

/** True width on the ground, at least two pixels. */
function riverWidth(): ExpressionSpecification {
  const at = (zoom: number): ExpressionSpecification => [
    'max',
    2,
    ['/', ['coalesce', ['get', 'width_m'], 100], METRES_PER_PIXEL / 2 ** zoom],
  ];
  return ['interpolate', ['exponential', 2], ['zoom'], 8, at(8), 18, at(18)];
}

function labels(token: Tokens, language: Language): LayerSpecification[] {
  const halo = { 'text-halo-color': token('panel'), 'text-halo-width': 1.5 };
  return [
    {
      id: 'river-label',
      type: 'symbol',
      source: 'rivers',
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 400,
        'text-field': labelText(language),
        'text-font': FONT,
        'text-size': 15,
      },
      paint: { 'text-color': token('water-text'), 'text-halo-color': token('water'), 'text-halo-width': 1.5 },
    },
    {
      id: 'corridor-label',
      type: 'symbol',
      source: 'corridors',
      minzoom: 11,
      layout: {
        'symbol-placement': 'line',
        // Beside the line, because the devices stand on it.
        'text-offset': [0, 1],
        'text-field': labelText(language),
        'text-font': FONT,
        'text-size': 14,
      },
      paint: { 'text-color': token('dim'), ...halo },
    },
    {
      id: 'place-label',
      type: 'symbol',
      source: 'places',
      filter: ['<=', ['coalesce', ['get', 'rank'], 1], ['step', ['zoom'], 1, 10, 2, 12, 3, 13.5, 4]],
      layout: {
        'text-field': labelText(language),
        'text-font': FONT,
        'text-size': ['match', ['get', 'rank'], 1, 18, 2, 16, 15],
        'symbol-sort-key': ['coalesce', ['get', 'rank'], 9],
        'text-max-width': 8,
      },
      paint: { 'text-color': token('text'), ...halo },
    },
  ];
}

function devices(token: Tokens): LayerSpecification[] {
  const condition: ExpressionSpecification = ['coalesce', ['feature-state', 'condition'], 0];
  const signal: ExpressionSpecification = ['==', ['get', 'service'], 'signal'];
  const radius = (normal: number): ExpressionSpecification => ['case', signal, normal + 1, normal];
  return [
    {
      id: SELECTED,
      type: 'circle',
      source: SELECTED,
      paint: {
        'circle-radius': 14,
        'circle-color': token('picked'),
        'circle-stroke-color': token('focus'),
        'circle-stroke-width': 3,
      },
    },
    {
      id: DEVICES,
      type: 'circle',
      source: DEVICES,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, radius(2.5), 14, radius(5)],
        // Never heard: a hollow dot. An exception is drawn by its own symbol above this one.
        'circle-color': ['match', condition, 0, token('panel'), token('normal')],
        'circle-stroke-color': ['match', condition, 0, token('normal'), token('ground')],
        'circle-stroke-width': ['match', condition, 0, 1.5, 1],
        'circle-opacity': ['case', ['>=', condition, 2], 0, 1],
        'circle-stroke-opacity': ['case', ['>=', condition, 2], 0, 1],
      },
    },
    {
      id: EXCEPTIONS,
      type: 'symbol',
      source: EXCEPTIONS,
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'symbol-sort-key': ['get', 'rank'],
      },
    },
    {
      id: 'selected-label',
      type: 'symbol',
      source: SELECTED,
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 16,
        'text-anchor': 'top',
        'text-offset': [0, 1.1],
        // Placed first, so that other labels make room for it.
        'text-allow-overlap': true,
      },
      paint: { 'text-color': token('text'), 'text-halo-color': token('ground'), 'text-halo-width': 2 },
    },
  ];
}
