// Words of the screens, one file of `i18n/` for each page or part; a new one is named in `PARTS`.
// Vietnamese is the source; English must have the same keys, which the compiler checks. A key
// stands in one file only, which a test checks. Texts of the hub travel as codes and are put into
// words here. `locale` is the one place that holds the language and the city's time zone.
import { Format, type Language } from './format';
import * as desk from './i18n/desk';
import * as detail from './i18n/detail';
import * as devices from './i18n/devices';
import * as indicators from './i18n/indicators';
import * as records from './i18n/records';
import * as shell from './i18n/shell';
import * as sources from './i18n/sources';
import * as units from './i18n/units';

/** Every part of the words. */
export const PARTS = [
  shell,
  units,
  devices,
  detail,
  desk,
  sources,
  indicators,
  records,
] as const;

type Part = (typeof PARTS)[number];
type KeyOf<P> = P extends Part ? keyof P['vi'] : never;

export type Key = KeyOf<Part>;

function merged(language: Language): Readonly<Record<Key, string>> {
  return Object.assign({}, ...PARTS.map((part) => part[language]));
}

const dictionaries = { vi: merged('vi'), en: merged('en') } as const;

class Locale {
  language = $state<Language>('vi');
  time_zone = $state('Asia/Ho_Chi_Minh');
  format = $derived(new Format(this.language, this.time_zone));
}

export const locale = new Locale();

/** The text of a key in the current language, with its `{parameters}` filled in. */
export function t(key: Key, parameters: Record<string, string | number> = {}): string {
  return dictionaries[locale.language][key].replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name] ?? ''));
}

/** The text of a code that the hub sent, for example `why` + `flash.automatic`; the code itself if it has no text. */
export function coded(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return isKey(key) ? t(key) : code;
}

/** The name in the current language. */
export function named(name: { vi: string; en: string }): string {
  return name[locale.language];
}

function isKey(key: string): key is Key {
  return Object.hasOwn(dictionaries.vi, key);
}
