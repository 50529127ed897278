// A hub that was recorded: its answers and the snapshots of its live channel at one instant, replayed to a
// page whose clock is stopped there. From: tests/baselines/hub.json.br, written by scripts/baselines.mjs from
// a running hub. To: pictures that only change when the page does. Invariants: nothing is invented, what was
// not recorded is a failure with its address; the page's files themselves come from the hub under test.
// While recording, the same replay passes on to the real hub what it does not know yet, and keeps the answer.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { assert } from './stage.mjs';

export const FOLDER = new URL('../baselines/', import.meta.url).pathname;
const FILE = join(FOLDER, 'hub.json.br');
/** What the hub answers itself; everything else are files of the page. */
const ANSWERED = /^\/(api|open311)\//;
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)/g;
/** Two requests for spans that lie closer than this are one. */
const SAME_MS = 60_000;
/** Time of the page from its start to the picture: it ends in the middle of a second, so that none turns. */
const SETTLE_MS = 4_500;
/** How it passes: slowly until the page is ready. */
const STEP_MS = 250;
const STEP_UNREADY_MS = 100;
/** Time of ours in each step, for workers and sockets; more as long as the page is not ready. */
const PAUSE_MS = 15;
const PAUSE_UNREADY_MS = 120;
const ANSWER_MS = 15_000;

/** A recording of a whole second, with nothing in it. */
export function emptyRecording(at) {
  return { at: new Date(Math.floor(at.getTime() / 1_000) * 1_000).toISOString(), hello: null, subjects: {}, topics: {}, answers: {} };
}

export function readRecording() {
  assert(existsSync(FILE), `no recorded hub at ${FILE}: npm run baselines:record makes it`);
  return JSON.parse(brotliDecompressSync(readFileSync(FILE)).toString());
}

export function writeRecording(recording) {
  const text = Buffer.from(JSON.stringify(recording));
  const packed = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } });
  writeFileSync(FILE, packed);
  return { file: FILE, bytes: packed.length, text: text.length };
}

/** Alarms of one kind that a picture of their states shows. */
const ALARMS_OF_KIND = 2;

/** The recording with some alarms of each state and priority, and those whose history was recorded. */
export function fewAlarms(recording) {
  const { alarms } = recording.topics;
  if (alarms === undefined) return recording;
  const counts = new Map();
  const rows = alarms.rows.filter((row) => {
    const of = (name) => row[alarms.columns.indexOf(name)];
    const kind = [of('state'), of('priority'), of('suppressed'), of('shelved') !== null, of('out_of_service') !== null].join();
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts.get(kind) <= ALARMS_OF_KIND || recording.answers[`GET /api/v1/alarms/${encodeURIComponent(of('id'))}`] !== undefined;
  });
  return { ...recording, topics: { ...recording.topics, alarms: { ...alarms, rows } } };
}

/** The recording without what is not normal: what is left of devices, sources and alarms is grey. */
export function allNormal(recording) {
  const normal = structuredClone(recording);
  normal.topics.alarms.rows = [];
  if (normal.hello.alarms !== null) for (const priority of Object.keys(normal.hello.alarms.unacknowledged)) normal.hello.alarms.unacknowledged[priority] = 0;
  const { devices } = normal.topics;
  const condition = devices.columns.indexOf('condition');
  devices.rows = devices.rows.filter((row) => row[condition] === 1);
  const kept = new Set(devices.rows.map((row) => row[0]));
  for (const [key, answers] of Object.entries(normal.answers)) {
    if (!key.startsWith('GET /api/v1/devices?')) continue;
    for (const answer of answers) {
      const body = JSON.parse(answer.text);
      answer.text = JSON.stringify({ ...body, items: body.items.filter(({ id }) => kept.has(id)) });
    }
  }
  return normal;
}

/** A clock runs from its start on, and does not stop at what lies behind it: longer than a busy machine hesitates. */
const START_MS = 60_000;

/** Stops the page's clock at the recorded instant. Before the first address is opened. */
export async function freeze(page, recording) {
  const at = new Date(recording.at);
  await page.clock.install({ time: new Date(at.getTime() - START_MS) });
  await page.clock.pauseAt(at);
}

/** Lets the page's time pass, in steps between which everything asked for is answered. */
export async function settle(page, replay, ready, { for_ms = SETTLE_MS, ready_step_ms = STEP_MS } = {}) {
  let isReady = false;
  let left_ms = for_ms;
  while (left_ms > 0) {
    const step_ms = Math.min(left_ms, isReady ? ready_step_ms : STEP_UNREADY_MS);
    await page.clock.runFor(step_ms);
    left_ms -= step_ms;
    const deadline = Date.now() + ANSWER_MS;
    while (replay.waiting > 0 && Date.now() < deadline) await pause(PAUSE_MS);
    isReady ||= await page.evaluate((selector) => document.querySelector(selector) !== null, ready);
    await pause(isReady ? PAUSE_MS : PAUSE_UNREADY_MS);
  }
  assert(isReady, `no ${ready} within ${for_ms / 1_000} s of the page's time`);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const SOURCES = new URL('../../src/', import.meta.url).pathname;
/** How the page's data layer asks for an address or a topic. */
const ASKS = /(?:(?<![.\w])(?:get|getBytes)|\.(?:subscribe|listen))\(\s*(['`])([^'`]+)\1/g;
/** What no picture needs, and who asks for it; `*` stands for what is filled in. */
const NOT_IN_PICTURES = {
  'alarms/journal': 'the tab of the journal',
  'alarms/performance': '/alarms/kpi',
  cameras: '/cctv',
  'devices/*/equipment': 'pages of cabinets and cameras',
  'devices/*/still': '/cctv',
  handovers: '/log',
  'indicators/*/records': 'a click on a figure',
  journal: '/log',
  pcu: 'pages of stations and corridors',
  'quarantine/*': 'a click on a refused message',
  'scorecards/nine': 'a tab of /reform',
  series: 'charts of stations and corridors',
  'sessions/current': 'whoever cannot connect',
  state: 'the replay',
  'tickets/*': 'a click on a request',
};

/** The sources and the recording agree on what the pictures need. What only differs in its query shows in the pictures. */
export function covered(recording) {
  const files = readdirSync(SOURCES, { recursive: true }).filter((name) => name.endsWith('.ts') || name.endsWith('.svelte'));
  const texts = files.map((name) => readFileSync(join(SOURCES, name), 'utf8'));
  const asked = new Set(texts.flatMap((text) => [...text.matchAll(ASKS)].map((found) => found[2].replace(/\$\{[^}]*\}/g, '*'))));
  const known = [...Object.keys(recording.answers).map((key) => key.replace(/^GET (\/api\/v1\/)?/, '').replace(/\?.*$/, '')), ...Object.keys(recording.topics)];
  const isKnown = (address) => known.some((each) => new RegExp(`^${address.replaceAll('*', '[^/]+')}$`).test(each));
  const missing = [...asked].filter((address) => !isKnown(address) && NOT_IN_PICTURES[address] === undefined);
  assert(missing.length === 0, `asked for, but not in the recorded hub: ${missing.join(', ')} (npm run baselines:record; if no picture needs it, NOT_IN_PICTURES)`);
  const idle = Object.keys(NOT_IN_PICTURES).filter((address) => !asked.has(address) || isKnown(address));
  assert(idle.length === 0, `in NOT_IN_PICTURES for nothing: ${idle.join(', ')}`);
  return `${asked.size} addresses and topics, ${asked.size - Object.keys(NOT_IN_PICTURES).length} of them recorded`;
}

/** Answers the page from the recording. `fill`: what it does not hold is asked of the hub and kept. */
export async function replayed(page, recording, { fill = false } = {}) {
  const replay = { waiting: 0, missing: [] };
  await page.route(
    (url) => ANSWERED.test(url.pathname),
    async (route) => {
      replay.waiting += 1;
      try {
        await answer(route, recording, replay, fill);
      } finally {
        replay.waiting -= 1;
      }
    },
  );
  await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => live(socket, recording, replay, fill));
  return replay;
}

async function answer(route, recording, replay, fill) {
  const request = route.request();
  const { key, times_ms } = keyOf(request.method(), request.url());
  const known = recording.answers[key] ?? [];
  const far = (each) => each.times_ms.reduce((sum, time_ms, index) => sum + Math.abs(time_ms - times_ms[index]), 0);
  const nearest = known.reduce((a, b) => (a !== null && far(a) <= far(b) ? a : b), null);
  let found = nearest;
  if (fill && (nearest === null || far(nearest) > SAME_MS)) {
    found = await kept(await route.fetch(), times_ms);
    recording.answers[key] = [...known, found];
  }
  if (found === null) {
    replay.missing.push(key);
    return route.abort();
  }
  const body = found.text ?? Buffer.from(found.base64, 'base64');
  return route.fulfill({ status: found.status, headers: found.headers, body });
}

/** Address with its instants taken out, which differ from one page to the next. */
function keyOf(method, address) {
  const url = new URL(address);
  url.searchParams.sort();
  const times_ms = [];
  const asked = decodeURIComponent(url.search).replace(INSTANT, (instant) => {
    times_ms.push(Date.parse(instant));
    return '*';
  });
  return { key: `${method} ${url.pathname}${asked}`, times_ms };
}

/** Status, type and body of an answer; text as text, so that the whole compresses well. */
async function kept(response, times_ms) {
  assert(response.status() < 500, `the hub is not well: ${response.status()} for ${response.url()}`);
  const headers = Object.fromEntries(Object.entries(response.headers()).filter(([name]) => name === 'content-type' || name.startsWith('x-ioc-')));
  const body = await response.body();
  const isText = /json|text|xml/.test(headers['content-type'] ?? '');
  return { times_ms, status: response.status(), headers, ...(isText ? { text: body.toString() } : { base64: body.toString('base64') }) };
}

function live(socket, recording, replay, fill) {
  const at_ms = Date.parse(recording.at);
  const asked = new Map();
  let first_ping = null;
  const hub = fill ? socket.connectToServer() : null;
  const send = (frame) => socket.send(JSON.stringify(frame));
  const greet = () => send({ ...recording.hello, time: recording.at });
  const show = (id, topic) => {
    const found = recording.topics[topic];
    if (found.refused !== undefined) return send({ op: 'error', id, ...found.refused });
    return send({ op: 'snapshot', id, cursor: `${recording.hello.epoch}:1`, time: recording.at, part: 1, last: true, ...found });
  };
  socket.onMessage((message) => {
    const frame = JSON.parse(message);
    if (frame.op === 'ping') {
      // The recorded hub lives on the page's clock.
      first_ping ??= frame.t;
      send({ op: 'pong', t: frame.t, time: new Date(at_ms + frame.t - first_ping).toISOString() });
    }
    if (frame.op !== 'subscribe') return;
    const topic = frame.filter === undefined ? frame.topic : `${frame.topic} ${JSON.stringify(frame.filter)}`;
    if (recording.topics[topic] !== undefined) return show(frame.id, topic);
    if (hub === null) {
      replay.missing.push(`topic ${topic}`);
      return;
    }
    asked.set(frame.id, { topic, rows: [] });
    replay.waiting += 1;
    hub.send(message);
  });
  hub?.onMessage((message) => {
    const frame = JSON.parse(message);
    if (frame.op === 'hello') {
      recording.hello ??= frame;
      return greet();
    }
    const wanted = asked.get(frame.id);
    if (wanted === undefined) return;
    if (frame.op === 'error') recording.topics[wanted.topic] = { refused: { code: frame.code, detail: frame.detail } };
    else if (frame.op !== 'snapshot') return;
    else {
      wanted.rows.push(...frame.rows);
      if (!frame.last) return;
      const { columns, stored, seq } = frame;
      recording.topics[wanted.topic] = { columns, rows: wanted.rows, stored, seq };
      hub.send(JSON.stringify({ op: 'unsubscribe', id: frame.id }));
    }
    asked.delete(frame.id);
    replay.waiting -= 1;
    show(frame.id, wanted.topic);
  });
  if (hub === null) greet();
}
