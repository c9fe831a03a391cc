// The gallery, as a shopper sees it on a phone and on a desktop: every state of both surfaces, light, dark and from right to left.
//   node tools/pictures.mjs [folder]     writes gallery-phone.jpg and gallery-desktop.jpg, and order-phone.png
import { mkdirSync } from 'node:fs';
import { startBrowser, startDemo, waitShown, watchedPage } from '../tests/browser/harness.mjs';

const folder = process.argv[2] ?? 'docs';
mkdirSync(folder, { recursive: true });
const demo = await startDemo(40);
const browser = await startBrowser();
for (const [name, path, viewport, fullPage] of [
  ['gallery-phone.jpg', '/gallery', { width: 390, height: 844 }, true],
  ['gallery-desktop.jpg', '/gallery', { width: 1280, height: 900 }, true],
  ['order-phone.png', `/orders/${demo.order('#1004').token}`, { width: 390, height: 844 }, false],
]) {
  const page = await watchedPage(browser, { viewport });
  await page.goto(demo.shop + path);
  await waitShown(page, 'whereabouts-estimate, whereabouts-order', /^(Get it|Arriving|Running|Delivered)/, 15_000);
  // The last ones are drawn too.
  await page.waitForTimeout(3000);
  await page.screenshot({ path: `${folder}/${name}`, fullPage, ...(name.endsWith('jpg') && { type: 'jpeg', quality: 30 }) });
  await page.end();
}
await browser.close();
await demo.stop();
