// Pictures of every page for the README, from a running hub: screenshots/NAME-LANGUAGE.png, with a palette,
// which keeps all of them together at about 4 MB. The wall is made view by view.
// Takes the same environment as the browser tests; names as arguments make only those.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '../tests/browser/png.mjs';
import { newRecord, openPage, settings, signIn, until, withBrowser } from '../tests/browser/stage.mjs';

const FOLDER = new URL('../screenshots/', import.meta.url).pathname;
/** Time for labels, charts and the first ages to settle. */
const SETTLE_MS = 4_000;
const READY_MS = 60_000;
const DESK = [1920, 1080];
/** The wall's own shape in a quarter of its width: the same layout in a file that can be looked at. */
const WALL = [1920, 810];
const VIEWS = ['overview', 'traffic', 'service', 'alarms'];
const MADE_BY = 'ioc-hub screenshots';

/** Places in the addresses that the hub's own devices fill. */
const PICTURES = [
  { name: 'login', path: '/login', size: DESK, ready: '[name=password]', signed_out: true },
  { name: 'desk', path: '/ops', size: DESK, ready: '.map.ready' },
  { name: 'desk-light', path: '/ops?theme=light', size: DESK, ready: '.map.ready' },
  { name: 'alarms', path: '/alarms', size: DESK, ready: '#alarm-grid' },
  { name: 'alarm-performance', path: '/alarms/kpi', size: DESK, ready: '[data-figure=rate_10min_mean]' },
  { name: 'service-desk', path: '/1022', size: DESK, ready: 'article[data-indicator=C01] .figure b' },
  { name: 'reform', path: '/reform', size: DESK, ready: '[data-test=card-766] tbody tr' },
  { name: 'signal', path: '/d/signal/{signal}', size: DESK, ready: '[data-test=signal-now] tbody tr' },
  { name: 'station', path: '/d/vds/{vds}', size: DESK, ready: '[data-test=lanes] tbody tr' },
  { name: 'camera', path: '/d/cctv/{cctv}', size: DESK, ready: '[data-test=still] img' },
  { name: 'cabinet', path: '/d/cabinet/{cabinet}', size: DESK, ready: '[data-test=equipment-past] svg' },
  { name: 'corridor', path: '/corridor/{corridor}', size: DESK, ready: '[data-test=contour]' },
  { name: 'cameras', path: '/cctv', size: DESK, ready: '[data-test=still] img' },
  { name: 'health', path: '/health?source={vds}', size: DESK, ready: '#source-grid [role=row][aria-selected]' },
  { name: 'log', path: '/log', size: DESK, ready: '#journal-grid' },
  { name: 'settings', path: '/settings', size: DESK, ready: '[data-display]' },
  ...VIEWS.map((view) => ({ name: `wall-${view}`, path: '/wall/ioc-wall', size: WALL, ready: `main[data-view=${view}]`, view })),
];

const names = process.argv.slice(2);
const unknown = names.filter((name) => !PICTURES.some((picture) => picture.name === name));
if (unknown.length > 0) {
  console.error(`no picture ${unknown.join(', ')}; there are ${PICTURES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const wanted = PICTURES.filter(({ name }) => names.length === 0 || names.includes(name));
mkdirSync(FOLDER, { recursive: true });

let bytes = 0;
await withBrowser(async (context) => {
  const page = await openPage(context, newRecord());
  for (const picture of wanted.filter(({ signed_out }) => signed_out === true)) await both(page, picture, (path) => path);
  await signIn(page);
  const found = await subjects(page);
  const fill = (path) => path.replace(/\{(\w+)\}/g, (_whole, noun) => found[noun]);
  for (const picture of wanted.filter(({ signed_out }) => signed_out !== true)) {
    if (picture.view !== undefined) await ask(page, 'PUT', 'displays/ioc-wall/view', { view: picture.view, minutes: 5 });
    await both(page, picture, fill);
    if (picture.view !== undefined) await ask(page, 'DELETE', 'displays/ioc-wall/view');
  }
});
console.log(`${(bytes / 1e6).toFixed(1)} MB`);

async function both(page, { name, path, size, ready, signed_out }, fill) {
  const [width, height] = size;
  await page.setViewportSize({ width, height });
  for (const language of ['vi', 'en']) {
    await page.goto(`${settings.url}${fill(path)}${path.includes('?') ? '&' : '?'}lang=${language}`);
    if (signed_out !== true) await page.waitForSelector('[data-test=link].live', { timeout: READY_MS });
    await page.waitForSelector(ready, { timeout: READY_MS });
    await page.waitForTimeout(SETTLE_MS);
    const png = encode(decode(await page.screenshot()), MADE_BY);
    const file = join(FOLDER, `${name}-${language}.png`);
    writeFileSync(file, png);
    bytes += png.length;
    console.log(`${file} ${(png.length / 1024).toFixed(0)} KB`);
  }
}

function ask(page, method, path, body) {
  return page.evaluate(
    async ([verb, of, sent]) => {
      const answer = await fetch(`/api/v1/${of}`, { method: verb, headers: { 'content-type': 'application/json' }, ...(sent !== null && { body: JSON.stringify(sent) }) });
      if (!answer.ok) throw new Error(`${verb} ${of}: ${answer.status}`);
      return verb === 'GET' ? answer.json() : null;
    },
    [method, path, body ?? null],
  );
}

/**
 * A device of each kind that reports, the signal one that runs a cycle (at night some flash), the station on the
 * corridor with most stations, and that corridor.
 */
function subjects(page) {
  return until(
    'a device of each kind that reports',
    async () => {
      const { items } = await ask(page, 'GET', 'devices?limit=10000');
      const counts = new Map();
      for (const { corridor, service } of items) if (corridor !== null && service === 'vds') counts.set(corridor, (counts.get(corridor) ?? 0) + 1);
      const corridor = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
      const first = (service, fits = () => true) => items.find((each) => each.service === service && each.condition === 1 && fits(each))?.id;
      const { devices: states } = await ask(page, 'GET', `state?at=${encodeURIComponent(new Date(Date.now() - 1_000).toISOString())}`);
      const cycling = new Set(states.filter((each) => each.signal?.mode === 'coordinated').map((each) => each.id));
      const found = { signal: first('signal', (each) => cycling.has(each.id)), vds: first('vds', (each) => each.corridor === corridor), cctv: first('cctv'), cabinet: first('cabinet'), corridor };
      return Object.values(found).includes(undefined) ? null : found;
    },
    READY_MS,
  );
}
