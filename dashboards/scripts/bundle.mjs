// Checks what the hub will serve: compressed sizes against their budgets, no source maps, and no
// address of another host. Run after `npm run build`; exits 1 with every finding.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url).pathname;
const ASSETS = join(DIST, 'assets');
const KIB = 1024;

/** Largest sizes in KiB, gzip for text, of the files that `match` finds or `of` names, together. */
const BUDGETS = [
  // What is fetched before anything is drawn: the script of index.html with everything that it imports.
  { name: 'entry script', of: () => withImports(entry()), kib: 60 },
  // Beside it what the first page brings.
  { name: 'operations desk', of: () => beside(/^desk-.*\.js$/, withImports(entry())), kib: 50 },
  // MapLibre stands beside the style that both maps share.
  { name: 'map', match: /^(MapView|TicketMap|style)-.*\.js$/, kib: 310 },
  { name: 'map worker', match: /^maplibre-gl-worker-.*\.js$/, kib: 155 },
  { name: 'chart', of: () => beside(/^Trend-.*\.js$/, withImports(file(/^desk-.*\.js$/))), kib: 30 },
  // Every other page brings its own, a few KiB, when it is opened.
  { name: 'styles of the first page', match: /^(main|desk|MapView|style)-.*\.css$/, kib: 20 },
  { name: 'all fonts', match: /\.woff2$/, kib: 150 },
];
/** Addresses that stand in the code but are never fetched: namespaces, licences, texts of error messages. */
const NEVER_FETCHED = [
  /^http:\/\/www\.w3\.org\//,
  /^https:\/\/svelte\.dev\/e\//,
  /^https:\/\/maplibre\.(org|invalid)\//,
  /^https:\/\/github\.com\/(mapbox\/mapbox-gl-js\/issues|maplibre\/maplibre-gl-js\/blob)\//,
  /^https:\/\/wiki\.openstreetmap\.org\/wiki\/This_map_requires_WebGL$/,
];

const results = [];
function report(name, passed, detail) {
  results.push(passed);
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name}${detail === '' ? '' : `: ${detail}`}`);
}

const files = readdirSync(ASSETS);
function size(name) {
  const bytes = readFileSync(join(ASSETS, name));
  return name.endsWith('.woff2') ? bytes.length : gzipSync(bytes, { level: 9 }).length;
}

/** The one file of this name; a missing one fails below as a budget of no files. */
function file(name) {
  return files.find((each) => name.test(each)) ?? '';
}
/** The script that index.html starts. */
function entry() {
  const page = readFileSync(join(DIST, 'index.html'), 'utf8');
  return page.match(/<script type="module"[^>]* src="\/assets\/([^"]+)"/)?.[1] ?? '';
}
/** A script and all that it imports by itself, not by `import()`, at any depth. */
function withImports(script, seen = new Set()) {
  if (script === '' || seen.has(script)) return [...seen];
  seen.add(script);
  const text = readFileSync(join(ASSETS, script), 'utf8');
  for (const [, next] of text.matchAll(/(?:\bfrom|\bimport)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) withImports(next, seen);
  return [...seen];
}
/** The same without what has been fetched before. */
function beside(name, before) {
  return withImports(file(name)).filter((each) => !before.includes(each));
}

for (const { name, match, of, kib } of BUDGETS) {
  const matching = of === undefined ? files.filter((each) => match.test(each)) : of();
  const used = matching.reduce((sum, each) => sum + size(each), 0) / KIB;
  // No file at all means that the name has changed and nothing is checked any more.
  report(name, matching.length > 0 && used <= kib, `${used.toFixed(1)} of ${kib} KiB in ${matching.length} files`);
}

const addresses = [];
const maps = files.filter((each) => each.endsWith('.map'));
for (const path of [...files.map((each) => join(ASSETS, each)), join(DIST, 'index.html')]) {
  if (!/\.(js|css|html)$/.test(path)) continue;
  const text = readFileSync(path, 'utf8');
  if (text.includes('sourceMappingURL=')) maps.push(path);
  for (const [address] of text.matchAll(/(?:https?|wss?):\/\/[\w.-]+\.\w+[^\s"'`\\)<>]*/g)) {
    if (!NEVER_FETCHED.some((allowed) => allowed.test(address))) addresses.push(`${address} in ${path}`);
  }
}
report('no source maps', maps.length === 0, maps.join(', '));
report('no address of another host', addresses.length === 0, addresses.join(', '));

const failed = results.filter((passed) => !passed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
