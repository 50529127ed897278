// The one line of figures that stands for a device in a list: flow and speed, or a signal's mode.
import type { Device } from '../data/devices.svelte';
import '../i18n/detail';
import { coded, locale, t } from '../i18n.svelte';

/** Null when the device has no figure to show. */
export function reading(device: Device): string | null {
  const { format } = locale;
  const figures: string[] = [];
  if (device.flow_veh_h !== null) figures.push(`${format.number(device.flow_veh_h)} ${t('unit.veh_h')}`);
  if (device.speed_kmh !== null) figures.push(`${format.number(device.speed_kmh)} ${t('unit.kmh')}`);
  if (figures.length === 0 && device.mode !== null) figures.push(coded('mode', device.mode));
  return figures.length === 0 ? null : figures.join(' · ');
}
