// Figures of the service desk: rows of the live topic `desk` by name.
// Plain figures by key, and the share of each channel; values that never came are absent, not zero.
import { number } from './narrow';
import { cells, measuredAt } from './rows';
import type { Change } from './live';

export type Figure = { value: number | null; measured_at_ms: number | null };

const CHANNEL = 'channel:';

export class Desk {
  figures = $state.raw<ReadonlyMap<string, Figure>>(new Map());
  channels = $derived(
    [...this.figures]
      .filter(([key]) => key.startsWith(CHANNEL))
      .map(([key, figure]) => ({ channel: key.slice(CHANNEL.length), ...figure }))
      .sort((a, b) => (b.value ?? 0) - (a.value ?? 0) || a.channel.localeCompare(b.channel)),
  );
  #read = cells<'value' | 'age_ms'>([]);

  apply = (change: Change): void => {
    if (change.kind === 'replaced') this.#read = cells(change.columns);
    const figures = new Map(change.kind === 'replaced' ? [] : this.figures);
    for (const row of change.rows) {
      figures.set(String(row[0]), {
        value: number(this.#read(row, 'value')),
        measured_at_ms: measuredAt(this.#read(row, 'age_ms'), change.time_ms),
      });
    }
    for (const key of change.removed) figures.delete(key);
    this.figures = figures;
  };
}
