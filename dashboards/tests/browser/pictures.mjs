// Pictures of the main pages beside their baselines, drawn from the recorded hub at its instant.
// From: recording.mjs. To: tests/baselines/NAME.png; what differs is written to target/baselines/ as it is
// and as a difference (what differs in red). Limits: 1 % of the pixels may differ, because Chromium moves; a
// pixel differs where a channel is off by more than LEVELS, which covers the 256 colours of a baseline.
// Beside that, on the same pictures: normal is grey (rule 1), and shapes tell alarms apart without colour (rule 3).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, madeBy } from './png.mjs';
import { fewAlarms, FOLDER, freeze, replayed, settle } from './recording.mjs';
import { assert, newRecord, openPage, settings } from './stage.mjs';

const OUT = new URL('../../../target/baselines/', import.meta.url).pathname;
const LEVELS = 40;
/** Upper bits of each channel that a baseline keeps: off by at most 15 of 255, and a tenth smaller. */
const BASELINE_BITS = 4;
const SHARE_MOST = 0.01;
/** HSL saturation above which a pixel is coloured, and the share of such pixels that a normal page may have. */
const COLOURED = 0.25;
const COLOURED_SHARE = 0.005;
/** Of the box of a symbol, the share of pixels in which two priorities must differ in grey. */
const SHAPE_SHARE = 0.05;

/** What the page does after a click is over in this time of its own. */
const PREPARED_MS = 1_000;

const SIZES = [[1280, 720], [1920, 1080]];
/** English stands where words are tight; at full size its layout is that of Vietnamese. */
const LANGUAGES = [['vi', SIZES[0]], ['vi', SIZES[1]], ['en', SIZES[0]]];
const LIGHT = ['desk', 'alarms', 'reform', 'signal'];

/** The pages; `subjects` of the recording name the device and the source that they show. */
function pages({ signal, source }) {
  const ungrouped = async (page) => {
    const pressed = page.locator('button[aria-pressed=true]');
    if ((await page.getAttribute('#alarm-grid', 'role')) === 'treegrid') await pressed.first().click();
  };
  return [
    { name: 'desk', path: `/ops?device=${signal}`, ready: '.map.ready' },
    { name: 'alarms', path: '/alarms', ready: '#alarm-grid', prepare: ungrouped, few: true },
    { name: 'service-desk', path: '/1022', ready: 'article[data-indicator=C01] .figure b' },
    { name: 'reform', path: '/reform', ready: '[data-test=card-766] tbody tr' },
    { name: 'health', path: `/health?source=${source}`, ready: '#source-grid [role=row][aria-selected]' },
    { name: 'settings', path: '/settings', ready: '[data-display]' },
    { name: 'signal', path: `/d/signal/${signal}`, ready: '[data-test=signal-now] tbody tr' },
    { name: 'wall', path: '/wall/ioc-wall', ready: 'main[data-view]' },
  ];
}

/** Lists beside the alarms that are to be worked on: their states in one language and size. */
const ASIDE = ['shelved', 'suppressed', 'out_of_service'];

/** Every picture that has a baseline. */
export function wanted(recording) {
  const found = [];
  const every = pages(recording.subjects);
  for (const page of every) {
    for (const [language, size] of LANGUAGES) found.push({ ...page, size, language, theme: 'dark' });
    if (LIGHT.includes(page.name)) found.push({ ...page, size: SIZES[1], language: 'vi', theme: 'light' });
  }
  const alarms = every.find(({ name }) => name === 'alarms');
  for (const view of ASIDE) found.push({ ...alarms, name: `alarms-${view.replaceAll('_', '-')}`, path: `/alarms?view=${view}`, size: SIZES[0], language: 'vi', theme: 'dark' });
  return found.map((each) => ({ ...each, file: `${each.name}-${each.language}-${each.size[0]}-${each.theme}.png` }));
}

/** Opens the picture's page on the recording, at its size, and uses it. */
export async function onPicture(browser, whole, picture, use, { fill = false, storageState, record = newRecord() } = {}) {
  const [width, height] = picture.size;
  // A page of alarms is to show every state, not the two hundred alarms of one.
  const recording = picture.few === true ? fewAlarms(whole) : whole;
  const context = await browser.newContext({ viewport: { width, height }, locale: 'vi-VN', timezoneId: 'Asia/Ho_Chi_Minh', ...(storageState && { storageState }) });
  try {
    const page = await openPage(context, record);
    const replay = await replayed(page, recording, { fill });
    await freeze(page, recording);
    const { path, language, theme } = picture;
    await page.goto(`${settings.url}${path}${path.includes('?') ? '&' : '?'}lang=${language}&theme=${theme}`);
    const told = () => assert(replay.missing.length === 0, `not in the recorded hub: ${[...new Set(replay.missing)].join(', ')} (npm run baselines:record)`);
    // What is missing explains a page that is not ready.
    await settle(page, replay, picture.ready).finally(told);
    if (picture.prepare !== undefined) {
      await picture.prepare(page);
      await settle(page, replay, picture.ready, { for_ms: PREPARED_MS });
    }
    told();
    return await use(page, replay);
  } finally {
    await context.close();
  }
}

export function shoot(page) {
  return page.screenshot({ animations: 'disabled', caret: 'hide' });
}

/** Draws the picture and compares it with its baseline. */
export async function compared(browser, recording, picture, record) {
  const actual = decode(await onPicture(browser, recording, picture, shoot, { record }));
  const file = join(FOLDER, picture.file);
  if (!existsSync(file)) {
    throw new Error(`no baseline ${picture.file}: look at ${keep(picture.file, actual)}, then npm run baselines:update ${picture.file}`);
  }
  const bytes = readFileSync(file);
  const { share, picture: difference } = differing(decode(bytes), actual);
  const told = `${(share * 100).toFixed(3)} % of the pixels differ`;
  if (share > SHARE_MOST) {
    const seen = [keep(picture.file, actual), keep(picture.file.replace('.png', '.difference.png'), difference)];
    throw new Error(
      `${told} (at most ${SHARE_MOST * 100} %; baseline of ${madeBy(bytes)}, now ${chromiumOf(browser)}): look at ${seen.join(' and ')}; ` +
        `where it is meant, npm run baselines:update ${picture.file}`,
    );
  }
  return told;
}

/** Draws the picture and makes it the baseline. */
export async function renewed(browser, recording, picture) {
  const png = encode(decode(await onPicture(browser, recording, picture, shoot)), chromiumOf(browser), BASELINE_BITS);
  writeFileSync(join(FOLDER, picture.file), png);
  return png.length;
}

function chromiumOf(browser) {
  return `Chromium ${browser.version().split('.')[0]}`;
}

function keep(name, picture) {
  mkdirSync(OUT, { recursive: true });
  const file = join(OUT, name);
  writeFileSync(file, encode(picture, 'comparison'));
  return file;
}

/** Share of pixels that differ, and a picture of them. */
function differing(before, after) {
  if (before.width !== after.width || before.height !== after.height) return { share: 1, picture: after };
  const data = Buffer.alloc(after.data.length);
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    const off = Math.max(...[0, 1, 2].map((channel) => Math.abs(before.data[at + channel] - after.data[at + channel])));
    const is = off > LEVELS;
    count += is ? 1 : 0;
    const faint = after.data[at + 1] >> 2;
    data.set(is ? [255, 0, 0] : [faint, faint, faint], at);
  }
  return { share: (count * 3) / data.length, picture: { width: after.width, height: after.height, data } };
}

/** Rule 1: a page on which nothing is wrong has next to no saturated pixels. */
export async function grey(browser, normal, name, record) {
  const page = pages(normal.subjects).find((each) => each.name === name);
  const picture = { ...page, size: SIZES[1], language: 'vi', theme: 'dark' };
  const { width, height, data } = decode(await onPicture(browser, normal, picture, shoot, { record }));
  const coloured = Buffer.alloc(data.length);
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if (saturation(data[at], data[at + 1], data[at + 2]) <= COLOURED) continue;
    count += 1;
    coloured.set([255, 0, 0], at);
  }
  const share = count / (width * height);
  const told = `${(share * 100).toFixed(3)} % of the pixels of ${name} are coloured`;
  if (share >= COLOURED_SHARE) throw new Error(`${told} (at most ${COLOURED_SHARE * 100} %): look at ${keep(`normal-${name}.png`, { width, height, data })} and ${keep(`normal-${name}.coloured.png`, { width, height, data: coloured })}`);
  return told;
}

/** Saturation of HSL, 0..1. */
function saturation(red, green, blue) {
  const [most, least] = [Math.max(red, green, blue) / 255, Math.min(red, green, blue) / 255];
  if (most === least) return 0;
  return (most - least) / (1 - Math.abs(most + least - 1));
}

/** Periods of the health reports of a device, after which they count as old, and as gone. */
const REPORT_MS = 60_000;
/** The page's time passes in steps of a second here: one answer to its pings in each. */
const AGING_STEP_MS = 1_000;

/** Rule 20: what comes no more is dimmed and has a clock after two periods, after five it is a dash that tells its last value. */
export async function ages(browser, recording, record) {
  const picture = wanted(recording).find(({ name, language }) => name === 'signal' && language === 'vi');
  return onPicture(browser, recording, picture, aged, { record });

  async function aged(page, replay) {
    const values = (state) => page.locator(`main .value.${state}`);
    const pass = (for_ms) => settle(page, replay, picture.ready, { for_ms, ready_step_ms: AGING_STEP_MS });
    const begun = await values('fresh').count();
    assert(begun > 0 && (await values('expired').count()) === 0, 'a value of a working signal has expired');
    await pass(2.2 * REPORT_MS);
    const stale = await values('stale').count();
    assert(stale > 0, 'no value is old after two periods');
    assert((await values('stale').locator('svg').count()) === stale, 'an old value has no clock');
    const last = await values('stale').first().innerText();
    await pass(3.5 * REPORT_MS);
    const expired = await values('expired').evaluateAll((all) => all.map((each) => [each.innerText.trim(), each.title]));
    assert(expired.length >= stale && (await values('stale').count()) === 0, `${expired.length} values have expired after five periods, ${stale} were old`);
    for (const [shown, title] of expired) assert(shown === '–' && title.startsWith('Giá trị cuối: '), `an expired value shows ${shown} (${title})`);
    assert(expired.some(([, title]) => title.includes(last.split(/\s/)[0])), `no tooltip tells ${last}`);
    return `${begun} fresh, ${stale} old after two periods, ${expired.length} dashes after five`;
  }
}

/** Rule 3: in grey, the symbols of the four priorities are four shapes. */
export async function shapes(browser, recording, record) {
  const page = pages(recording.subjects).find(({ name }) => name === 'alarms');
  const picture = { ...page, size: SIZES[1], language: 'vi', theme: 'dark' };
  const drawn = await onPicture(browser, recording, picture, (open) => Promise.all([1, 2, 3, 4].map((priority) => symbol(open, priority))), { record });
  const pairs = drawn.flatMap((a, index) => drawn.slice(index + 1).map((b) => unlike(a, b)));
  const least = Math.min(...pairs);
  assert(least >= SHAPE_SHARE, `two priorities differ in ${(least * 100).toFixed(1)} % of the pixels of their symbols only, without colour`);
  return `at least ${(least * 100).toFixed(0)} % of the pixels of two symbols differ`;
}

/** Which pixels of a symbol of the strip stand out from its ground, in grey, by row. */
async function symbol(page, priority) {
  const { width, height, data } = decode(await page.locator(`[data-test=alarm-strip] a[data-priority="${priority}"] svg`).first().screenshot());
  const greys = Array.from({ length: width * height }, (_, at) => 0.2126 * data[at * 3] + 0.7152 * data[at * 3 + 1] + 0.0722 * data[at * 3 + 2]);
  const ground = greys[0];
  const far = Math.max(...greys.map((grey_level) => Math.abs(grey_level - ground)));
  const stands = greys.map((grey_level) => Math.abs(grey_level - ground) > far / 2);
  return Array.from({ length: height }, (_, row) => stands.slice(row * width, (row + 1) * width));
}

/** Share of the pixels that both symbols have: one that begins between two pixels is one wider or higher. */
function unlike(a, b) {
  const [height, width] = [Math.min(a.length, b.length), Math.min(a[0].length, b[0].length)];
  assert(Math.max(a.length, b.length) <= height + 1 && Math.max(a[0].length, b[0].length) <= width + 1, 'symbols of two sizes');
  const count = a.slice(0, height).flatMap((line, y) => line.slice(0, width).filter((is, x) => is !== b[y][x])).length;
  return count / (width * height);
}
