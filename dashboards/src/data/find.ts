// The search of the command palette: words in any order, without accents, over everything that has a
// name. Pure and quick enough for tens of thousands of entries at each key press.
import { folded } from '../format';

export type Kind = 'page' | 'view' | 'device' | 'place' | 'ticket';
export type Entry = {
  kind: Kind;
  /** Unique within its kind. */
  id: string;
  name: string;
  /** What else tells it apart: id, kind of device, unit. */
  note: string;
  /** Everything that is searched, folded. */
  folded: string;
  /** Address that it opens. */
  path: string;
};

export function entry(kind: Kind, id: string, name: string, note: string, path: string, also = ''): Entry {
  return { kind, id, name, note, path, folded: folded(`${name} ${note} ${id} ${also}`) };
}

/** What comes first among equally good finds. */
const ORDER: readonly Kind[] = ['page', 'view', 'device', 'place', 'ticket'];

/** The best `most` entries that hold every word of the text; screens and saved views where there is no text. */
export function find(entries: readonly Entry[], text: string, most: number): Entry[] {
  const words = folded(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries.filter((each) => each.kind === 'page' || each.kind === 'view').slice(0, most);
  const found: { entry: Entry; score: number }[] = [];
  for (const each of entries) {
    const score = scored(each.folded, words);
    if (score !== null) found.push({ entry: each, score: score * 10 - ORDER.indexOf(each.kind) });
  }
  found.sort((a, b) => b.score - a.score || a.entry.name.length - b.entry.name.length || (a.entry.name < b.entry.name ? -1 : 1));
  return found.slice(0, most).map((each) => each.entry);
}

/** Two points for a word that begins the text, one that begins a word, none inside; null where one is missing. */
function scored(text: string, words: readonly string[]): number | null {
  let score = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return null;
    if (at === 0) score += 2;
    else if (text.includes(` ${word}`)) score += 1;
  }
  return score;
}
