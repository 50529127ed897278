// The one place that turns numbers and times into text, in the reader's language and the city's zone.

export type Language = 'vi' | 'en';

/** What stands where there is no value. */
export const NO_VALUE = '–';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
const UNITS = {
  vi: { s: 'giây', min: 'phút', h: 'giờ', d: 'ngày' },
  en: { s: 's', min: 'min', h: 'h', d: 'd' },
} as const;

export class Format {
  readonly language: Language;
  readonly time_zone: string;
  readonly #locale: string;
  readonly #numbers = new Map<number, Intl.NumberFormat>();
  readonly #clock: Intl.DateTimeFormat;
  readonly #minute: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #stamp: Intl.DateTimeFormat;
  readonly #civil: Intl.DateTimeFormat;
  readonly #short: Intl.DateTimeFormat;

  constructor(language: Language, time_zone: string) {
    this.language = language;
    this.time_zone = time_zone;
    this.#locale = language === 'vi' ? 'vi-VN' : 'en-GB';
    const minute = { timeZone: time_zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    this.#minute = new Intl.DateTimeFormat(this.#locale, minute);
    this.#clock = new Intl.DateTimeFormat(this.#locale, { ...minute, second: '2-digit' });
    // The Swedish order of a date is that of ISO 8601.
    this.#civil = new Intl.DateTimeFormat('sv-SE', { timeZone: time_zone });
    this.#short = new Intl.DateTimeFormat('en-GB', { timeZone: time_zone, day: '2-digit', month: '2-digit' });
    this.#stamp = new Intl.DateTimeFormat('en-GB', { ...minute, day: '2-digit', month: '2-digit', year: 'numeric' });
    this.#day = new Intl.DateTimeFormat(this.#locale, {
      timeZone: time_zone,
      weekday: 'long',
      day: '2-digit',
      month: '2-digit',
      year: 'numeric',
    });
  }

  /** A number with that many decimals; null is a dash. */
  number(value: number | null, decimals = 0): string {
    if (value === null) return NO_VALUE;
    let format = this.#numbers.get(decimals);
    if (format === undefined) {
      format = new Intl.NumberFormat(this.#locale, {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
      });
      this.#numbers.set(decimals, format);
    }
    // Minus zero would be shown as "-0".
    return format.format(Math.abs(value) < 0.5 / 10 ** decimals ? 0 : value);
  }

  /** A share 0..1 as percent, for example `18,3 %`. */
  share(value: number | null, decimals = 0): string {
    if (value === null) return NO_VALUE;
    const number = this.number(value * 100, decimals);
    return this.language === 'vi' ? `${number} %` : `${number}%`;
  }

  /** Hours, minutes and seconds of an instant (ms since 1970). */
  clock(ms: number): string {
    return this.#clock.format(ms);
  }

  /** Hours and minutes of an instant. */
  minute(ms: number): string {
    return this.#minute.format(ms);
  }

  /** Civil date of an instant in the city. */
  date(ms: number): { year: number; month: number; day: number } {
    const [year = 0, month = 0, day = 0] = this.#civil.format(ms).split('-').map(Number);
    return { year, month, day };
  }

  /** Weekday and date of an instant. */
  day(ms: number): string {
    return this.#day.format(ms);
  }

  /** Date and time to the second. */
  moment(ms: number): string {
    return `${this.clock(ms)}, ${this.day(ms)}`;
  }

  /** Short date and time of a record: `22/11/2026 08:15`. */
  stamp(ms: number): string {
    return this.#stamp.format(ms);
  }

  /** Civil date and time of an instant in the order of ISO 8601: `2026-11-22T08:15`. */
  field(ms: number): string {
    return `${this.#civil.format(ms)}T${this.minute(ms)}`;
  }

  /** The instant that a person means by `22/11/2026 08:15` in the city's zone; null when it is none. */
  fromStamp(text: string): number | null {
    const [, day = '', month = '', year = '', hour = '', minute = ''] = /^\s*(\d{1,2})\/(\d{1,2})\/(\d{4}),?\s+(\d{1,2}):(\d{2})\s*$/.exec(text) ?? [];
    const two = (part: string): string => part.padStart(2, '0');
    return this.fromField(`${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}`);
  }

  /** The instant of `2026-11-22T08:15` in the city's zone; null when it is none. */
  fromField(text: string): number | null {
    const wanted = Date.parse(`${text}Z`);
    if (Number.isNaN(wanted)) return null;
    // The zone's offset is that of the instant itself, which the second step finds.
    let ms = wanted;
    for (let step = 0; step < 2; step += 1) ms += wanted - Date.parse(`${this.field(ms)}Z`);
    return ms;
  }

  /** Short date and time without seconds for the axis of a chart: hours, or the day where one begins. */
  tick(ms: number, span_ms: number): string {
    if (span_ms > 2 * DAY_S * 1000) return this.#short.format(ms);
    return span_ms < 10 * MINUTE_S * 1000 ? this.clock(ms) : this.minute(ms);
  }

  /** An age or duration in its largest unit, rounded down: `4 giây`, `12 phút`, `3 giờ`, `2 ngày`. */
  age(ms: number): string {
    const s = Math.max(0, Math.floor(ms / 1000));
    const unit = UNITS[this.language];
    if (s < MINUTE_S) return `${s} ${unit.s}`;
    if (s < HOUR_S) return `${Math.floor(s / MINUTE_S)} ${unit.min}`;
    if (s < DAY_S) return `${Math.floor(s / HOUR_S)} ${unit.h}`;
    return `${this.number(Math.floor(s / DAY_S))} ${unit.d}`;
  }

  /** A duration that is watched while it grows: `0:07`, `12:30`, `1:02:03`. */
  stopwatch(ms: number): string {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (value: number): string => String(value).padStart(2, '0');
    const hours = Math.floor(s / HOUR_S);
    const minutes = Math.floor((s % HOUR_S) / MINUTE_S);
    return hours === 0 ? `${minutes}:${two(s % 60)}` : `${hours}:${two(minutes)}:${two(s % 60)}`;
  }

  /** Short name of the zone: ICT for Indochina, else what the browser calls it. */
  zone(ms: number): string {
    if (this.time_zone === 'Asia/Ho_Chi_Minh') return 'ICT';
    const parts = new Intl.DateTimeFormat('en-GB', { timeZone: this.time_zone, timeZoneName: 'short' });
    return parts.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value ?? this.time_zone;
  }

  /** Comparison of names in the order of the reader's alphabet. */
  collator(): Intl.Collator {
    return new Intl.Collator(this.#locale, { numeric: true });
  }
}

/** Lower case without accents, for a search that does not need them: `Đường Ông` is found by `duong ong`. */
export function folded(value: string): string {
  return value
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase();
}
