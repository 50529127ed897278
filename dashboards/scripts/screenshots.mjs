// Pictures of the desk in both languages, from a running hub: screenshots/desk-vi.png, desk-en.png.
// Takes the same environment as the browser tests.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { newRecord, openDesk, openPage, signIn, untilMap, withBrowser } from '../tests/browser/stage.mjs';

const FOLDER = new URL('../screenshots/', import.meta.url).pathname;
/** Time for labels, charts and the first ages to settle. */
const SETTLE_MS = 4_000;

mkdirSync(FOLDER, { recursive: true });
await withBrowser(async (context) => {
  const page = await openPage(context, newRecord());
  await signIn(page);
  for (const language of ['vi', 'en']) {
    await openDesk(page, language);
    await untilMap(page);
    await page.waitForTimeout(SETTLE_MS);
    const path = join(FOLDER, `desk-${language}.png`);
    await page.screenshot({ path });
    console.log(path);
  }
});
