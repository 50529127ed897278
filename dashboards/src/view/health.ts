// A health message of the telemetry contract as lines of words and figures; only what was reported.
import { flag, isRecord, list, number, text, type Unknowns } from '../data/narrow';
import '../i18n/detail';
import { coded, locale, t, type Key } from '../i18n.svelte';

export type HealthLine = { label: string; value: string };

export function healthLines(health: Unknowns): HealthLine[] {
  const lines: HealthLine[] = [];
  const add = (key: Key, value: string | null): void => {
    if (value !== null) lines.push({ label: t(key), value });
  };
  const figure = (fields: Unknowns, key: string, unit: string, decimals = 0): string | null => {
    const value = number(fields[key]);
    return value === null ? null : `${locale.format.number(value, decimals)} ${unit}`;
  };
  const either = (value: unknown, yes: Key, no: Key): string | null => {
    const set = flag(value);
    return set === null ? null : t(set ? yes : no);
  };
  const power = text(health['power']);
  const monitor = text(health['monitor_fault']);
  add('health.power', power === null ? null : coded('power', power));
  add('health.mains_v', figure(health, 'mains_v', 'V', 1));
  add('health.battery_pct', figure(health, 'battery_pct', '%'));
  add('health.battery_min', duration(health['battery_min'], 60));
  add('health.temperature_c', figure(health, 'temperature_c', '°C', 1));
  add('health.humidity_pct', figure(health, 'humidity_pct', '%'));
  add('health.door_open', either(health['door_open'], 'health.open', 'health.closed'));
  add('health.police_panel_open', either(health['police_panel_open'], 'health.open', 'health.closed'));
  add('health.monitor_fault', monitor === null ? null : monitor === 'none' ? t('health.none') : monitor);
  add('health.detectors', faulty(health['detectors'], (each) => each['state'] !== 'ok', (each) => each['channel']));
  add('health.lamps', faulty(health['lamps'], (each) => each['fault'] !== 'none', (each) => each['group']));
  if (isRecord(health['network'])) add('health.network', figure(health['network'], 'rtt_ms', 'ms'));
  if (isRecord(health['camera'])) {
    const camera = health['camera'];
    const stream = text(camera['stream']);
    const why = text(camera['why']);
    add('health.camera', why !== null ? coded('why.camera', why) : stream === null ? null : coded('why_value', stream));
    add('health.fps', figure(camera, 'fps', 'fps', 1));
    add('health.kbps', figure(camera, 'kbps', 'kbit/s'));
    add('health.freeze_s', figure(camera, 'freeze_s', t('unit.s')));
    add('health.recording', either(camera['recording'], 'health.yes', 'health.no'));
    add('health.disk_pct', figure(camera, 'disk_pct', '%'));
  }
  add('health.uptime_s', duration(health['uptime_s'], 1));
  add('health.firmware', text(health['firmware']));
  return lines;
}

function duration(value: unknown, seconds: number): string | null {
  const amount = number(value);
  return amount === null ? null : locale.format.age(amount * seconds * 1000);
}

/** Numbers of the parts that are not well, or "none"; null when nothing was reported. */
function faulty(value: unknown, bad: (each: Unknowns) => boolean, id: (each: Unknowns) => unknown): string | null {
  if (!Array.isArray(value)) return null;
  const ids = list(value).filter(isRecord).filter(bad).map(id);
  return ids.length === 0 ? t('health.none') : ids.join(', ');
}
