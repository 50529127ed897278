// Equipment of one device over the last day, fetched again every minute.
import { Problem } from '../data/http';
import { fetchEquipment, type Equipment } from '../data/past';

const SPAN_MS = 24 * 3_600_000;
const RENEW_MS = 60_000;

export class EquipmentHistory {
  past = $state.raw<Equipment | null>(null);
  failure = $state<string | null>(null);

  /** Fetches until the returned function is called. */
  follow(id: string, now: () => number, signedOut: () => void): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      const to_ms = now();
      try {
        this.past = await fetchEquipment(id, { from_ms: to_ms - SPAN_MS, to_ms }, abort.signal);
        this.failure = null;
      } catch (cause) {
        if (abort.signal.aborted) return;
        if (cause instanceof Problem && cause.status === 401) signedOut();
        else this.failure = cause instanceof Problem ? cause.code : 'unexpected';
      }
      if (!abort.signal.aborted) timer = setTimeout(() => void load(), RENEW_MS);
    };
    void load();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }
}
