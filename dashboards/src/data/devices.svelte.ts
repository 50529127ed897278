// All devices of the city: registry documents joined with the rows of the live topic `devices`.
// To: the list and the map. Invariants: a row that comes before its document is kept for it; every
// reading of the registry makes new device objects, so views key on ids.
import { folded } from '../format';
import { limits, type Limits } from './freshness';
import { number, text } from './narrow';
import { cells, condition, measuredAt } from './rows';
import type { Alarm } from './alarms.svelte';
import type { Change } from './live';
import type { Device as DeviceDocument, Detector, Name } from './wire/api';
import type { Condition, Row } from './wire/live';

type Column =
  | 'id'
  | 'condition'
  | 'why'
  | 'age_ms'
  | 'flow_veh_h'
  | 'speed_kmh'
  | 'occupancy'
  | 'mode';

export class Device {
  /** Number of the device on this page; the map wants a number as feature id. */
  readonly index: number;
  readonly id: string;
  readonly service: string;
  readonly name: Name;
  /** Id and names, folded for the search. */
  readonly folded: string;
  /** Degrees; null for a system without a place, which no map shows. */
  readonly lon: number | null;
  readonly lat: number | null;
  readonly area: string | null;
  readonly corridor: string | null;
  /** The cabinet that feeds it. */
  readonly parent: string | null;
  readonly period_ms: number | null;
  /** How old its values may be. */
  readonly limits: Limits;
  readonly simulated: boolean;
  readonly detectors: readonly Detector[];
  condition = $state<Condition>(0);
  why = $state<string | null>(null);
  measured_at_ms = $state<number | null>(null);
  flow_veh_h = $state<number | null>(null);
  speed_kmh = $state<number | null>(null);
  /** Share 0..1. */
  occupancy = $state<number | null>(null);
  mode = $state<string | null>(null);
  /** The most urgent of its alarms that are for the operator now. */
  alarm = $state.raw<Alarm | null>(null);

  constructor(index: number, document: DeviceDocument) {
    this.index = index;
    this.id = document.id;
    this.service = document.service;
    this.name = document.name;
    this.folded = folded(`${document.id} ${document.name.vi} ${document.name.en}`);
    this.lon = document.lon;
    this.lat = document.lat;
    this.area = document.area;
    this.corridor = document.corridor;
    this.parent = document.parent;
    this.period_ms = document.period_s === null ? null : document.period_s * 1000;
    // Detector stations and cameras measure over the period that they report.
    const measures_span = document.service === 'vds' || document.service === 'cctv';
    this.limits = limits(this.period_ms, measures_span ? (this.period_ms ?? 0) : 0);
    this.simulated = document.simulated;
    this.detectors = document.detectors;
  }
}

export type Placed = Device & { readonly lon: number; readonly lat: number };

export function isPlaced(device: Device): device is Placed {
  return device.lon !== null && device.lat !== null;
}

const VERSION_MS = 250;

type Read = (row: Row, name: Column) => unknown;
type Latest = { row: Row; read: Read; frame_ms: number };

export class Devices {
  list = $state.raw<readonly Device[]>([]);
  /** A whole snapshot of the live rows has come. */
  loaded = $state(false);
  /** Grows when the list was loaded, and at most four times a second when conditions have changed. */
  version = $state(0);
  /** Live rows without a registry document: the registry has grown since it was read. */
  unregistered = $state(0);
  #by_id = new Map<string, Device>();
  #latest = new Map<string, Latest>();
  #read: Read = cells<Column>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<(changed: readonly Device[]) => void>();
  #alarms: ReadonlyMap<string, readonly Alarm[]> = new Map();

  /** Devices that have a place. */
  placed = $derived(this.list.filter(isPlaced));

  get(id: string): Device | undefined {
    return this.#by_id.get(id);
  }

  /** Whether no exception to be seen means anything: nothing is known yet, of some devices nothing is known, all are normal. */
  calm(): 'waiting' | 'partly' | 'normal' {
    const known = this.list.filter((device) => device.condition > 0).length;
    if (!this.loaded || known === 0) return 'waiting';
    return known < this.list.length ? 'partly' : 'normal';
  }

  /** Calls back with the devices whose condition changed; for drawings outside the DOM. */
  onChange(listener: (changed: readonly Device[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  load(documents: readonly DeviceDocument[]): void {
    this.list = documents.map((document, index) => new Device(index, document));
    this.#by_id = new Map(this.list.map((device) => [device.id, device]));
    for (const [id, latest] of this.#latest) this.#patch(id, latest);
    for (const device of this.list) device.alarm = this.#alarms.get(device.id)?.[0] ?? null;
    this.#countUnregistered();
    this.version += 1;
    this.#tell(this.list);
  }

  apply = (change: Change): void => {
    if (change.kind === 'replaced') this.#replace(change);
    const changed: Device[] = [];
    let strangers = false;
    for (const row of change.rows) {
      const id = String(row[0]);
      strangers ||= !this.#by_id.has(id);
      const latest = { row, read: this.#read, frame_ms: change.time_ms };
      this.#latest.set(id, latest);
      const device = this.#patch(id, latest);
      if (device) changed.push(device);
    }
    for (const id of change.removed) this.#forget(id, changed);
    if (strangers) this.#countUnregistered();
    if (changed.length > 0) this.#tell(changed);
  };

  /** Takes over the alarms of each object, the most urgent one first. */
  mark(alarms: ReadonlyMap<string, readonly Alarm[]>): void {
    const before = this.#alarms;
    this.#alarms = alarms;
    const changed: Device[] = [];
    for (const id of new Set([...before.keys(), ...alarms.keys()])) {
      const device = this.#by_id.get(id);
      const alarm = alarms.get(id)?.[0] ?? null;
      if (device === undefined || device.alarm === alarm) continue;
      if (device.alarm?.priority !== alarm?.priority || device.alarm?.state !== alarm?.state) changed.push(device);
      device.alarm = alarm;
    }
    if (changed.length > 0) this.#tell(changed);
  }

  #replace(change: Change): void {
    this.#read = cells<Column>(change.columns);
    const gone = new Set(this.#latest.keys());
    for (const row of change.rows) gone.delete(String(row[0]));
    const changed: Device[] = [];
    for (const id of gone) this.#forget(id, changed);
    if (changed.length > 0) this.#tell(changed);
    this.loaded = true;
  }

  /** Writes the row into its device; returns the device if its condition is another one now. */
  #patch(id: string, { row, read, frame_ms }: Latest): Device | null {
    const device = this.#by_id.get(id);
    if (device === undefined) return null;
    const before = device.condition;
    device.condition = condition(read(row, 'condition'));
    device.why = text(read(row, 'why'));
    device.measured_at_ms = measuredAt(read(row, 'age_ms'), frame_ms);
    device.flow_veh_h = number(read(row, 'flow_veh_h'));
    device.speed_kmh = number(read(row, 'speed_kmh'));
    device.occupancy = number(read(row, 'occupancy'));
    device.mode = text(read(row, 'mode'));
    return device.condition === before ? null : device;
  }

  #forget(id: string, changed: Device[]): void {
    this.#latest.delete(id);
    const device = this.#by_id.get(id);
    if (device === undefined) return;
    device.condition = 0;
    device.why = device.mode = null;
    device.measured_at_ms = device.flow_veh_h = device.speed_kmh = device.occupancy = null;
    changed.push(device);
  }

  #countUnregistered(): void {
    if (this.list.length === 0) return;
    let known = 0;
    for (const id of this.#latest.keys()) if (this.#by_id.has(id)) known += 1;
    this.unregistered = this.#latest.size - known;
  }

  #tell(changed: readonly Device[]): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.version += 1;
    }, VERSION_MS);
    for (const listener of this.#listeners) listener(changed);
  }
}
