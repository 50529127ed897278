// A key that is used has words there: the file imports the part that holds it.
import { describe, expect, it } from 'vitest';

type Part = { vi: Record<string, string> };
const PARTS = import.meta.glob<Part>('../src/i18n/*.ts', { eager: true });
const SOURCES = import.meta.glob<string>(['../src/**/*.{ts,svelte}', '!../src/i18n/*.ts', '!../src/data/wire/*.ts'], {
  eager: true,
  query: '?raw',
  import: 'default',
});
const ENTRY = '../src/i18n.svelte.ts';

/** Which part holds a key. */
const part_of = new Map(Object.entries(PARTS).flatMap(([path, part]) => Object.keys(part.vi).map((key) => [key, name(path)] as const)));
const everywhere = imported(SOURCES[ENTRY] ?? '');

function name(path: string): string {
  return path.replace(/^.*\/|\.ts$/g, '');
}
/** The parts that a source imports for what they do, not for their types. */
function imported(source: string): Set<string> {
  return new Set([...source.matchAll(/^\s*import '[./]*\/i18n\/(\w+)';$/gm)].flatMap((found) => found[1] ?? []));
}
/** Parts of the keys that a source names: whole ones, and those of `coded('why', …)` or `priority.${n}` by their start. */
function used(source: string): Set<string> {
  const whole = [...source.matchAll(/['"`]([\w.-]+)['"`]/g)].flatMap((found) => part_of.get(found[1] ?? '') ?? []);
  const starts = [...source.matchAll(/coded\('([\w.]+)'|`([a-z]\w*\.[\w.]*)\$\{/g)].map((found) => found[2] ?? `${found[1] ?? ''}.`);
  const begun = starts.flatMap((start) => [...part_of].flatMap(([key, part]) => (key.startsWith(start) ? part : [])));
  return new Set([...whole, ...begun]);
}

describe('words of a component', () => {
  it('come with it, by an import of every part that it uses', () => {
    const missing = Object.entries(SOURCES).flatMap(([path, source]) => {
      const own = imported(source);
      return [...used(source)].filter((part) => !own.has(part) && !everywhere.has(part)).map((part) => `${path}: import i18n/${part}`);
    });
    expect(missing).toEqual([]);
    expect(everywhere.size).toBeGreaterThan(0);
  });

  it('are imported only where they are used', () => {
    const idle = Object.entries(SOURCES).flatMap(([path, source]) =>
      path === ENTRY ? [] : [...imported(source)].filter((part) => !used(source).has(part)).map((part) => `${path}: ${part}`),
    );
    expect(idle).toEqual([]);
  });

  it('starts with an entry that some codes have, wherever the hub’s codes are put into words', () => {
    const starts = Object.entries(SOURCES).flatMap(([path, source]) =>
      [...source.matchAll(/coded\('([\w.]+)'/g)].map((found) => ({ path, start: `${found[1] ?? ''}.` })),
    );
    expect(starts.filter(({ start }) => ![...part_of.keys()].some((key) => key.startsWith(start)))).toEqual([]);
  });
});
