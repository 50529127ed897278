// Browser tests of the dashboards against a running hub with the simulated city.
// Usage: IOC_TEST_URL=… IOC_TEST_USER=… IOC_TEST_PASSWORD=… [IOC_TEST_RESTART='command'] npm run test:browser
// Prints one line per test and ends with "N passed, N failed"; exits 1 when one failed.
import * as alarms from './browser/alarms.mjs';
import * as desk from './browser/desk.mjs';
import * as devices from './browser/devices.mjs';
import * as loss from './browser/loss.mjs';
import * as pages from './browser/pages.mjs';
import { covered, readRecording } from './browser/recording.mjs';
import * as reform from './browser/reform.mjs';
import { finish, onPage, record, test } from './browser/runner.mjs';
import { settings, signIn, withBrowser } from './browser/stage.mjs';

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
  await test('/1022: open requests on map and list, one by one', on(reform.openRequests));
  await test('/1022 and /reform: on paper', on(reform.paper));
  for (const language of ['vi', 'en']) {
    for (const service of ['signal', 'vds', 'cctv', 'cabinet']) {
      await test(`/d/${service}: words, sizes, accessible (${language})`, on((page) => devices.shown(page, service, language)));
    }
    await test(`/corridor: order, contour, accessible (${language})`, on((page) => devices.corridor(page, language)));
    record.expected = (text) => /504/.test(text);
    await test(`/cctv: pictures, ages, accessible (${language})`, on((page) => devices.cameras(page, language)));
    record.expected = () => false;
  }
  await test('/d/signal: moves, looks back', on(devices.signal));
  await test('/d/vds: zoom, comparison, address', on(devices.series));
  await test('/d/vds: a million points', on(devices.million));
  await test('any device from the desk by keyboard', on(devices.ways));
  for (const language of ['vi', 'en']) {
    await test(`/alarms: words, sizes, accessible (${language})`, on((page) => alarms.shown(page, language)));
  }
  await test('alarms: counts of the hub on every page', on(alarms.everywhere));
  await test('/alarms: works by keyboard', on(alarms.keyboard));
  await test('/alarms: acknowledge, from key to row', on(alarms.acknowledge));
  await test('/alarms: order held under the pointer', on(alarms.frozen));
  await test('/alarms: nothing changes before the hub says so', on((page) => alarms.pending(page, record)));
  await test('/alarms: two operators at once', on((page) => alarms.conflict(page, record)));
  await test('/alarms: shelve and unshelve', on(alarms.shelve));
  await test('/alarms: a flood is grouped', on(alarms.flood));
  await test('alarms: only the critical unacknowledged ones blink', on(alarms.blink));
  await test('alarms: sound and silence', on(alarms.sound));
  await test('alarms: announcements', on(alarms.announced));
  await test('alarms: on the devices of the desk', on(alarms.devices));
  for (const language of ['vi', 'en']) {
    await test(`/alarms/kpi: figures and journal (${language})`, on((page) => alarms.performance(page, language)));
  }
  for (const path of ['/health', '/log', '/settings']) {
    for (const language of ['vi', 'en']) {
      await test(`${path}: words, sizes, accessible (${language})`, on((page) => pages.shown(page, path, language)));
    }
  }
  await test('/health: from a source to its raw messages, by keyboard', on(pages.source));
  await test('/health: parts of the hub and of this page', on(pages.hubParts));
  // On the pixels of a wall in the long run.
  for (const language of ['vi', 'en']) {
    await test(`wall: cells and text at 1920x810 (${language})`, on((page) => pages.wall(page, language, [1920, 810])));
  }
  await test('wall: a view that is put on it', on(pages.pushed));
  await test('wall: a cut shows within a second and heals', on(pages.wallLoss));
  await test('palette: finds without accents, opens', on(pages.palette));
  await test('keys: pages by letter, help, off', on(pages.keys));
  await test('themes: kept, accessible', on(pages.themes));
  await test('desk: saved views', on(pages.views));
  await test('desk: replay', on(pages.replay));
  await test('/log: what was done, hand-over, export', on(pages.log));
  await test('link: a cut shows within a second and heals', on(loss.cut));
  await test('link: a lost frame is noticed and counted', on(loss.gap));
  if (settings.restart !== '') {
    await test('link: a restart of the hub heals', on((page) => loss.restart(page, record)));
  }
  await test('session: signing out closes the desk', on((page) => loss.signOut(page, record)));
  // Refused requests may be reported until the page is closed.
  record.expected = () => false;
}

// What the pictures of the long run need, seen without drawing them.
await test('pictures: the recorded hub has what the page asks for', () => covered(readRecording()));
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
await finish();
