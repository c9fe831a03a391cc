import { startBrowser, startDemo, watchedPage } from './harness.mjs';
const demo = await startDemo(20);
const browser = await startBrowser();
console.log(demo.console);
const pages = process.argv.slice(2);
for (const [name, options] of [['desktop', { viewport: { width: 1280, height: 800 } }], ['phone', { viewport: { width: 360, height: 740 }, hasTouch: true }], ['dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }]]) {
  const page = await watchedPage(browser, options);
  await page.goto(`${demo.api}/console/sign-in`);
  if (name !== 'dark') await page.screenshot({ path: `/tmp/shots/sign-in-${name}.png`, fullPage: true });
  await page.getByLabel('Email').fill(demo.console.email);
  await page.getByLabel('Password').fill(demo.console.password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/overview');
  for (const path of pages) {
    await page.goto(`${demo.api}/console/demo/${path}`);
    await page.waitForTimeout(200);
    await page.screenshot({ path: `/tmp/shots/${path.replace(/[^a-z0-9]/g, '_')}-${name}.png`, fullPage: true });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider) console.log('wider', path, name, wider);
    if (page.errors.length) console.log(path, page.errors);
  }
  await page.end();
}
await browser.close();
await demo.stop();
