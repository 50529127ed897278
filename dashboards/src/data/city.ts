// The city and its devices as the registry knows them: HTTP documents, narrowed.
// A feature without geometry and a device without id are left out.
import { get } from './http';
import { flag, isRecord, list, number, text, type Unknowns } from './narrow';
import type { City, DeviceDocument, Feature, FeatureCollection, Name, Position } from './wire/wire';

/** Devices asked for per page of the listing. */
const PAGE = 1000;

export async function fetchCity(): Promise<City> {
  return readCity(await get('city'));
}

export async function fetchDevices(): Promise<DeviceDocument[]> {
  const devices: DeviceDocument[] = [];
  let after: string | null = null;
  do {
    const body = await get('devices', { limit: String(PAGE), ...(after !== null && { after }) });
    const page = isRecord(body) ? body : {};
    devices.push(...list(page['items']).flatMap(readDevice));
    after = text(page['next']);
  } while (after !== null);
  return devices;
}

function readCity(body: unknown): City {
  const city = isRecord(body) ? body : {};
  const map = isRecord(city['map']) ? city['map'] : {};
  const [west = 0, south = 0, east = 0, north = 0] = list(city['bounds']).map((value) => number(value) ?? 0);
  return {
    city: text(city['city']) ?? '',
    name: readName(city),
    bounds: [west, south, east, north],
    center: position(city['center']) ?? [(west + east) / 2, (south + north) / 2],
    zoom: number(city['zoom']) ?? 11,
    time_zone: text(city['time_zone']) ?? 'Asia/Ho_Chi_Minh',
    demonstration: flag(city['demonstration']) ?? false,
    insecure: flag(city['insecure']) ?? false,
    map: {
      areas: collection(map['areas']),
      corridors: collection(map['corridors']),
      rivers: collection(map['rivers']),
      places: collection(map['places']),
    },
  };
}

/** `name` with both languages, or `name_vi` and `name_en`. */
function readName(fields: Unknowns): Name {
  const name = isRecord(fields['name']) ? fields['name'] : {};
  const vi = text(name['vi']) ?? text(fields['name_vi']) ?? '';
  return { vi, en: text(name['en']) ?? text(fields['name_en']) ?? vi };
}

function position(value: unknown): Position | null {
  const [lon, lat] = list(value).map(number);
  return typeof lon === 'number' && typeof lat === 'number' ? [lon, lat] : null;
}

function collection(value: unknown): FeatureCollection {
  const features = isRecord(value) ? list(value['features']) : [];
  return { type: 'FeatureCollection', features: features.filter(isFeature) };
}

function isFeature(value: unknown): value is Feature {
  return isRecord(value) && isRecord(value['geometry']) && isRecord(value['properties']);
}

function readDevice(value: unknown): DeviceDocument[] {
  if (!isRecord(value)) return [];
  const id = text(value['id']);
  if (id === null) return [];
  const name = readName(value);
  return [
    {
      id,
      service: text(value['service']) ?? '',
      name: { vi: name.vi || id, en: name.en || id },
      lon: number(value['lon']),
      lat: number(value['lat']),
      area: text(value['area']),
      corridor: text(value['corridor']),
      period_s: number(value['period_s']),
      simulated: flag(value['simulated']) ?? false,
      detectors: list(value['detectors']).flatMap((detector) => {
        if (!isRecord(detector)) return [];
        const key = text(detector['key']);
        if (key === null) return [];
        const plain = text(detector['name']);
        const name = plain === null ? readName(detector) : { vi: plain, en: plain };
        return [{ key, name, direction: text(detector['direction']) }];
      }),
    },
  ];
}
