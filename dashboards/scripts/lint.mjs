// House rules of the dashboards that no other tool checks, as patterns over the sources.
// Prints every breach with file and line; exits 1 when there is one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = new URL('../src/', import.meta.url).pathname;
const LINES_MAX = 400;
/** What the hub's tests generate. */
const LONG = ['data/wire/api.ts'];

const RULES = [
  { name: 'no literal style attribute (the content security policy forbids it)', match: /\sstyle="/, files: /\.svelte$/ },
  { name: 'no any', match: /(:|<|\bas)\s*any\b/, files: /\.(ts|svelte)$/ },
  { name: 'no switched-off check', match: /@ts-(ignore|expect-error|nocheck)/, files: /\.(ts|svelte)$/ },
  { name: 'no non-null assertion', match: /[\w)\]]!(\.|\[|;|,|\))/, files: /\.(ts|svelte)$/ },
  { name: 'no HTML from strings', match: /\{@html|innerHTML/, files: /\.(ts|svelte)$/ },
  {
    name: 'alarm colours only where an exception is drawn',
    match: /--p[1-4]\b|'p[1-4]'/,
    files: /\.(ts|svelte)$/,
    except: [
      'view/shapes.ts',
      'view/AlarmSymbol.svelte',
      'view/Banner.svelte',
      'view/map/SchematicSvg.svelte',
      'view/wall/WallMap.svelte',
    ],
  },
  { name: 'colours are tokens', match: /#[0-9a-f]{3,8}\b(?!['"]?\))/i, files: /\.svelte$/, within: /:\s*#/ },
  { name: 'no gradient, shadow or animation', match: /gradient\(|(box|text)-shadow|animation|transition:/, files: /\.(css|svelte)$/ },
  { name: 'local time only in format.ts', match: /toLocale\w*String|Intl\./, files: /\.(ts|svelte)$/, except: ['format.ts', 'view/deviceOrder.ts'] },
  { name: 'views fetch nothing', match: /data\/(http|live|hub)|\bfetch\(/, files: /^view\// },
];

const breaches = [];
for (const name of readdirSync(SOURCES, { recursive: true })) {
  if (!/\.(ts|svelte|css)$/.test(name)) continue;
  const lines = readFileSync(join(SOURCES, name), 'utf8').split('\n');
  if (lines.length > LINES_MAX && !LONG.includes(name)) breaches.push(`${name}: ${lines.length} lines, at most ${LINES_MAX}`);
  for (const rule of RULES) {
    if (!rule.files.test(name) || rule.except?.includes(name)) continue;
    lines.forEach((line, index) => {
      if (rule.match.test(line) && (rule.within?.test(line) ?? true)) breaches.push(`${name}:${index + 1}: ${rule.name}: ${line.trim()}`);
    });
  }
}
for (const breach of breaches) console.error(breach);
console.log(breaches.length === 0 ? 'lint: no breach' : `lint: ${breaches.length} breaches`);
process.exit(breaches.length === 0 ? 0 : 1);
