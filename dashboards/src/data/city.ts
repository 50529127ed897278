// The city and its devices as the registry knows them: HTTP documents of the generated types, checked
// for what the pages rest on. An answer of another shape is a Problem, not a half-drawn page.
import { get, Problem } from './http';
import { isRecord, list, number, text } from './narrow';
import type { City, Device, FeatureCollection, Name } from './wire/api';

/** Devices asked for per page of the listing; the hub's own largest page. */
const PAGE = 10_000;

export async function fetchCity(): Promise<City> {
  const body = await get('city');
  if (!isCity(body)) throw Problem.ofShape('city');
  return body;
}

export async function fetchDevices(): Promise<Device[]> {
  const devices: Device[] = [];
  let after: string | null = null;
  do {
    const page = await get('devices', { limit: String(PAGE), ...(after !== null && { after }) });
    if (!isRecord(page) || !Array.isArray(page['items'])) throw Problem.ofShape('devices');
    devices.push(...list(page['items']).filter(isDevice));
    after = text(page['next']);
  } while (after !== null);
  return devices;
}

function isCity(value: unknown): value is City {
  if (!isRecord(value) || !isName(value['name']) || !isRecord(value['map'])) return false;
  const layers = ['areas', 'corridors', 'rivers', 'places'].map((layer) => isRecord(value['map']) && value['map'][layer]);
  const numbers = [number(value['zoom']), ...list(value['center']).map(number), ...list(value['bounds']).map(number)];
  return (
    text(value['time_zone']) !== null &&
    numbers.length === 7 &&
    numbers.every((each) => each !== null) &&
    layers.every(isCollection)
  );
}

function isCollection(value: unknown): value is FeatureCollection {
  return isRecord(value) && list(value['features']).every((feature) => isRecord(feature) && isRecord(feature['properties']));
}

function isDevice(value: unknown): value is Device {
  return (
    isRecord(value) &&
    text(value['id']) !== null &&
    text(value['service']) !== null &&
    isName(value['name']) &&
    Array.isArray(value['detectors'])
  );
}

function isName(value: unknown): value is Name {
  return isRecord(value) && text(value['vi']) !== null && text(value['en']) !== null;
}
