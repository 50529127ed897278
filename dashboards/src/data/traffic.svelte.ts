// Figures per corridor and area: rows of the live topic `traffic`, keyed `corridor:ID` and `area:ID`.
import { number, text } from './narrow';
import { cells, measuredAt } from './rows';
import type { Change } from './live';

export type Flow = {
  measured_at_ms: number | null;
  flow_veh_h: number | null;
  speed_kmh: number | null;
  /** Share 0..1. */
  occupancy: number | null;
  /** Passenger-car units of the devices that tell classes apart. */
  flow_pcu_h: number | null;
  /** Level of service A to F; free, dense, congested or jammed; null where it is not judged. */
  los: string | null;
  congestion: string | null;
  /** Stations and cameras that count, and those of them whose latest interval is fresh. */
  devices: number;
  reporting: number;
};
type Column = 'age_ms' | 'flow_veh_h' | 'speed_kmh' | 'occupancy' | 'devices' | 'reporting' | 'flow_pcu_h' | 'los' | 'congestion';

export class Traffic {
  places = $state.raw<ReadonlyMap<string, Flow>>(new Map());

  apply = (change: Change): void => {
    const read = cells<Column>(change.columns);
    const places = new Map(change.kind === 'replaced' ? [] : this.places);
    for (const row of change.rows) {
      places.set(String(row[0]), {
        measured_at_ms: measuredAt(read(row, 'age_ms'), change.time_ms),
        flow_veh_h: number(read(row, 'flow_veh_h')),
        speed_kmh: number(read(row, 'speed_kmh')),
        occupancy: number(read(row, 'occupancy')),
        flow_pcu_h: number(read(row, 'flow_pcu_h')),
        los: text(read(row, 'los')),
        congestion: text(read(row, 'congestion')),
        devices: number(read(row, 'devices')) ?? 0,
        reporting: number(read(row, 'reporting')) ?? 0,
      });
    }
    for (const key of change.removed) places.delete(key);
    this.places = places;
  };
}
