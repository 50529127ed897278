// Checks of the pages of the service desk and of administrative reform: figures with names and numbers in
// both languages, the way to their records, keyboard, accessibility, sizes.
import { accessibility } from './desk.mjs';
import { assert, equal, settings, until } from './stage.mjs';

const PAGES = {
  '/1022': { vi: 'Tổng đài dịch vụ công 1022', en: 'Service desk 1022', figure: 'C01' },
  '/reform': { vi: 'Cải cách hành chính', en: 'Administrative reform', figure: 'A01' },
};

async function open(page, path, language) {
  await page.goto(`${settings.url}${path}?lang=${language}`);
  await page.waitForSelector('[data-test=link].live', { timeout: 20_000 });
  const tile = page.locator(`article[data-indicator=${PAGES[path].figure}] b`);
  await until(`a figure on ${path}`, async () => /\d/.test((await tile.innerText().catch(() => '')) ?? ''), 30_000);
}

/** Texts are whole in one language; nothing scrolls the page; no rule of accessibility is broken. */
export async function shown(page, path, language) {
  await open(page, path, language);
  const headings = await page.locator('h2').allInnerTexts();
  assert(headings.includes(PAGES[path][language]), `no heading "${PAGES[path][language]}" in ${headings}`);
  const text = await page.locator('body').innerText();
  const unfinished = text.match(/.*(\bundefined\b|\bNaN\b|\[object|\{\w+\}).*/)?.[0];
  equal(unfinished, undefined, 'unfinished text on the page');
  for (const [width, height] of [[1280, 720], [1920, 1080]]) {
    await page.setViewportSize({ width, height });
    const scrolls = await page.evaluate(() => {
      const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
      return scrollWidth > clientWidth || scrollHeight > clientHeight;
    });
    assert(!scrolls, `${path} scrolls at ${width}x${height}`);
  }
  return accessibility(page, `${path} ${language}`);
}

/** From a figure to the records behind it, and back by Escape. */
export async function records(page) {
  await open(page, '/reform', 'vi');
  await page.click('article[data-indicator=A01] button');
  await page.waitForSelector('dialog[data-test=records] tbody tr', { timeout: 20_000 });
  const heads = await page.locator('dialog thead th').allInnerTexts();
  assert(heads.includes('Đơn vị xử lý'), `columns ${heads}`);
  const rows = await page.locator('dialog tbody tr').count();
  await page.keyboard.press('Escape');
  await until('the dialog is closed', async () => (await page.locator('dialog[data-test=records]').count()) === 0);
  return `${rows} records`;
}

/** Every view of the reform page shows figures; arrows move between them. */
export async function views(page) {
  await open(page, '/reform', 'vi');
  await page.waitForSelector('[data-test=card-766] tbody tr', { timeout: 20_000 });
  await page.focus('#view-766');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('[data-test=card-nine] tbody tr', { timeout: 20_000 });
  await page.keyboard.press('ArrowRight');
  await until('units', async () => (await page.locator('#view-panel tbody tr').count()) > 50, 20_000);
  const units = await page.locator('#view-panel tbody tr').count();
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('#view-panel article[data-indicator=B01]', { timeout: 20_000 });
  return `${units} units`;
}
