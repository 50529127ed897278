// Quality of the samples of one device, fetched again every half minute.
import { Problem } from '../data/http';
import { fetchQuality } from '../data/quality';
import type { DeviceQuality } from '../data/wire/api';

const RENEW_MS = 30_000;

export class DetectorQuality {
  found = $state.raw<{ quality: DeviceQuality; at_ms: number } | null>(null);
  failure = $state<string | null>(null);

  /** Fetches until the returned function is called. */
  follow(id: string, now: () => number, signedOut: () => void): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        this.found = { quality: await fetchQuality(id, abort.signal), at_ms: now() };
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
