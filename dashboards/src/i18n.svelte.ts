// Words of the screens, one file of `i18n/` for each page or part. A component imports the parts whose keys
// it uses (`import '../i18n/alarms'`), and they are fetched with it; those of every page are imported
// here. `tests/i18n.test.ts` finds a key whose part is not imported.
// Vietnamese is the source; English must have the same keys, which the compiler checks. A key
// stands in one file only, which a test checks. Texts of the hub travel as codes and are put into
// words here. `locale` is the one place that holds the language and the city's time zone.
import { Format, type Language } from './format';
import './i18n/codes';
import './i18n/reasons';
import './i18n/shell';
import './i18n/strip';
import './i18n/units';
import type * as alarmActions from './i18n/alarmActions';
import type * as alarmPerformance from './i18n/alarmPerformance';
import type * as alarms from './i18n/alarms';
import type * as codes from './i18n/codes';
import type * as desk from './i18n/desk';
import type * as detail from './i18n/detail';
import type * as devicePages from './i18n/device_pages';
import type * as deviceQuality from './i18n/device_quality';
import type * as devices from './i18n/devices';
import type * as health from './i18n/health';
import type * as help from './i18n/help';
import type * as indicators from './i18n/indicators';
import type * as log from './i18n/log';
import type * as palette from './i18n/palette';
import type * as reasons from './i18n/reasons';
import type * as records from './i18n/records';
import type * as replay from './i18n/replay';
import type * as settings from './i18n/settings';
import type * as shell from './i18n/shell';
import type * as sources from './i18n/sources';
import type * as strip from './i18n/strip';
import type * as units from './i18n/units';
import type * as wall from './i18n/wall';
import { dictionaries } from './words';

type Part =
  | typeof alarmActions
  | typeof alarmPerformance
  | typeof alarms
  | typeof codes
  | typeof desk
  | typeof detail
  | typeof devicePages
  | typeof deviceQuality
  | typeof devices
  | typeof health
  | typeof help
  | typeof indicators
  | typeof log
  | typeof palette
  | typeof reasons
  | typeof records
  | typeof replay
  | typeof settings
  | typeof shell
  | typeof sources
  | typeof strip
  | typeof units
  | typeof wall;
type KeyOf<P> = P extends Part ? keyof P['vi'] : never;

/** Every key; that it has a text where it is used is up to the imports there. */
export type Key = KeyOf<Part>;

class Locale {
  language = $state<Language>('vi');
  time_zone = $state('Asia/Ho_Chi_Minh');
  format = $derived(new Format(this.language, this.time_zone));
}

export const locale = new Locale();

/** The text of a key in the current language, with its `{parameters}` filled in. */
export function t(key: Key, parameters: Record<string, string | number> = {}): string {
  return (dictionaries[locale.language][key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name] ?? ''));
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
