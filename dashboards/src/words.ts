// The words that have been loaded, in both languages. A file of `i18n/` adds its own when it is imported,
// so that words come with the page that uses them.
import type { Language } from './format';

export type Words = Readonly<Record<string, string>>;

/** Text of every key that has been added. */
export const dictionaries: Readonly<Record<Language, Record<string, string>>> = { vi: {}, en: {} };

/** Adds the words of a part, before anything that imports it is drawn. */
export function addWords(part: Readonly<Record<Language, Words>>): void {
  Object.assign(dictionaries.vi, part.vi);
  Object.assign(dictionaries.en, part.en);
}
