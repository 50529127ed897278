// Checks of the link: a cut, a lost frame, a restart of the hub, the end of the session.
import { spawn } from 'node:child_process';
import { assert, equal, openDesk, settings, until, untilLive } from './stage.mjs';

/** Longest time from the cut to the banner, and from the hub's return to live values. */
const BANNER_MS = 1_000;
const LIVE_AGAIN_MS = 8_000;

/** Puts a gate between page and hub; `gate` cuts it, closes it, or swallows frames. */
async function gated(page) {
  const gate = { open: true, socket: null, swallow: 0 };
  await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => {
    if (!gate.open) {
      socket.close({ code: 1001 });
      return;
    }
    const hub = socket.connectToServer();
    gate.socket = socket;
    socket.onMessage((message) => hub.send(message));
    hub.onMessage((message) => {
      if (gate.swallow > 0 && message.includes('"op":"delta"')) gate.swallow -= 1;
      else socket.send(message);
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
