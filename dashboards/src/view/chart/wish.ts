// What a person wants to see of a station: quantity, lane, class, stretch of time, and with what it is
// compared. It stands in the address, so that a link shows the same again. Pure.
import type { Key } from '../../i18n.svelte';
import { between, last, type Sight } from './sight';

export type QuantityName = 'flow_veh_h' | 'flow_pcu_h' | 'speed_kmh' | 'occupancy' | 'count' | 'headway_s';
export type QuantityInfo = {
  quantity: QuantityName;
  name: Key;
  unit: Key;
  /** From the hub's unit to the one that is shown. */
  scale: number;
  decimals: number;
  by_class: boolean;
};

export const SHOWN: readonly QuantityInfo[] = [
  { quantity: 'flow_veh_h', name: 'quantity.flow', unit: 'unit.veh_h', scale: 1, decimals: 0, by_class: true },
  { quantity: 'flow_pcu_h', name: 'quantity.pcu', unit: 'unit.pcu_h', scale: 1, decimals: 0, by_class: false },
  { quantity: 'speed_kmh', name: 'quantity.speed', unit: 'unit.kmh', scale: 1, decimals: 1, by_class: false },
  { quantity: 'occupancy', name: 'quantity.occupancy', unit: 'unit.pct', scale: 100, decimals: 1, by_class: false },
  { quantity: 'count', name: 'quantity.count', unit: 'unit.veh', scale: 1, decimals: 0, by_class: true },
  { quantity: 'headway_s', name: 'quantity.headway', unit: 'unit.s', scale: 1, decimals: 1, by_class: false },
];

export const CLASSES = ['motorcycle', 'bicycle', 'car', 'van', 'bus', 'truck2', 'truck3', 'trailer', 'other', 'pedestrian'] as const;
export type VehicleClass = (typeof CLASSES)[number];

/** `week`: the same hours a week before; otherwise a civil day, `2026-11-20`. */
export type Compared = { kind: 'none' } | { kind: 'week' } | { kind: 'day'; day: string };

export type Wish = {
  quantity: QuantityName;
  /** `lane/1`, `zone/a`; null for all of the device. */
  place: string | null;
  vehicle: VehicleClass | null;
  /** Profile of passenger-car units; null for the hub's own. */
  pcu: string | null;
  sight: Sight;
  /** The end moves with the clock. */
  follows: boolean;
  compared: Compared;
  /** Every stored interval instead of means over what a pixel shows. */
  every: boolean;
};

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

export function info(quantity: QuantityName): QuantityInfo {
  return SHOWN.find((each) => each.quantity === quantity) ?? FLOW;
}
const FLOW: QuantityInfo = { quantity: 'flow_veh_h', name: 'quantity.flow', unit: 'unit.veh_h', scale: 1, decimals: 0, by_class: true };

/** How far what is compared lies before what is shown: whole days, so that hours stand above hours. */
export function shift(compared: Compared, sight: Sight, day_of: (ms: number) => string): number | null {
  if (compared.kind === 'none') return null;
  if (compared.kind === 'week') return WEEK_MS;
  const days = Math.round((Date.parse(day_of(sight.to_ms)) - Date.parse(compared.day)) / DAY_MS);
  return Number.isNaN(days) || days === 0 ? null : days * DAY_MS;
}

export function readWish(search: string, now_ms: number): Wish {
  const asked = new URLSearchParams(search);
  const quantity = SHOWN.find((each) => each.quantity === asked.get('quantity'))?.quantity ?? 'flow_veh_h';
  const vehicle = CLASSES.find((each) => each === asked.get('class')) ?? null;
  const [from, to] = [asked.get('from'), asked.get('to')].map((text) => Date.parse(text ?? ''));
  const sight = from === undefined || to === undefined || Number.isNaN(from + to) ? null : between(from, to);
  const compared = asked.get('compare');
  const hours = Number(asked.get('hours') ?? 6);
  return {
    quantity,
    place: asked.get('place'),
    vehicle: info(quantity).by_class ? vehicle : null,
    pcu: quantity === 'flow_pcu_h' ? asked.get('pcu') : null,
    sight: sight ?? last((hours > 0 && hours <= 24 * 366 ? hours : 6) * 3_600_000, now_ms),
    follows: sight === null,
    compared: compared === null ? { kind: 'none' } : compared === 'week' ? { kind: 'week' } : { kind: 'day', day: compared },
    every: asked.get('points') === 'every',
  };
}

const KEYS = ['quantity', 'place', 'class', 'pcu', 'hours', 'from', 'to', 'compare', 'points'];

/** The search part of the address, without what is the default; what is not about the wish stays in it. */
export function writeWish(wish: Wish, before: string): string {
  const search = new URLSearchParams(before);
  for (const key of KEYS) search.delete(key);
  if (wish.quantity !== 'flow_veh_h') search.set('quantity', wish.quantity);
  if (wish.place !== null) search.set('place', wish.place);
  if (wish.vehicle !== null) search.set('class', wish.vehicle);
  if (wish.pcu !== null) search.set('pcu', wish.pcu);
  if (wish.follows) {
    const hours = (wish.sight.to_ms - wish.sight.from_ms) / 3_600_000;
    if (hours !== 6) search.set('hours', String(Math.round(hours * 1000) / 1000));
  } else {
    search.set('from', new Date(wish.sight.from_ms).toISOString());
    search.set('to', new Date(wish.sight.to_ms).toISOString());
  }
  if (wish.compared.kind === 'week') search.set('compare', 'week');
  if (wish.compared.kind === 'day') search.set('compare', wish.compared.day);
  if (wish.every) search.set('points', 'every');
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
