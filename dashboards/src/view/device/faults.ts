// Every fault of a health message in words: monitor, lamps, detectors, power, door, picture.
import { flag, isRecord, list, number, text, type Unknowns } from '../../data/narrow';
import '../../i18n/detail';
import '../../i18n/device_pages';
import { coded, t } from '../../i18n.svelte';

/** A picture that stands still for longer is frozen, as for the hub. */
const FROZEN_S = 30;
const BATTERY_LOW_PCT = 30;

export function faultLines(health: Unknowns): string[] {
  return [...supply(health), ...controller(health), ...camera(health['camera'])];
}

function supply(health: Unknowns): string[] {
  const lines: string[] = [];
  const power = text(health['power']);
  const battery_pct = number(health['battery_pct']);
  if (power !== null && power !== 'line') lines.push(coded('why', `power.${power}`));
  if (battery_pct !== null && battery_pct < BATTERY_LOW_PCT) lines.push(coded('why', 'battery.low'));
  if (flag(health['door_open'])) lines.push(t(flag(health['technician']) ? 'fault.door_technician' : 'fault.door'));
  if (flag(health['police_panel_open'])) lines.push(t('fault.police_panel'));
  return lines;
}

function controller(health: Unknowns): string[] {
  const lines: string[] = [];
  const monitor = text(health['monitor_fault']);
  if (monitor !== null && monitor !== 'none') lines.push(t('fault.monitor', { what: coded('monitor', monitor) }));
  for (const lamp of list(health['lamps'])) {
    const fault = isRecord(lamp) ? text(lamp['fault']) : null;
    if (!isRecord(lamp) || fault === null || fault === 'none') continue;
    const group = number(lamp['group']) ?? '?';
    lines.push(t(fault === 'major' ? 'fault.lamp' : 'fault.lamp_minor', { colour: coded('colour', text(lamp['colour']) ?? '?'), group }));
  }
  for (const { channel, state } of detectors(health)) {
    if (state !== 'ok') lines.push(t('fault.detector', { channel, state: coded('detector_state', state) }));
  }
  return lines;
}

function camera(value: unknown): string[] {
  if (!isRecord(value)) return [];
  const lines: string[] = [];
  const why = text(value['why']);
  if (flag(value['reachable']) === false) lines.push(coded('why', `camera.${why ?? 'unreachable'}`));
  const freeze_s = number(value['freeze_s']);
  if (freeze_s !== null && freeze_s > FROZEN_S) lines.push(coded('why', 'camera.frozen'));
  if (flag(value['moved'])) lines.push(coded('why', 'camera.off_preset'));
  if (flag(value['recording']) === false) lines.push(t('fault.recording'));
  return lines;
}

export type Channel = { channel: number; state: string };

/** Detector channels with what the controller says of each. */
export function detectors(health: Unknowns): Channel[] {
  return list(health['detectors']).flatMap((each) => {
    const channel = isRecord(each) ? number(each['channel']) : null;
    const state = isRecord(each) ? text(each['state']) : null;
    return channel === null || state === null ? [] : [{ channel, state }];
  });
}
