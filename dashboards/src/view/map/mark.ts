// What a schematic map draws at a place: its symbol and its name.
import type { Alarm } from '../../data/alarms.svelte';
import type { Condition } from '../../data/wire/live';

export type Mark = {
  readonly id: string;
  readonly lon: number;
  readonly lat: number;
  readonly condition: Condition;
  readonly name: string;
  /** The most urgent alarm of what stands there; left out or null where there is none. */
  readonly alarm?: Pick<Alarm, 'priority' | 'state'> | null;
};
