// Checks of data health, the log, the settings, the wall displays, the command palette, saved views and
// the replay, against a running hub with the simulated city.
import { accessibility } from './desk.mjs';
import { assert, equal, openDesk, settings, until } from './stage.mjs';

const PAGES = {
  '/health': { vi: 'Mọi nguồn dữ liệu', en: 'Every source' },
  '/log': { vi: 'Ai đã làm gì', en: 'Who did what' },
  '/settings': { vi: 'Màn hình tường', en: 'Wall displays' },
};
const WALL = 'ioc-wall';
const VIEWS = ['overview', 'traffic', 'service', 'alarms'];
/** The smallest text of a wall fills 16 minutes of arc, reading text 20 (NUREG-0700). */
const ARC_LEAST = 16;
const CAP_HEIGHT_EM = 0.7275;

async function open(page, path, language = 'vi') {
  await page.goto(`${settings.url}${path}${path.includes('?') ? '&' : '?'}lang=${language}`);
  await page.waitForSelector('[data-test=link].live', { timeout: 20_000 });
}
function api(page, method, path, body) {
  return page.evaluate(
    async ([verb, of, sent]) => {
      const answer = await fetch(`/api/v1/${of}`, {
        method: verb,
        headers: { 'content-type': 'application/json' },
        ...(sent !== null && { body: JSON.stringify(sent) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
    },
    [method, path, body ?? null],
  );
}
function whole(text) {
  const unfinished = text.match(/.*(\bundefined\b|\bNaN\b|\[object|\{\w+\}).*/)?.[0];
  equal(unfinished, undefined, 'unfinished text on the page');
}

/** Texts are whole in one language; nothing scrolls the page; no rule of accessibility is broken. */
export async function shown(page, path, language) {
  await open(page, path, language);
  await page.waitForSelector(`h2:has-text("${PAGES[path][language]}")`);
  if (path !== '/settings') await page.waitForSelector('[role=grid] [role=row][aria-selected]', { timeout: 20_000 });
  else await page.waitForSelector(`[data-display=${WALL}]`);
  whole(await page.locator('body').innerText());
  for (const [width, height] of [[1280, 720], [1920, 1080]]) {
    await page.setViewportSize({ width, height });
    const scrolls = await page.evaluate(() => {
      const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
      const header = document.querySelector('header');
      return scrollWidth > clientWidth || scrollHeight > clientHeight || header.scrollWidth > header.clientWidth;
    });
    assert(!scrolls, `${path} scrolls at ${width}x${height}`);
  }
  return accessibility(page, `${path} ${language}`);
}

/** From a source to its raw messages and gaps, by keyboard alone. */
export async function source(page) {
  await open(page, '/health');
  await page.waitForSelector('#source-grid [role=row][aria-selected]');
  const total = Number(await page.getAttribute('#source-grid', 'aria-rowcount')) - 1;
  await page.fill('#source-search', 'vds-001');
  await until('one source', async () => (await page.getAttribute('#source-grid', 'aria-rowcount')) === '2');
  await page.focus('#source-grid');
  await page.keyboard.press('Home');
  await page.waitForSelector('[data-test=source-detail][data-source=vds-001]');
  const raw = await until('a raw message', async () => (await page.locator('#source-tabpanel pre').allInnerTexts()).find((text) => text.includes('"')), 60_000);
  await page.focus('#source-tab-raw');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('#source-tab-gaps[aria-selected=true]');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('#source-tab-refused[aria-selected=true]');
  await page.goBack().catch(() => {});
  return `${total} sources, raw message of ${raw.length} characters`;
}

/** Every part of the hub and the resyncs of this page are told. */
export async function hubParts(page) {
  await open(page, '/health');
  await page.waitForSelector('[data-part=database]');
  const parts = await page.locator('[data-part]').evaluateAll((all) => all.map((each) => each.dataset.part));
  for (const part of ['database', 'broker', 'spool', 'books']) assert(parts.includes(part), `no part ${part} in ${parts}`);
  const resyncs = await page.innerText('[data-test=resyncs]');
  assert(/\d/.test(resyncs), `resyncs: ${resyncs}`);
  return parts.join(', ');
}

/** So often a view is put on the wall before a test gives up. */
const PUTS = 5;

/**
 * What `look` finds on the wall while it shows the view, which is put on it as an operator does. Equipment of the
 * simulated city fails when it will: an urgent alarm that is raised meanwhile takes the wall, and the view is put again.
 */
async function onWall(page, view, minutes, look) {
  for (let put = 0; put < PUTS; put += 1) {
    equal((await api(page, 'PUT', `displays/${WALL}/view`, { view, minutes })).status, 204, 'putting a view on the wall');
    const found = await look();
    const main = await page.evaluate(() => ({ ...document.querySelector('main').dataset }));
    if (main.view === view && main.why === 'pushed') return found;
    equal(main.why, 'pinned', `why the wall shows ${main.view} and not ${view}`);
  }
  throw new Error(`the wall did not show ${view}, although it was put on it ${PUTS} times`);
}

/** How the wall is laid out just now: its regions beside the cells, its text beside the panels. */
function cells(page, profile) {
  return page.evaluate(
    ({ columns, rows }) => {
      const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
      const cell = { width: window.innerWidth / columns, height: window.innerHeight / rows };
      const near = (value, step) => Math.abs(value / step - Math.round(value / step)) * step <= 1.5;
      const regions = [...document.querySelectorAll('main [data-region]')];
      const off = regions.filter((region) => {
        const box = region.getBoundingClientRect();
        return ![box.left, box.right].every((x) => near(x, cell.width)) || ![box.top, box.bottom].every((y) => near(y, cell.height));
      });
      const across = [];
      let smallest = Infinity;
      const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (node.textContent.trim() === '' || parent.closest('.visually-hidden') !== null) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        // What is cut off by an ellipsis ends where its box ends.
        const clip = (parent.closest('.cell, .head') ?? parent.closest('svg') ?? parent).getBoundingClientRect();
        const box = range.getBoundingClientRect();
        if (box.width === 0) continue;
        const [left, right] = [Math.max(box.left, clip.left), Math.min(box.right, clip.right)];
        const [top, bottom] = [Math.max(box.top, clip.top), Math.min(box.bottom, clip.bottom)];
        const same = (a, b, step) => Math.floor((a + 1) / step) === Math.floor((b - 1) / step);
        if (right > left && bottom > top && (!same(left, right, cell.width) || !same(top, bottom, cell.height))) across.push(node.textContent.trim());
        const svg = parent.closest('svg');
        const scale = svg === null ? 1 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        smallest = Math.min(smallest, parseFloat(getComputedStyle(parent).fontSize) * scale);
      }
      const cut = [...document.querySelectorAll('main .cell')].filter((each) => each.scrollHeight > each.clientHeight + 2).map((each) => each.parentElement.dataset.region);
      return { scrolls: scrollWidth > clientWidth || scrollHeight > clientHeight, regions: regions.length, off: off.map((each) => each.dataset.region), across, smallest, cut };
    },
    { columns: profile.columns, rows: profile.rows },
  );
}

/** A wall: cells, text of the right size, nothing across two panels, nothing scrolls, accessible. */
export async function wall(page, language, [width, height]) {
  await openDesk(page, language);
  const { body } = await api(page, 'GET', 'displays');
  const { profile } = body.items.find((display) => display.id === WALL);
  await page.setViewportSize({ width, height });
  const told = [];
  for (const view of VIEWS) {
    const found = await onWall(page, view, 5, async () => {
      await page.goto(`${settings.url}/wall/${WALL}?lang=${language}`);
      await page.waitForSelector('main[data-view]', { timeout: 20_000 });
      await until('figures on the wall', async () => /\d/.test(await page.innerText('main')), 20_000);
      await page.waitForTimeout(1_500); // Lists and names settle.
      whole(await page.innerText('main'));
      return cells(page, profile);
    });
    const at = `${view} at ${width}x${height} (${language})`;
    assert(!found.scrolls, `${at} scrolls`);
    assert(found.regions <= 7 && found.regions >= 5, `${at}: ${found.regions} regions`);
    equal(found.off.join(', '), '', `${at}: regions across the cells`);
    equal(found.across.join(' | '), '', `${at}: text across two panels`);
    equal(found.cut.join(', '), '', `${at}: cells whose text is cut at the bottom`);
    // Minutes of arc that the smallest capitals fill, at the pitch that this width has on the wall.
    const pitch_mm = (profile.pitch_mm * profile.columns * profile.panel_width_px) / width;
    const arc = (found.smallest * CAP_HEIGHT_EM * pitch_mm * 21_600) / (6.283 * profile.distance_m * 1000);
    assert(arc >= ARC_LEAST - 0.05, `${at}: the smallest text fills ${arc.toFixed(1)} minutes of arc`);
    told.push(`${view} ${found.regions}`);
  }
  await api(page, 'DELETE', `displays/${WALL}/view`);
  if (width <= 1920) await accessibility(page, `wall ${language}`);
  return told.join(', ');
}

/** What an operator puts on a wall is on it within seconds, and it goes its own way afterwards. */
export async function pushed(page) {
  await openDesk(page);
  await api(page, 'DELETE', `displays/${WALL}/view`);
  await page.goto(`${settings.url}/wall/${WALL}?lang=vi`);
  await page.waitForSelector('main[data-view]');
  const took = await onWall(page, 'service', 1, async () => {
    const started = Date.now();
    const shown = page.waitForSelector('main[data-view=service][data-why=pushed]', { timeout: 6_000 });
    return shown.then(() => Date.now() - started, () => null);
  });
  assert(took !== null, 'it was shown after more than 6 s');
  equal((await api(page, 'DELETE', `displays/${WALL}/view`)).status, 204, 'status');
  await page.waitForSelector('main:not([data-why=pushed])', { timeout: 6_000 });
  return `shown after ${took} ms`;
}

/** A wall that loses the hub says so within a second, and is whole again by itself. */
export async function wallLoss(page) {
  let cut = null;
  await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => {
    const hub = socket.connectToServer();
    socket.onMessage((message) => hub.send(message));
    hub.onMessage((message) => socket.send(message));
    cut = () => {
      hub.close();
      socket.close({ code: 1012 });
    };
  });
  await page.goto(`${settings.url}/wall/${WALL}?lang=vi`);
  await page.waitForSelector('[data-test=link].live', { timeout: 20_000 });
  const started = Date.now();
  cut();
  await page.waitForSelector('[data-test=link]:not(.live)', { timeout: 1_500 });
  const seen = Date.now() - started;
  await page.waitForSelector('[data-test=link].live', { timeout: 10_000 });
  return `seen after ${seen} ms, back after ${Date.now() - started} ms`;
}

/** Ctrl K finds screens, devices and places without accents, and opens them. */
export async function palette(page) {
  await openDesk(page);
  await page.keyboard.press('Control+k');
  const input = page.locator('dialog[data-test=palette] input');
  await input.waitFor();
  await accessibility(page, 'palette');
  const device = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/devices?limit=10000').then((response) => response.json());
    return answer.items.find((item) => item.service === 'vds' && /đ|ư|ơ|[àáảãạ]/i.test(item.name.vi));
  });
  const bare = device.name.vi.normalize('NFD').replace(/\p{M}/gu, '').replace(/đ/gi, 'd').toLowerCase();
  await input.fill(bare);
  await until('the device among the finds', async () => (await page.locator('#palette-found [role=option]').allInnerTexts()).some((text) => text.includes(device.id)));
  await input.fill('du lieu');
  await page.waitForSelector('#palette-found [role=option]');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/health**');
  await page.keyboard.press('Control+k');
  await page.locator('dialog[data-test=palette] input').fill('xyzzy-0');
  await page.waitForSelector('dialog >> text=Không tìm thấy.');
  await page.keyboard.press('Escape');
  await until('the palette is closed', async () => (await page.locator('dialog[data-test=palette]').count()) === 0);
  return `"${bare}" finds ${device.id}`;
}

/** g and a letter opens a page, ? tells the keys; both can be switched off. */
export async function keys(page) {
  await openDesk(page);
  await page.locator('body').press('g');
  await page.keyboard.press('h');
  await page.waitForURL('**/health**');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[data-test=keys]');
  await accessibility(page, 'keys');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.waitForURL('**/settings**');
  await page.uncheck('text=Dùng phím đơn');
  await page.locator('body').press('g');
  await page.keyboard.press('o');
  await page.waitForTimeout(300);
  assert(page.url().includes('/settings'), 'the keys act although they are switched off');
  await page.check('text=Dùng phím đơn');
  return 'g h, ?, g s, off and on';
}

/** Each theme is kept over a reload and has no violation of contrast on the desk. */
export async function themes(page) {
  for (const theme of ['light', 'contrast', 'dark']) {
    await open(page, '/settings');
    await page.check(`input[value=${theme}]`);
    await openDesk(page);
    equal(await page.getAttribute('html', 'data-theme'), theme, 'theme after a reload');
    await accessibility(page, `desk ${theme}`);
  }
  return 'light, contrast, dark';
}

/** A view is saved, found again with what was chosen, and removed. */
export async function views(page) {
  await openDesk(page);
  await page.selectOption('select[aria-label="Loại thiết bị"]', 'signal');
  await page.click('text=Lưu góc nhìn…');
  await page.fill('dialog[data-test=dialog-save-view] input[maxlength]', 'Kiểm thử đèn');
  await accessibility(page, 'saving a view');
  await page.click('dialog[data-test=dialog-save-view] [type=submit]');
  await until('the dialog is closed', async () => (await page.locator('dialog[data-test=dialog-save-view]').count()) === 0);
  await openDesk(page);
  equal(await page.inputValue('select[aria-label="Loại thiết bị"]'), '', 'service of a fresh desk');
  await page.selectOption('select[aria-label="Góc nhìn đã lưu"]', { label: 'Kiểm thử đèn' });
  await until('the filter of the view', async () => (await page.inputValue('select[aria-label="Loại thiết bị"]')) === 'signal');
  const { body } = await api(page, 'GET', 'views');
  const saved = body.items.find((view) => view.name === 'Kiểm thử đèn');
  equal((await api(page, 'DELETE', `views/${saved.id}`)).status, 204, 'removing the view');
  return saved.address;
}

/** The slider moves list and charts to a past instant and back. */
export async function replay(page) {
  await openDesk(page);
  await page.click('text=Xem lại 24 giờ qua');
  await page.waitForSelector('[data-test=replay] input[type=range]');
  await until('the state of the instant', async () => (await page.innerText('[data-test=replay] [role=status]')).includes('quá khứ'), 20_000);
  await accessibility(page, 'replay');
  const at = () => page.innerText('[data-test=replay] b');
  const first = await at();
  await page.focus('[data-test=replay] input[type=range]');
  await page.keyboard.press('ArrowLeft');
  await until('another instant', async () => (await at()) !== first);
  assert(page.url().includes('at='), `the instant does not stand in ${page.url()}`);
  await page.click('[data-test=replay] button:has-text("Về hiện tại")');
  await page.waitForSelector('[data-test=replay] input', { state: 'detached' });
  return `${first} and a minute before`;
}

/** The log tells what was done a moment ago; a hand-over is signed and shown. */
export async function log(page) {
  await openDesk(page);
  await api(page, 'PUT', `displays/${WALL}/view`, { view: 'traffic', minutes: 1 });
  await api(page, 'DELETE', `displays/${WALL}/view`);
  await open(page, '/log');
  await page.waitForSelector('#journal-grid >> text=Đưa nội dung lên màn hình tường', { timeout: 15_000 });
  await page.click('text=Bàn giao ca…');
  await page.fill('dialog textarea', 'Kiểm thử: hai đèn hỏng, đã báo đội sửa chữa.');
  await accessibility(page, 'hand-over');
  await page.click('dialog [type=submit]');
  await page.waitForSelector('[data-handover] >> text=hai đèn hỏng');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Xuất CSV')]);
  const name = download.suggestedFilename();
  assert(/^journal-.*\.csv$/.test(name), name);
  return name;
}
