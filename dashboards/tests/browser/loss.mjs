// Checks of the link: a cut, many cuts, a lost frame, a restart of the hub, the end of the session.
import { spawn } from 'node:child_process';
import { samples } from './growth.mjs';
import { assert, equal, openDesk, settings, until, untilLive } from './stage.mjs';

/** Longest time from the cut to the banner, and from the hub's return to live values. */
const BANNER_MS = 1_000;
const LIVE_AGAIN_MS = 8_000;

/** Puts a gate between page and hub; `gate` cuts it, closes it, swallows frames, and counts what the newest connection carried. */
export async function gated(page) {
  const gate = { open: true, socket: null, hub: null, swallow: 0, refused: 0, asked: 0, deltas: 0 };
  await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => {
    if (!gate.open) {
      gate.refused += 1;
      socket.close({ code: 1001 });
      return;
    }
    const hub = socket.connectToServer();
    gate.socket = socket;
    gate.hub = hub;
    Object.assign(gate, { asked: 0, deltas: 0 });
    socket.onMessage((message) => {
      if (message.includes('"op":"subscribe"')) gate.asked += 1;
      // What the page sends just before it hears of the cut finds nobody there.
      if (gate.open) hub.send(message);
    });
    hub.onMessage((message) => {
      const isDelta = message.includes('"op":"delta"');
      if (isDelta && gate.swallow > 0) {
        gate.swallow -= 1;
        return;
      }
      if (isDelta) gate.deltas += 1;
      socket.send(message);
    });
  });
  return gate;
}

/** Keeps the times at which the banner came and went. */
function watchBanner(page) {
  return page.evaluate(() => {
    window.__banner = { came: null, went: null };
    const look = () => {
      const shown = document.querySelector('[data-test=banner-lost]') !== null;
      if (shown && window.__banner.came === null) window.__banner.came = performance.now();
      if (!shown && window.__banner.came !== null && window.__banner.went === null) window.__banner.went = performance.now();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
  });
}

export async function cut(page) {
  const gate = await gated(page);
  await openDesk(page);
  await watchBanner(page);
  const before = await page.evaluate(() => performance.now());
  gate.open = false;
  await gate.socket.close({ code: 1001 });
  await page.waitForSelector('[data-test=banner-lost]', { timeout: 5 * BANNER_MS });
  const came = await page.evaluate(() => window.__banner.came);
  assert(came - before <= BANNER_MS, `banner after ${Math.round(came - before)} ms`);
  equal(await page.getAttribute('[data-test=link]', 'class').then((text) => text.includes('lost')), true, 'state in the header');
  const opacity = await page.evaluate(() => getComputedStyle(document.querySelector('main')).opacity);
  assert(Number(opacity) < 1, 'the panels are not greyed');
  const text = () => page.innerText('[data-test=banner-lost]');
  const first = await text();
  await until('the banner counts up', async () => (await text()) !== first, 3_000);
  gate.open = true;
  const opened = Date.now();
  await page.waitForSelector('[data-test=banner-lost]', { state: 'detached', timeout: 5 * LIVE_AGAIN_MS });
  await untilLive(page);
  const again = Date.now() - opened;
  assert(again <= LIVE_AGAIN_MS, `live again only after ${again} ms`);
  return `banner after ${Math.round(came - before)} ms, live again after ${again} ms`;
}

/** Losses before the first look at the heap: code is compiled, and every part of the page was lost once. */
const WARMING_LOSSES = 4;
const LOSSES = 12;
/** Attempts that find the hub still away, so that the page's own pauses are tried as well. */
const REFUSED_ATTEMPTS = 2;
/** Longest wait for one step of a loss: the page's longest pause of 4 s many times over. */
const STEP_MS = 40_000;
/** What one loss may leave behind, from the first half of the run to the second: a young page still grows by 0.04 MB in that time. */
const LEFT_MB = 0.25;
const LEFT_NODES = 3;

/**
 * The hub goes and comes back again and again. After each loss the page is live, its values move, and it has
 * asked for what it asked for at first and nothing twice; in the end no loss has left anything behind.
 */
export async function losses(page) {
  const gate = await gated(page);
  await openDesk(page);
  await page.waitForSelector('.map.ready', { timeout: STEP_MS });
  const { asked } = gate;
  const lose = () => lostOnce(page, gate, asked);
  for (let count = 0; count < WARMING_LOSSES; count += 1) await lose();
  const taken = await samples(page, LOSSES + 1, lose);
  const grown = (of) => (median(taken.slice(LOSSES / 2 + 1).map(of)) - median(taken.slice(0, LOSSES / 2 + 1).map(of))) / (LOSSES / 2);
  const [mb, nodes] = [grown(({ heap_mb }) => heap_mb), grown((each) => each.nodes)];
  const told = `${WARMING_LOSSES + LOSSES} losses, ${asked} topics after each, ${mb.toFixed(3)} MB and ${nodes.toFixed(1)} nodes left by one`;
  assert(mb <= LEFT_MB && nodes <= LEFT_NODES, `${told} (at most ${LEFT_MB} MB and ${LEFT_NODES} nodes)`);
  return told;
}

/** One loss, until the page is whole again. */
async function lostOnce(page, gate, asked) {
  Object.assign(gate, { open: false, refused: 0 });
  // Both ends, or the hub soon holds as many connections as one user may have, and the page waits half a minute
  // with the next. A page may close its own end with 1000 only: with 1001 that end stays open.
  await Promise.all([gate.socket.close({ code: 1001 }), gate.hub.close({ code: 1000 })]);
  // What `waitForSelector` finds it holds, and with it every banner that is gone.
  const banner = page.locator('[data-test=banner-lost]');
  await banner.waitFor({ timeout: STEP_MS });
  await until('attempts to connect', () => gate.refused >= REFUSED_ATTEMPTS, STEP_MS);
  gate.open = true;
  await banner.waitFor({ state: 'detached', timeout: STEP_MS });
  await untilLive(page, STEP_MS);
  const before = await rates(page);
  await until('values that move again', async () => gate.deltas > 0 && (await rates(page)) !== before, STEP_MS);
  equal(gate.asked, asked, 'topics asked for after a loss');
}

/** Messages a second of each kind of source, as one text: nothing but the hub moves them, and it does so all the time. */
async function rates(page) {
  const texts = await page.locator('section[aria-labelledby=sources-title] tbody td.widest').allTextContents();
  assert(texts.some((text) => /\d/.test(text)), `no rates in the data sources: ${texts}`);
  return texts.join('|');
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

export async function gap(page) {
  const gate = await gated(page);
  await openDesk(page);
  gate.swallow = 1;
  const shown = () => page.innerText('section[aria-labelledby=sources-title] header .end');
  await until('a counted resync', async () => /: [1-9]/.test(await shown()), 30_000);
  await untilLive(page);
  return await shown();
}

/** Runs the command that was given to restart the hub. */
function restartHub() {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', settings.restart], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`restart command ended with ${code}`))));
  });
}

export async function restart(page, record) {
  await openDesk(page);
  await watchBanner(page);
  record.expected = (text) => /WebSocket connection|ERR_CONNECTION|Failed to load resource/.test(text);
  const restarted = restartHub();
  await page.waitForSelector('[data-test=banner-lost]', { timeout: 60_000 });
  await restarted;
  const returned = Date.now();
  await page.waitForSelector('[data-test=link].live', { timeout: 60_000 });
  const again = Date.now() - returned;
  assert(again <= 5 * LIVE_AGAIN_MS, `live again only after ${again} ms`);
  await untilLive(page);
  record.expected = () => false;
  return `live again ${again} ms after the restart command`;
}

export async function signOut(page, record) {
  await openDesk(page);
  record.expected = (text) => /401|WebSocket connection/.test(text);
  await page.click('header button:has-text("Đăng xuất")');
  await page.waitForURL('**/login**', { waitUntil: 'commit' });
  await page.goto(`${settings.url}/ops?lang=vi`);
  await page.waitForURL(/\/login\?next=%2Fops(%3F|$)/, { timeout: 30_000, waitUntil: 'commit' });
  return 'signed out, the desk asks for a login';
}
