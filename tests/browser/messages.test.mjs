// Messages in the console, as whoever runs a store would change them: rules, words with a look at real orders, consent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { startBrowser, startDemo, watchedPage } from './harness.mjs';

let demo;
let browser;
let session;
before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
  const page = await watchedPage(browser);
  await page.goto(`${demo.api}/console`);
  await page.getByLabel('Email').fill(demo.console.email);
  await page.getByLabel('Password').fill(demo.console.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/console/demo/overview');
  session = await page.context().storageState();
  await page.end();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const signedIn = async options => {
  const page = await watchedPage(browser, { ...options, storageState: session });
  page.open = path => page.goto(`${demo.api}/console/demo/${path}`);
  return page;
};

test('a rule is changed with the keyboard alone, and what is wrong with it is said', async () => {
  const page = await signedIn();
  await page.open('messages/rules/shipped-mail');
  await page.getByLabel('Wait, minutes').focus();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('20000');
  await page.getByLabel('Destination').focus();
  await page.keyboard.type('us-ca, de');
  await page.keyboard.press('Enter');
  assert.match(await page.textContent('[role=alert]'), /a week at most/);
  assert.equal(await page.getByLabel('Destination').inputValue(), 'US-CA, DE', 'what was written stays');
  await page.getByLabel('Wait, minutes').focus();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('20');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/messages/rules?said=saved');
  assert.match(await page.textContent('main'), /after 20 min · to US-CA, DE/);
  // Switched off and on again, each in one step.
  const row = page.locator('li', { has: page.locator('a[href$="/messages/rules/delivered-mail"]') });
  await row.getByRole('button', { name: 'Switch off' }).click();
  await row.getByRole('button', { name: 'Switch on' }).click();
  await row.getByRole('button', { name: 'Switch off' }).waitFor();
  assert.deepEqual(page.errors, []);
  await page.end();
});

/** What the frame with the message says. */
const framed = async (page, pattern) => {
  for (let n = 0; n < 100; n++) {
    const text = await page.frameLocator('iframe[name=shown]').locator('body').innerText().catch(() => '');
    if (pattern.test(text)) return text;
    await page.waitForTimeout(50);
  }
  throw new Error(`the frame never said ${pattern}`);
};

test('words are looked at on a real order as one types, tried, and kept', async () => {
  const page = await signedIn();
  await page.open('messages/words/shipped/en');
  await framed(page, /Your order #1001 is on its way/);
  const before = await page.evaluate(() => history.length);
  await page.getByLabel('On the order').fill('1003');
  await page.getByLabel('Subject').fill('Off it goes: {{ order.number }}');
  await framed(page, /Off it goes: #/);
  assert.equal(await page.evaluate(() => history.length), before, 'looking is no step of “back”');
  // The mail itself, in a frame without rights.
  const mail = page.frameLocator('iframe[name=shown]').frameLocator('iframe.body');
  await mail.locator('h1, [role=heading]').first().waitFor();
  await page.getByLabel('Subject').fill('{{ order.numbr }} {% if %}');
  await framed(page, /Subject: .*/);
  await page.getByLabel('Subject').fill('{% if %}');
  await page.getByRole('button', { name: 'Save' }).click();
  assert.match(await page.textContent('[role=alert]'), /Subject:/);
  assert.equal(await page.getByLabel('Subject').inputValue(), '{% if %}');
  await page.getByLabel('Subject').fill('Off it goes: {{ order.number }}');
  await page.getByRole('button', { name: 'Send the test' }).click();
  await page.getByRole('status').getByText('Sent.').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await page.open('messages/words');
  assert.match(await page.textContent('main'), /English\s*own words/);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('without script the look is a button', async () => {
  const page = await signedIn({ javaScriptEnabled: false });
  await page.open('messages/words/delivered/de');
  await page.getByLabel('Subject').fill('Da: {{ order.number }}');
  await page.getByRole('button', { name: 'Show it' }).click();
  await page.frameLocator('iframe[name=shown]').getByText('Da: #1001').first().waitFor();
  await page.open('messages/people?of=1003');
  await page.open('messages/people');
  await page.getByLabel('Write no more to').fill('ada@example.com');
  await page.getByRole('button', { name: 'Write no more' }).click();
  assert.match(await page.textContent('main'), /a…@example\.com[\s\S]*your decision/);
  await page.getByRole('button', { name: 'Write to it again' }).click();
  assert.match(await page.textContent('.said'), /Saved/);
  await page.end();
});

test('letters of a trial are there to be read, by day and by night', async () => {
  const page = await signedIn();
  // They are written while the demo's parcels move, without a setting.
  const letters = page.getByRole('link', { name: 'See the letter' });
  for (let n = 0; n < 60; n++) {
    await page.open('messages?state=sent');
    if (await letters.count() > 0) break;
    await new Promise(done => setTimeout(done, 250));
  }
  assert.match(await page.textContent('main'), /mails go into a folder on this machine, and nowhere else/);
  await letters.first().click();
  const facts = await page.textContent('dl.facts');
  assert.match(facts, /From.*Fjord & Fern.*To.*shopper@example\.com.*Subject.*Sent.*into a folder.*KB, with one click to end these mails/s);
  const size = Number(facts.match(/([\d.]+) KB/)[1]);
  assert.ok(size > 1 && size < 102, `${size} KB`);
  const inside = page.frameLocator('iframe[title="The mail"]');
  await inside.getByRole('link', { name: /order/i }).first().waitFor();
  const paper = () => inside.locator('body').evaluate(body => getComputedStyle(body).backgroundColor);
  const day = await paper();
  assert.deepEqual((await new AxeBuilder({ page }).analyze()).violations.map(v => v.id), []);
  await page.getByRole('link', { name: 'As it looks in the dark' }).click();
  await inside.getByRole('link', { name: /order/i }).first().waitFor();
  assert.notEqual(await paper(), day);
  letter = new URL(page.url()).pathname.replace('/console/demo/', '');
  assert.deepEqual(page.errors, []);
  await page.end();
});

let letter;
const pages = [
  'messages', 'messages?state=failed', 'messages/rules', 'messages/rules/new?notice=quiet', 'messages/rules/shipped-mail', 'messages/hooks/new', 'messages/words', 'messages/words/at_risk/ar',
  'messages/people', 'messages/people?of=1003', 'messages/options', 'incidents', 'carriers', 'privacy', 'policy/methods/0', 'policy/items/new', 'policy/learned', 'insights', 'insights/contacts', 'insights/areas', 'insights/messages', 'insights/feedback', 'insights/reports',
];
for (const [name, options] of [
  ['a phone', { viewport: { width: 320, height: 640 }, hasTouch: true }],
  ['a desktop at night', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
]) {
  test(`on ${name}: every page can be read and used by everybody`, async () => {
    const page = await signedIn(options);
    for (const path of [...pages, letter]) {
      await page.open(path);
      assert.notEqual(await page.textContent('h1'), 'Not found', path);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, `${path} is wider than the screen`);
      const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      assert.deepEqual(found.violations.map(v => `${v.id}: ${v.nodes[0].html}`), [], path);
      assert.deepEqual(page.errors, [], path);
    }
    await page.end();
  });
}
