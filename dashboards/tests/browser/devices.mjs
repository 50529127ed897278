// Checks of the pages of devices, corridors and cameras: words in both languages, live values, history with
// comparison and zoom, a million points in one frame, pictures and their age, the way to any device,
// keyboard, accessibility, sizes.
import { accessibility } from './desk.mjs';
import { assert, equal, openDesk, settings, until } from './stage.mjs';

const FRAME_MS = 1_000 / 60;
/** A picture of a million points may take this much longer than a frame before it fails. */
const SLACK = 5;

async function devices(page) {
  return page.evaluate(async () => {
    const answer = await fetch('/api/v1/devices?limit=10000');
    return (await answer.json()).items;
  });
}

/** A device of a service that has told something. */
async function one(page, service, fits = () => true) {
  return until(`a ${service} that reports`, async () => {
    const found = (await devices(page)).find((each) => each.service === service && each.condition === 1 && fits(each));
    return found?.id ?? null;
  }, 60_000);
}

/** A signal that runs a cycle: at night some flash. */
async function cycling(page) {
  const find = () =>
    page.evaluate(async () => {
      const at = new Date(Date.now() - 1_000).toISOString();
      const answer = await fetch(`/api/v1/state?at=${encodeURIComponent(at)}`);
      const { devices: shown } = await answer.json();
      return shown.find((each) => each.condition === 1 && each.signal?.mode === 'coordinated')?.id ?? null;
    });
  return until('a signal that runs a cycle', find, 60_000);
}

async function open(page, path, language = 'vi') {
  await page.goto(`${settings.url}${path}${path.includes('?') ? '&' : '?'}lang=${language}`);
  await page.waitForSelector('[data-test=link].live', { timeout: 20_000 });
}

async function whole(page, what) {
  const text = await page.locator('body').innerText();
  const unfinished = text.match(/.*(\bundefined\b|\bNaN\b|\[object|\{\w+\}|Infinity).*/)?.[0];
  equal(unfinished, undefined, 'unfinished text on the page');
  for (const [width, height] of [[1280, 720], [1920, 1080]]) {
    await page.setViewportSize({ width, height });
    const wide = await page.evaluate(() => {
      const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
      const main = document.querySelector('main');
      return scrollWidth > clientWidth || scrollHeight > clientHeight || (main !== null && main.scrollWidth > main.clientWidth);
    });
    assert(!wide, `${what} scrolls sideways or as a whole at ${width}x${height}`);
  }
  return accessibility(page, what);
}

const READY = {
  signal: '[data-test=signal-now] tbody tr',
  vds: '[data-test=lanes] tbody tr',
  cctv: '[data-test=still] img',
  cabinet: '[data-test=equipment-past] svg',
};

/** The page of one device of each kind. */
export async function shown(page, service, language) {
  await open(page, '/ops', language);
  const id = await one(page, service);
  await open(page, `/d/${service}/${id}`, language);
  await page.waitForSelector(READY[service], { timeout: 40_000 });
  await page.waitForSelector('[data-test=equipment] dl div', { timeout: 90_000 });
  equal(await page.getAttribute('[data-test=device-page]', 'data-device'), id, 'device of the page');
  return whole(page, `/d/${service} ${language}`);
}

/** Groups with their time left, the strip of what was shown, and the slider back through the day by keyboard. */
export async function signal(page) {
  await open(page, '/ops');
  await open(page, `/d/signal/${await cycling(page)}`);
  await page.waitForSelector('[data-test=strip] tbody tr', { timeout: 30_000 });
  const first = page.locator('[data-test=signal-now] tbody').first();
  const before = await first.innerText();
  await until('the clock of a group', async () => (await first.innerText()) !== before, 20_000);
  const slider = page.locator('input[type=range]');
  equal(await slider.getAttribute('aria-valuetext'), 'hiện tại', 'place of the slider');
  await slider.focus();
  await page.keyboard.press('ArrowLeft');
  await until('the slider moved', async () => (await slider.getAttribute('aria-valuetext')) !== 'hiện tại');
  await page.click('text=Về hiện tại');
  await until('back to now', async () => (await slider.getAttribute('aria-valuetext')) === 'hiện tại');
  await page.waitForSelector('[data-test=greens] tbody tr', { timeout: 30_000 });
  return `${await page.locator('[data-test=greens] tbody tr').count()} groups`;
}

/** Zoom by buttons, wheel, drag and fields; comparison; the address repeats the view. */
export async function series(page) {
  await open(page, '/ops');
  const id = await one(page, 'vds');
  await open(page, `/d/vds/${id}`);
  const panel = page.locator('[data-test=series]');
  const points = async () => Number(await panel.getAttribute('data-points'));
  await until('points of the history', async () => (await points()) > 0, 30_000);
  const from = page.locator('[data-test=series] input.time').first();
  const shown = () => from.inputValue();
  const changes = async (what, act) => {
    const before = await shown();
    await act();
    await until(what, async () => (await shown()) !== before);
  };
  await changes('zooming by a button', () => page.click('button[aria-label="Phóng to"]'));
  await changes('moving by a button', () => page.click('button[aria-label="Lùi về trước"]'));
  const chart = page.locator('[data-test=series] .chart');
  const box = await chart.boundingBox();
  await changes('zooming by the wheel', async () => {
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.wheel(0, 300);
  });
  await changes('zooming by a drag', async () => {
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
  });
  await changes('a field', async () => {
    await from.fill('01/01/2026 00:00');
    await from.press('Enter');
    await from.blur();
  });
  equal(await shown(), '01/01/2026, 00:00', 'begin by the field');
  await from.fill('nonsense');
  await from.blur();
  equal(await shown(), '01/01/2026, 00:00', 'begin after nonsense');
  await page.selectOption('[data-test=series] label:has-text("So với") select', 'week');
  await until('the address tells', async () => page.url().includes('compare=week'));
  const again = await shown();
  await page.reload();
  await page.waitForSelector('[data-test=series]');
  await until('the same view again', async () => (await shown()) === again);
  await page.selectOption('[data-test=series] label:has-text("Đại lượng") select', 'speed_kmh');
  await until('another quantity', async () => page.url().includes('quantity=speed_kmh'));
  return `${await points()} points`;
}

/** A million points as the hub would send them, made here: the demonstration is not a year old. */
export async function million(page) {
  await open(page, '/ops');
  const id = await one(page, 'vds');
  const rows = 1_000_000;
  await page.route('**/api/v1/series?**', async (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const begin = Date.parse(asked.get('from'));
    const step = Math.floor((Date.parse(asked.get('to')) - begin) / rows);
    const head = Buffer.from(`${JSON.stringify({ source: id, lane: null, zone: null, quantity: asked.get('quantity'), class: null, resolution_s: step / 1000, basis: 'raw', rows })}\n`);
    const times = Buffer.alloc(8);
    times.writeDoubleLE(begin);
    const steps = new Uint32Array(rows).fill(step).fill(0, 0, 1);
    const values = Float32Array.from({ length: rows }, (_, at) => 600 + 400 * Math.sin(at / 3_000) + (at % 97));
    const samples = new Uint32Array(rows).fill(1);
    const body = Buffer.concat([head, times, ...[steps, values, samples, samples].map((each) => Buffer.from(each.buffer))]);
    await route.fulfill({ body, contentType: 'application/vnd.ioc.columns' });
  });
  await open(page, `/d/vds/${id}?hours=8760&points=every`);
  await until('a million points', async () => (await page.getAttribute('[data-test=series]', 'data-points')) === String(rows), 60_000);
  await page.evaluate(() => performance.clearMeasures('long-chart'));
  const chart = await page.locator('[data-test=series] .chart').boundingBox();
  await page.mouse.move(chart.x + chart.width / 2, chart.y + chart.height / 2);
  for (let turn = 0; turn < 10; turn += 1) {
    await page.mouse.wheel(0, turn < 5 ? -120 : 120);
    await page.waitForTimeout(50);
  }
  const taken = await page.evaluate(() => performance.getEntriesByName('long-chart').filter((each) => each.detail.points > 900_000).map((each) => each.duration));
  assert(taken.length >= 5, `only ${taken.length} pictures were drawn`);
  const median = [...taken].sort((a, b) => a - b)[Math.floor(taken.length / 2)];
  assert(median <= SLACK * FRAME_MS, `${median.toFixed(1)} ms for a picture of a million points`);
  return `median ${median.toFixed(1)} ms of ${taken.length} pictures (a frame is 16.7 ms)`;
}

/** The corridor of a station: its devices in order, the contour, another measure, direction and day. */
export async function corridor(page, language) {
  await open(page, '/ops', language);
  const all = await devices(page);
  const counts = new Map();
  for (const { corridor: id, service } of all) if (id !== null && service === 'vds') counts.set(id, (counts.get(id) ?? 0) + 1);
  const [id] = [...counts].sort((a, b) => b[1] - a[1])[0];
  await open(page, `/corridor/${id}`, language);
  await page.waitForSelector('[data-test=contour]', { timeout: 30_000 });
  const rows = await page.locator('[data-test=along] tbody tr').count();
  equal(rows, all.filter((each) => each.corridor === id).length, 'devices of the corridor');
  const along = (await page.locator('[data-test=along] tbody td:first-child').allInnerTexts()).map((text) => Number(text.replace(',', '.')));
  assert(along.every((km, at) => at === 0 || Number.isNaN(km) || km >= along[at - 1]), `not in the order of the road: ${along}`);
  const selects = page.locator('main section select');
  await selects.nth(0).selectOption('flow_veh_h');
  await selects.nth(1).selectOption('forward');
  await selects.nth(2).selectOption('week');
  await until('two contours', async () => (await page.locator('[data-test=contour]').count()) === 2, 30_000);
  await whole(page, `/corridor ${language}`);
  return `${id}: ${rows} devices`;
}

/** Pictures in their grid, how old they are, the ways on; a camera that gives none says why. */
export async function cameras(page, language) {
  let broken = null;
  await page.route('**/api/v1/devices/*/still', async (route) => {
    broken ??= route.request().url();
    if (route.request().url() !== broken) return route.continue();
    return route.fulfill({ status: 504, contentType: 'application/problem+json', body: JSON.stringify({ code: 'camera_timeout' }) });
  });
  await open(page, '/cctv', language);
  await until('pictures', async () => (await page.locator('[data-test=still] img').count()) >= 4, 30_000);
  const why = { vi: 'camera không trả lời kịp', en: 'the camera did not answer in time' }[language];
  await page.waitForSelector(`text=${why}`);
  for (const size of [1, 4, 16]) {
    await page.click(`[role=group] button:text-is("${size}")`);
    await until(`${size} pictures`, async () => (await page.locator('[data-test=still]').count()) === size);
  }
  // The one that is broken has none; the others come one after the other.
  const ages = async () => (await page.locator('[data-test=still] .age').allInnerTexts()).filter((each) => /\d/.test(each));
  await until('ages of the pictures', async () => (await ages()).length >= 3, 30_000);
  const [age] = await ages();
  await page.click('[role=group] button:text-is("4")');
  const follow = { vi: 'Theo cảnh báo', en: 'Follow the alarm' }[language];
  await page.click(`button:text-is("${follow}")`);
  await page.waitForSelector('[data-test=followed]');
  assert(page.url().includes('follow=alarms'), `what is followed does not stand in ${page.url()}`);
  await whole(page, `/cctv ${language}`);
  await page.click(`button:text-is("${follow}")`);
  await page.waitForSelector('[data-test=followed]', { state: 'detached' });
  await page.locator('article a').nth(1).click();
  await page.waitForSelector('[data-test=device-page][data-device]', { timeout: 20_000 });
  return age;
}

/** Any device from the desk: chosen in the list by keyboard, then its link. */
export async function ways(page) {
  await openDesk(page);
  await page.focus('#device-grid');
  await page.keyboard.press('End');
  await page.keyboard.press('Home');
  await page.waitForSelector('[data-test=detail] .open a', { timeout: 10_000 });
  const id = await page.getAttribute('[data-test=detail]', 'data-device');
  await page.focus('[data-test=detail] .open a');
  await page.keyboard.press('Enter');
  await page.waitForSelector(`[data-test=device-page][data-device="${id}"]`, { timeout: 20_000 });
  await page.click('nav >> text=Xem trên bản đồ');
  await page.waitForSelector(`[data-test=detail][data-device="${id}"]`, { timeout: 20_000 });
  await open(page, '/d/vds/no-such-device');
  await page.waitForSelector('text=Không có thiết bị nào mang mã no-such-device.', { timeout: 20_000 });
  return id;
}
