// Long browser tests of the dashboards, and their pictures: what takes minutes and no room in the short run.
// Usage: IOC_TEST_URL=… IOC_TEST_USER=… IOC_TEST_PASSWORD=… [IOC_TEST_SOAK_S=600] npm run test:browser:long
// Prints one line per test and ends with "N passed, N failed"; exits 1 when one failed.
import * as desk from './browser/desk.mjs';
import * as loss from './browser/loss.mjs';
import * as pages from './browser/pages.mjs';
import * as pictures from './browser/pictures.mjs';
import { allNormal, readRecording } from './browser/recording.mjs';
import { finish, onPage, record, test } from './browser/runner.mjs';
import * as scale from './browser/scale.mjs';
import { signIn, withBrowser, withContexts } from './browser/stage.mjs';

/** A 4K display, and the wall pixel by pixel. */
const LARGE = [
  [3840, 2160],
  [7680, 3240],
];

/** The wall of the city, at half its pixels and whole. */
const WALLS = [
  [3840, 1620],
  [7680, 3240],
];

async function longRun(context) {
  const on = (use) => () => onPage(context, use);
  let signed_in = false;
  await test('login: the right password opens the desk', on(async (page) => {
    await signIn(page);
    signed_in = true;
  }));
  if (!signed_in) return;
  await test('desk: fits large screens', on((page) => desk.sizes(page, LARGE)));
  await test('wall: cells and text at 3840x2160 (vi)', on((page) => pages.wall(page, 'vi', LARGE[0])));
  for (const [width, height] of WALLS) {
    for (const language of ['vi', 'en']) {
      await test(`wall: cells and text at ${width}x${height} (${language})`, on((page) => pages.wall(page, language, [width, height])));
    }
  }
  await test('desk: 10,000 devices, 10,000 changes a second', on(scale.crowd));
  await test('wall: heap and DOM stay flat', on(scale.wall));
  await test('alarms: heap and DOM stay flat in a flood', on(scale.flood));
  await test('link: many losses, each heals and none leaves anything behind', on(loss.losses));
}

async function pictureRun(browser) {
  let recording = null;
  await test('pictures: the recorded hub is there', () => {
    recording = readRecording();
    return recording.at;
  });
  if (recording === null) return;
  for (const picture of pictures.wanted(recording)) {
    await test(`picture: ${picture.file}`, () => pictures.compared(browser, recording, picture, record));
  }
  const normal = allNormal(recording);
  await test('normal is grey: desk', () => pictures.grey(browser, normal, 'desk', record));
  await test('values grow old: signal', () => pictures.ages(browser, recording, record));
  await test('alarms differ without colour', () => pictures.shapes(browser, recording, record));
}

await withBrowser(longRun);
await withContexts(pictureRun);
await finish();
