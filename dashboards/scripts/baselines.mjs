// Baselines of the pictures in tests/baselines/, which the long browser tests compare the pages with.
// `record`: keeps what a running hub with the simulated city answers, after bringing its alarms into every
// state; takes the environment of the browser tests. `update [FILE …]`: draws the pictures anew from the
// recording, all or those named; needs a hub only for the files of the page.
import { mkdirSync } from 'node:fs';
import { allNormal, emptyRecording, FOLDER, readRecording, writeRecording } from '../tests/browser/recording.mjs';
import { grey, onPicture, renewed, wanted } from '../tests/browser/pictures.mjs';
import { newRecord, openPage, signIn, until, withContexts } from '../tests/browser/stage.mjs';

/** Longest wait for an alarm that has returned without being acknowledged: faults last from four minutes on. */
const RETURNED_MS = 900_000;
/** The recorded instant lies after every answer that is kept: nothing comes from the future. */
const AHEAD_MS = 90_000;

const [command, ...files] = process.argv.slice(2);
mkdirSync(FOLDER, { recursive: true });
if (command === 'record') await withContexts(record);
else if (command === 'update') await withContexts(update);
else {
  console.error('usage: node scripts/baselines.mjs record | update [FILE …]');
  process.exit(2);
}

async function update(browser) {
  const recording = readRecording();
  let bytes = 0;
  for (const picture of wanted(recording)) {
    if (files.length > 0 && !files.includes(picture.file)) continue;
    const written = await renewed(browser, recording, picture);
    bytes += written;
    console.log(`${picture.file} ${(written / 1024).toFixed(0)} KB`);
  }
  console.log(`${(bytes / 1024).toFixed(0)} KB in all`);
}

async function record(browser) {
  const context = await browser.newContext();
  const page = await openPage(context, newRecord());
  await signIn(page);
  await everyState(page);
  const recording = emptyRecording(new Date(Date.now() + AHEAD_MS));
  recording.subjects = await subjects(page);
  const storageState = await context.storageState();
  await context.close();
  // One picture of each page asks for nearly everything, so it comes first: the answers are of one minute.
  const all = wanted(recording);
  const first = all.filter((picture, index) => all.findIndex(({ name }) => name === picture.name) === index);
  for (const picture of [...first, ...all.filter((each) => !first.includes(each))]) {
    await onPicture(browser, recording, picture, async () => {}, { fill: true, storageState });
    console.log(picture.file);
  }
  // The grey city asks for nothing else, but a page may choose another device to begin with.
  await grey(browser, allNormal(recording), 'desk').catch((cause) => console.log(cause.message));
  const { file, bytes, text } = writeRecording(recording);
  console.log(`${file}: ${(bytes / 1024).toFixed(0)} KB of ${(text / 1024).toFixed(0)} KB`);
  const alarms = recording.topics.alarms;
  const told = (name) => [...new Set(alarms.rows.map((row) => row[alarms.columns.indexOf(name)]))].join(', ');
  console.log(`states of alarms: ${told('state')}; suppressed by ${told('suppressed')}`);
}

/** What the hub says through its API. */
function api(page, path, body) {
  return page.evaluate(
    async ([of, sent]) => {
      const answer = await fetch(`/api/v1/${of}`, sent === null ? {} : { method: 'POST', body: JSON.stringify(sent), headers: { 'content-type': 'application/json' } });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${of}: ${answer.status} ${text}`);
      return text === '' ? null : JSON.parse(text);
    },
    [path, body ?? null],
  );
}

/** Acknowledges, shelves, suppresses, takes out of service one alarm each, and waits for one that has returned. */
async function everyState(page) {
  const all = async () => (await api(page, 'alarms?limit=10000')).items;
  const free = (alarm) => alarm.shelved === null && alarm.suppressed.length === 0 && alarm.out_of_service === null && alarm.priority > 1;
  const open = async () => (await all()).filter((alarm) => alarm.state === 'unack' && free(alarm));
  const [acked, shelved, suppressed, out] = await until('five unacknowledged alarms', async () => ((await open()).length >= 5 ? open() : null), RETURNED_MS);
  const path = (alarm, action) => `alarms/${encodeURIComponent(alarm.id)}/${action}`;
  await api(page, 'alarms/acknowledge', { ids: [{ id: acked.id, occurrence: acked.occurrence, state: acked.state }] });
  await api(page, path(shelved, 'shelve'), { until: new Date(Date.now() + 4 * 3_600_000).toISOString(), reason: 'Đang sửa tại chỗ' });
  await api(page, path(suppressed, 'suppress'), { reason: 'Thi công theo kế hoạch' });
  await api(page, path(out, 'out-of-service'), { reason: 'Chờ thay thiết bị', ticket: null });
  await until('an alarm that returned unacknowledged', async () => (await all()).some((alarm) => alarm.state === 'rtnun' && free(alarm)), RETURNED_MS);
}

/** The device and the source that the pictures show: normal ones, the first of their kind. */
async function subjects(page) {
  const { items } = await api(page, 'devices?limit=10000');
  const first = (service) => items.find((each) => each.service === service && each.condition === 1).id;
  return { signal: first('signal'), source: first('vds') };
}
