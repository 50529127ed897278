// What every browser check stands on: the browser, a signed-in page, and a record of everything a
// page must not do (errors, policy violations, requests to other hosts).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Software WebGL; without it the map must fall back to its drawing. */
const SOFTWARE_WEBGL = '--enable-unsafe-swiftshader';
const NO_WEBGL = '--disable-3d-apis';

export const settings = {
  url: process.env.IOC_TEST_URL ?? process.argv[2] ?? 'http://127.0.0.1:8080',
  user: process.env.IOC_TEST_USER ?? process.argv[3] ?? 'admin',
  password: process.env.IOC_TEST_PASSWORD ?? process.argv[4] ?? '',
  /** Shell command that stops the hub and starts it again; without it that check is left out. */
  restart: process.env.IOC_TEST_RESTART ?? '',
  /** Program that publishes to the broker of the hub: topic below the city's, payload. */
  publish: process.env.IOC_TEST_PUBLISH ?? '',
  chromium: process.env.IOC_TEST_CHROMIUM ?? '/usr/bin/chromium',
  /** Seconds over which the growth of a wall's heap is measured; null for what the run takes by itself. */
  soak_s: process.env.IOC_TEST_SOAK_S === undefined ? null : Number(process.env.IOC_TEST_SOAK_S),
};
export const DESK = { width: 1920, height: 1080 };

/** Runs `use` with a fresh browser in an empty profile. */
export async function withBrowser(use, { webgl = true } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'ioc-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: settings.chromium,
    args: [...FLAGS, webgl ? SOFTWARE_WEBGL : NO_WEBGL],
    viewport: DESK,
  });
  try {
    return await use(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Runs `use` with a browser whose contexts are all fresh: a clock that was stopped belongs to one of them. */
export async function withContexts(use) {
  const browser = await chromium.launch({ executablePath: settings.chromium, args: [...FLAGS, SOFTWARE_WEBGL] });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** The simulated city has cameras at fault: that there is no picture the browser says by itself, the page by its reason. */
function isMissingPicture(message) {
  return /status of 50[24]/.test(message.text()) && message.location().url.endsWith('/still');
}

/** Opens a page whose misdeeds are written down. */
export async function openPage(context, record) {
  const page = await context.newPage();
  const own = new URL(settings.url).host;
  page.on('console', (message) => {
    const text = message.text();
    if (/content security policy/i.test(text)) record.policy.push(text);
    else if (message.type() === 'error' && !isMissingPicture(message) && !record.expected(text)) record.errors.push(`${text} (${message.location().url})`);
  });
  page.on('pageerror', (error) => record.errors.push(error.stack ?? error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.host !== own) record.foreign.push(url.href);
  });
  return page;
}

export function newRecord() {
  return { policy: [], errors: [], foreign: [], expected: () => false };
}

export async function signIn(page, language = 'vi') {
  await page.goto(`${settings.url}/login?lang=${language}`);
  await page.fill('[name=user]', settings.user);
  await page.fill('[name=password]', settings.password);
  await page.click('[type=submit]');
  await page.waitForURL('**/ops', { timeout: 30_000, waitUntil: 'commit' });
  await untilLive(page);
}

/** Opens the desk with the session of the context. */
export async function openDesk(page, language = 'vi') {
  await page.goto(`${settings.url}/ops?lang=${language}`);
  await untilLive(page);
}

export async function untilLive(page, timeout = 20_000) {
  await page.locator('[data-test=link].live').waitFor({ timeout });
  await page.locator('#device-grid [role=row][aria-selected]').first().waitFor({ timeout });
}

export function untilMap(page) {
  return page.waitForSelector('.map.ready', { timeout: 30_000 });
}

/** Publishes as a device does; without a program for it nothing can. */
export function publish(topic, message) {
  assert(settings.publish !== '', 'IOC_TEST_PUBLISH names no program that publishes to the broker of the hub');
  execFileSync('/bin/sh', ['-c', `${settings.publish} "$@"`, 'publish', topic, JSON.stringify(message)]);
}

/** Waits until `probe` says something truthy, and returns it. */
export async function until(what, probe, timeout_ms = 10_000) {
  const deadline = Date.now() + timeout_ms;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeout_ms / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export function equal(actual, expected, what) {
  assert(actual === expected, `${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}
