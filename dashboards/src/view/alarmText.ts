// Names of alarms and of what they are about, in the reader's language, from the rules, the registry and
// the map of the city.
import { wholeOf, type Alarm, type Alarms } from '../data/alarms.svelte';
import type { Devices } from '../data/devices.svelte';
import type { Name, City } from '../data/wire/api';
import { folded } from '../format';
import { coded, locale, named, t } from '../i18n.svelte';

export type Places = ReadonlyMap<string, Name>;

/** Names of areas, corridors and units that the map of the city holds, by id. */
export function placesOf(city: City | null): Places {
  const names = new Map<string, Name>();
  for (const feature of [...(city?.map.areas.features ?? []), ...(city?.map.corridors.features ?? [])]) {
    const { id, unit, name_vi, name_en } = feature.properties;
    const name = { vi: String(name_vi ?? id), en: String(name_en ?? name_vi ?? id) };
    names.set(String(id), name);
    if (typeof unit === 'string') names.set(unit, name);
  }
  return names;
}

/** Puts alarms into words. */
export class AlarmWords {
  readonly #alarms: Alarms;
  readonly #devices: Devices;
  readonly #places: () => Places;

  constructor(alarms: Alarms, devices: Devices, places: () => Places) {
    this.#alarms = alarms;
    this.#devices = devices;
    this.#places = places;
  }

  name(alarm: { code: string }): string {
    const rule = this.#alarms.rules.get(alarm.code);
    return rule === undefined ? alarm.code : named(rule.name);
  }

  object(id: string): string {
    const [whole = id, kind = '', own = ''] = id.split('/');
    const name = this.#objectName(whole);
    const text = name === undefined ? whole : named(name);
    if (kind === '') return text;
    return `${text} · ${kind === 'lane' ? t('alarms.lane', { n: own }) : t('detail.zone', { name: own })}`;
  }

  place(id: string): string {
    const name = this.#places().get(id);
    return name === undefined ? id : named(name);
  }

  /** Alarm and object in one line. */
  whole(alarm: { code: string; object: string }): string {
    return `${this.name(alarm)} – ${this.object(alarm.object)}`;
  }

  /** Everything that the search looks in: both languages, codes and ids, without accents. */
  folded(alarm: Alarm): string {
    const rule = this.#alarms.rules.get(alarm.code)?.name;
    const object = this.#objectName(wholeOf(alarm.object));
    const area = alarm.area === null ? undefined : this.#places().get(alarm.area);
    const found = [rule, object, area].flatMap((name) => (name === undefined ? [] : [name.vi, name.en]));
    return folded([alarm.id, ...found, alarm.assignee ?? '', alarm.ticket ?? ''].join(' '));
  }

  #objectName(id: string): Name | undefined {
    void this.#devices.list;
    const device = this.#devices.get(id);
    if (device !== undefined) return device.name;
    const [kind = '', ...rest] = id.split(':');
    const own = rest.join(':');
    const place = this.#places().get(own);
    if (place !== undefined) return place;
    if (kind !== 'hub') return undefined;
    const text = coded('hub_object', own);
    return { vi: text, en: text };
  }
}

/** Why an alarm came: a code, or a field and its value (`health.monitor_fault=conflict`, `split.fail=6` with the phase). */
export function whyText(why: string): string {
  const [field = why, value] = why.split('=');
  const text = coded('why', field);
  if (value === undefined) return text;
  if (field === 'plan.mismatch') {
    const [running = '', scheduled = ''] = value.split('/');
    return `${text} (${t('why_detail.plan', { running, scheduled })})`;
  }
  if (field === 'split.fail') return `${text} (${t('why_detail.phase', { phase: value })})`;
  if (field.startsWith('pair.')) return `${text} (${t('why_detail.station', { station: value })})`;
  return `${text} (${coded('why_value', value)})`;
}

/** A measured value or limit with its unit. */
export function figureText(value: number | string | null, unit: string | null): string | null {
  if (value === null) return null;
  const text = typeof value === 'string' ? coded('why', value) : locale.format.number(value, Number.isInteger(value) ? 0 : 2);
  return unit === null || unit === '' || typeof value === 'string' ? text : `${text} ${coded('unit', unit)}`;
}
