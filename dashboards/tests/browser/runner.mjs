// What runs browser tests and tells of them: one line per test, at the end `N passed, N failed`, which
// `tests/run` adds up. From: the files of tests beside this folder. Invariant: a test that fails does not
// hide the others; what any page did wrong is a test of its own at the end.
import { equal, newRecord, openPage } from './stage.mjs';

export const record = newRecord();
const results = [];

/** Runs one test; what `run` returns stands in its line. */
export async function test(name, run) {
  const started = Date.now();
  try {
    const detail = await run();
    results.push(true);
    console.log(`ok   ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)${detail ? `: ${detail}` : ''}`);
  } catch (error) {
    results.push(false);
    console.log(`FAIL ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Runs `use` on a page of its own, so that routes and scripts of one test do not reach the next. */
export async function onPage(context, use) {
  const page = await openPage(context, record);
  try {
    return await use(page);
  } finally {
    await page.close();
  }
}

/** The tests of what no page may do, the sum, and the end of the process. */
export async function finish() {
  await test('no message of the content security policy', () => equal(record.policy.join('\n'), '', 'policy'));
  await test('no request to another host', () => equal(record.foreign.join('\n'), '', 'requests'));
  await test('no error on any console', () => equal(record.errors.join('\n'), '', 'errors'));
  const failed = results.filter((passed) => !passed).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
