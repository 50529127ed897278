// How a page grows while it runs: heap and DOM nodes after garbage collection, at even distances; of the nodes
// those that stand in the document are `shown`, the others are held by something.
// From: the Chromium DevTools protocol. Invariant: a figure is taken only after everything unreachable is gone.

/** Samples of one measurement: enough for a slope that one late collection does not bend. */
const SAMPLES = 7;
const MINUTE_S = 60;

/** Watches for so many seconds. Heap slope in MB a minute (least squares), heap in MB and nodes first and last. */
export async function growth(page, seconds) {
  const taken = await samples(page, SAMPLES, () => page.waitForTimeout((seconds * 1_000) / (SAMPLES - 1)));
  return { mb_min: slope(taken.map(({ at_s, heap_mb }) => [at_s, heap_mb])) * MINUTE_S, first: taken[0], last: taken[taken.length - 1] };
}

/** Heap in MB, nodes and those shown so many times; `pass` is what happens from one to the next. */
export async function samples(page, count, pass) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const measure = async () => {
    const shown = await page.evaluate(inDocument);
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    return { at_s: of('Timestamp'), heap_mb: of('JSHeapUsedSize') / 1e6, nodes: of('Nodes'), shown };
  };
  const taken = [await measure()];
  while (taken.length < count) {
    await pass();
    taken.push(await measure());
  }
  await session.detach();
  return taken;
}

/** Nodes that stand in the document. */
function inDocument() {
  const walker = document.createTreeWalker(document);
  let count = 1;
  while (walker.nextNode() !== null) count += 1;
  return count;
}

export function told({ mb_min, first, last }) {
  return `${mb_min.toFixed(2)} MB a minute (${first.heap_mb.toFixed(1)} to ${last.heap_mb.toFixed(1)} MB), ${first.nodes} to ${last.nodes} nodes, of them shown ${first.shown} to ${last.shown}`;
}

/** Slope of the straight line with the least squares through [x, y]. */
function slope(points) {
  const mean = (at) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
