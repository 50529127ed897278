// Browser tests of the dashboards against a running hub with the simulated city.
// Usage: IOC_TEST_URL=… IOC_TEST_USER=… IOC_TEST_PASSWORD=… [IOC_TEST_RESTART='command'] npm run test:browser
// Prints one line per test and ends with "N passed, N failed"; exits 1 when one failed.
import * as desk from './browser/desk.mjs';
import * as loss from './browser/loss.mjs';
import * as reform from './browser/reform.mjs';
import { equal, newRecord, openPage, settings, signIn, withBrowser } from './browser/stage.mjs';

const results = [];
const record = newRecord();

async function test(name, run) {
  const started = Date.now();
  try {
    const detail = await run();
    results.push(true);
    console.log(`ok   ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)${detail ? `: ${detail}` : ''}`);
  } catch (error) {
    results.push(false);
    console.log(`FAIL ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Runs `use` on a page of its own, so that routes and scripts of one test do not reach the next. */
async function onPage(context, use) {
  const page = await openPage(context, record);
  try {
    return await use(page);
  } finally {
    await page.close();
  }
}

async function wholeRun(context) {
  const on = (use) => () => onPage(context, use);
  record.expected = (text) => /401/.test(text);
  await test('login: a wrong password is refused in words', on(desk.wrongPassword));
  await test('login: accessible', on(async (page) => {
    await page.goto(`${settings.url}/login?lang=vi`);
    return desk.accessibility(page, 'login');
  }));
  record.expected = () => false;
  let signed_in = false;
  await test('login: the right password opens the desk', on(async (page) => {
    await signIn(page);
    signed_in = true;
  }));
  if (!signed_in) return;
  await test('desk: WebGL2 is present', on(desk.webgl));
  await test('desk: in Vietnamese', on((page) => desk.words(page, 'vi')));
  await test('desk: in English', on((page) => desk.words(page, 'en')));
  await test('desk: the map is drawn', on(async (page) => {
    await desk.words(page, 'vi');
    return desk.map(page);
  }));
  await test('desk: first live value', on(desk.firstValue));
  await test('desk: values change by themselves', on(async (page) => {
    await desk.words(page, 'vi');
    return desk.liveValues(page);
  }));
  await test('desk: live latency with map', on(desk.latency));
  await test('desk: service desk and source health', on(desk.figures));
  await test('desk: the data sources hide no column', on(desk.sourceColumns));
  await test('desk: details and trend of each kind of device', on(desk.details));
  await test('list: works by keyboard', on(desk.keyboard));
  await test('list: search without accents', on(async (page) => {
    await desk.words(page, 'vi');
    return desk.search(page);
  }));
  await test('map and list share the selection', on(desk.selection));
  await test('language switch', on(desk.language));
  for (const language of ['vi', 'en']) {
    await test(`desk: accessible (${language})`, on(async (page) => {
      await desk.words(page, language);
      await desk.map(page);
      return desk.accessibility(page, `desk ${language}`);
    }));
  }
  await test('desk: fits its screens', on(desk.sizes));
  for (const path of ['/1022', '/reform']) {
    for (const language of ['vi', 'en']) {
      await test(`${path}: words, sizes, accessible (${language})`, on((page) => reform.shown(page, path, language)));
    }
  }
  await test('/reform: from a figure to its records', on(reform.records));
  await test('/reform: every view, by keyboard', on(reform.views));
  await test('link: a cut shows within a second and heals', on(loss.cut));
  await test('link: a lost frame is noticed and counted', on(loss.gap));
  if (settings.restart !== '') {
    await test('link: a restart of the hub heals', on((page) => loss.restart(page, record)));
  }
  await test('session: signing out closes the desk', on((page) => loss.signOut(page, record)));
  // Refused requests may be reported until the page is closed.
  record.expected = () => false;
}

await withBrowser(wholeRun);
await withBrowser(
  (context) =>
    test('desk: a drawing where WebGL is missing', () =>
      onPage(context, async (page) => {
        await signIn(page);
        return desk.withoutWebGl(page);
      })),
  { webgl: false },
);
await test('no message of the content security policy', () => equal(record.policy.join('\n'), '', 'policy'));
await test('no request to another host', () => equal(record.foreign.join('\n'), '', 'requests'));
await test('no error on any console', () => equal(record.errors.join('\n'), '', 'errors'));

const failed = results.filter((passed) => !passed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
