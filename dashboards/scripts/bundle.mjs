// Checks what the hub will serve: compressed sizes against their budgets, no source maps, and no
// address of another host. Run after `npm run build`; exits 1 with every finding.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url).pathname;
const ASSETS = join(DIST, 'assets');
const KIB = 1024;

/** Largest sizes in KiB, gzip for text; `every` sums all matching files. */
const BUDGETS = [
  { name: 'entry script', match: /^index-.*\.js$/, kib: 60 },
  { name: 'map', match: /^MapView-.*\.js$/, kib: 310 },
  { name: 'map worker', match: /^maplibre-gl-worker-.*\.js$/, kib: 155 },
  { name: 'chart', match: /^Trend-.*\.js$/, kib: 30 },
  { name: 'all styles', match: /\.css$/, kib: 20 },
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
function size(file) {
  const bytes = readFileSync(join(ASSETS, file));
  return file.endsWith('.woff2') ? bytes.length : gzipSync(bytes, { level: 9 }).length;
}

for (const { name, match, kib } of BUDGETS) {
  const matching = files.filter((file) => match.test(file));
  const used = matching.reduce((sum, file) => sum + size(file), 0) / KIB;
  // No file at all means that the name has changed and nothing is checked any more.
  report(name, matching.length > 0 && used <= kib, `${used.toFixed(1)} of ${kib} KiB in ${matching.length} files`);
}

const addresses = [];
const maps = files.filter((file) => file.endsWith('.map'));
for (const file of [...files.map((each) => join(ASSETS, each)), join(DIST, 'index.html')]) {
  if (!/\.(js|css|html)$/.test(file)) continue;
  const text = readFileSync(file, 'utf8');
  if (text.includes('sourceMappingURL=')) maps.push(file);
  for (const [address] of text.matchAll(/(?:https?|wss?):\/\/[\w.-]+\.\w+[^\s"'`\\)<>]*/g)) {
    if (!NEVER_FETCHED.some((allowed) => allowed.test(address))) addresses.push(`${address} in ${file}`);
  }
}
report('no source maps', maps.length === 0, maps.join(', '));
report('no address of another host', addresses.length === 0, addresses.join(', '));

const failed = results.filter((passed) => !passed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
