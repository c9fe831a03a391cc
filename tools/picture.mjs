// The README's picture, from the running demo: a product page before the purchase, an order page after it.
//   node tools/picture.mjs docs/demo.png
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { startBrowser, startDemo, waitShown, watchedPage } from '../tests/browser/harness.mjs';

const out = process.argv[2] ?? 'docs/demo.png';
const demo = await startDemo(40);
const browser = await startBrowser();
const pictures = [];
for (const [path, element, pattern] of [
  ['/products/mug', 'whereabouts-estimate', /^Get it/],
  [`/orders/${demo.order('#1001').token}`, 'whereabouts-order', /^Delivered/],
]) {
  const page = await watchedPage(browser, { viewport: { width: 560, height: 860 } });
  await page.goto(demo.shop + path);
  await waitShown(page, element, pattern, 20_000);
  pictures.push((await page.screenshot()).toString('base64'));
  await page.end();
}
const page = await browser.newPage({ viewport: { width: 1180, height: 920 } });
await page.setContent(`<style>body { margin: 0; display: flex; gap: 20px; padding: 20px; background: #d6d3c9 } img { border-radius: 8px; width: 560px }</style>
  ${pictures.map(p => `<img src="data:image/png;base64,${p}">`).join('')}`);
mkdirSync(dirname(out), { recursive: true });
await page.screenshot({ path: out, clip: { x: 0, y: 0, width: 1180, height: 900 } });
await browser.close();
await demo.stop();
