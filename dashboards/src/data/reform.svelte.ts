// Headline indicators of the whole city as they change: rows of the live topic `reform`, keyed by
// indicator and period (`A01/day`). A figure that never came is absent, not zero.
import type { Change } from './live';
import { number, text } from './narrow';
import { cells, measuredAt } from './rows';

export type LiveFigure = {
  value: number | null;
  numerator: number | null;
  denominator: number | null;
  status: string;
  measured_at_ms: number | null;
};

export class Reform {
  figures = $state.raw<ReadonlyMap<string, LiveFigure>>(new Map());
  #read = cells<'age_ms' | 'value' | 'numerator' | 'denominator' | 'status'>([]);

  apply = (change: Change): void => {
    if (change.kind === 'replaced') this.#read = cells(change.columns);
    const figures = new Map(change.kind === 'replaced' ? [] : this.figures);
    for (const row of change.rows) {
      figures.set(String(row[0]), {
        value: number(this.#read(row, 'value')),
        numerator: number(this.#read(row, 'numerator')),
        denominator: number(this.#read(row, 'denominator')),
        status: text(this.#read(row, 'status')) ?? 'ok',
        measured_at_ms: measuredAt(this.#read(row, 'age_ms'), change.time_ms),
      });
    }
    for (const key of change.removed) figures.delete(key);
    this.figures = figures;
  };
}
