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
  const tile = page.locator(`article[data-indicator=${PAGES[path].figure}] .figure b`);
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
  await page.click('article[data-indicator=A01] button.link');
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

/** Open requests: the map draws, the list holds the same, and the keyboard leads to one request and back. */
export async function openRequests(page) {
  await open(page, '/1022', 'vi');
  const list = page.locator('[data-test=open-tickets]');
  await list.locator('.map.ready, .map svg').first().waitFor({ timeout: 20_000 });
  await until('open requests', async () => (await list.locator('tbody tr').count()) > 0, 20_000);
  const rows = await list.locator('tbody tr').count();
  const [all] = ((await page.locator('[data-test=open-count]').innerText()).match(/[\d.]+/) ?? ['0']).map((text) => Number(text.replace('.', '')));
  assert(all >= rows, `${rows} rows of ${all} requests`);
  const first = list.locator('tbody tr').first().locator('button').first();
  const number = await first.innerText();
  await first.focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[data-test=ticket] tbody tr', { timeout: 20_000 });
  const title = await page.locator('#ticket-title').innerText();
  assert(title.includes(number), `${title} is not ${number}`);
  assert(new URL(page.url()).searchParams.has('ticket'), 'the address does not name the request');
  const score = await accessibility(page, '/1022 one request');
  await page.keyboard.press('Escape');
  await until('the request is closed', async () => (await page.locator('dialog[data-test=ticket]').count()) === 0);
  // From a number to its requests, and from there to one of them.
  await page.click('article[data-indicator=C01] button.link');
  await page.locator('dialog[data-test=records] tbody button').first().click({ timeout: 20_000 });
  await page.waitForSelector('dialog[data-test=ticket] tbody tr', { timeout: 20_000 });
  return `${rows} rows of ${all} requests, ${score}`;
}

/** On paper: dark on white, no controls, the period in words, every row of the list. */
export async function paper(page) {
  const said = [];
  for (const path of Object.keys(PAGES)) {
    await open(page, path, 'vi');
    await page.emulateMedia({ media: 'print' });
    const shown = await page.evaluate(() => {
      const style = getComputedStyle(document.body);
      const seen = (element) => element.getClientRects().length > 0;
      return {
        ground: style.backgroundColor,
        controls: [...document.querySelectorAll('button, select, input')].filter(seen).filter((each) => !each.closest('table')).length,
        period: [...document.querySelectorAll('.paper-only')].filter(seen).map((each) => each.textContent ?? '').join(' '),
      };
    });
    equal(shown.ground, 'rgb(255, 255, 255)', `ground of ${path}`);
    equal(shown.controls, 0, `controls on the paper of ${path}`);
    assert(/(Năm|Quý|Tháng|Tuần|\d\d\/\d\d)/.test(shown.period), `${path} does not say its period: "${shown.period}"`);
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    const pages = (pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length;
    assert(pages >= 1 && pages <= 40, `${path} takes ${pages} pages`);
    said.push(`${path} ${pages} pages`);
    await page.emulateMedia({ media: 'screen' });
  }
  return said.join(', ');
}
