// What is chosen on the operations desk, as the search part of its address and back.
import type { ConditionFilter, DeviceFilter } from '../view/deviceOrder';

export type OpsChoice = {
  device: string | null;
  filter: DeviceFilter;
  /** Span of the charts. */
  hours: number;
  /** Instant that is replayed; null for the present. */
  at_ms: number | null;
  /** Where the map opens: longitude and latitude. */
  near: readonly [number, number] | null;
};

const HOURS = [1, 6, 24];
const CONDITIONS = [0, 1, 2, 3, 4] as const;

export function opsChoice(search: string): OpsChoice {
  const asked = new URLSearchParams(search);
  const hours = Number(asked.get('hours'));
  const at_ms = Date.parse(asked.get('at') ?? '');
  const near = (asked.get('near') ?? '').split(',').map(Number);
  const [lon, lat] = near;
  return {
    device: asked.get('device'),
    filter: { text: asked.get('text') ?? '', service: asked.get('service'), condition: condition(asked.get('condition')), place: asked.get('place') },
    hours: HOURS.includes(hours) ? hours : 1,
    at_ms: Number.isNaN(at_ms) ? null : at_ms,
    near: near.length === 2 && lon !== undefined && lat !== undefined && Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? [lon, lat] : null,
  };
}

/** The address of a choice; what is as usual is left out, and what others put there (the language) stays. */
export function opsAddress(choice: OpsChoice, search = location.search): string {
  const wanted = new URLSearchParams(search);
  const keep = (key: string, value: string | null): void => (value === null || value === '' ? wanted.delete(key) : wanted.set(key, value));
  keep('device', choice.device);
  keep('text', choice.filter.text);
  keep('service', choice.filter.service);
  keep('place', choice.filter.place ?? null);
  keep('condition', choice.filter.condition === 'all' ? null : String(choice.filter.condition));
  keep('hours', choice.hours === 1 ? null : String(choice.hours));
  keep('at', choice.at_ms === null ? null : new Date(choice.at_ms).toISOString());
  keep('near', choice.near === null ? null : choice.near.join(','));
  const text = wanted.toString();
  return text === '' ? '/ops' : `/ops?${text}`;
}

function condition(value: string | null): ConditionFilter {
  if (value === 'exceptions') return 'exceptions';
  return CONDITIONS.find((each) => String(each) === value) ?? 'all';
}
