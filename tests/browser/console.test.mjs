// The console as a merchant uses it: from an empty installation to a delay that shoppers see at checkout.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { hostPage, startBrowser, startDemo, startServer, waitShown, watchedPage } from './harness.mjs';

let demo;
let browser;
let session;
before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A page that is signed in to the demo's console; one session for all of them. */
async function signedIn(options = {}) {
  const page = await watchedPage(browser, { ...options, storageState: session });
  page.refused = [];
  page.on('console', message => { if (/Content Security Policy/.test(message.text())) page.refused.push(message.text()); });
  if (!session) {
    await page.goto(`${demo.api}/console`);
    await page.getByLabel('Email').fill(demo.console.email);
    await page.getByLabel('Password').fill(demo.console.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/console/demo/overview');
    session = await page.context().storageState();
  }
  page.open = async path => { await page.goto(`${demo.api}/console/demo/${path}`); };
  return page;
}

/** Moves the focus with the keyboard until it stands on something with this name. */
async function tabTo(page, name) {
  for (let n = 0; n < 120; n++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const e = document.activeElement;
      const label = e.labels?.[0]?.textContent ?? e.textContent;
      return label.trim();
    });
    if (name.test(found)) return;
  }
  throw new Error(`no way to ${name} with the keyboard`);
}

/** The checkout of the demo store with a mug in the cart, in a browser that has never been there. */
async function checkout() {
  const page = await watchedPage(browser);
  await page.request.post(`${demo.shop}/cart`, { form: { sku: 'VASE-1', quantity: '1' } });
  await page.goto(`${demo.shop}/checkout`);
  await waitShown(page, 'whereabouts-estimate', /Standard .*Express|Get it/);
  const text = await page.$eval('whereabouts-estimate', e => e.shadowRoot.textContent.replace(/\s+/g, ' '));
  await page.end();
  return text;
}

test('from an empty installation to dates in a store', async () => {
  const started = await startServer();
  const page = await watchedPage(browser);
  let shop;
  try {
    await page.goto(`${started.listen}/console`);
    assert.match(await page.textContent('main'), /Nobody can sign in yet/);
    await page.goto(started.set_up);
    await page.getByLabel('Email').fill('ada@tea.example');
    await page.getByLabel('Your name').fill('Ada');
    await page.getByLabel('Password').fill('kettle lamp orbit 9');
    await page.getByRole('button', { name: 'Go on' }).click();
    // No store yet: the first thing asked for is one.
    await page.waitForURL('**/console/stores');
    await page.getByLabel('Name').fill('Tea & Toast');
    await page.getByLabel('Address').fill('https://tea.example');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.waitForURL('**/console/tea-toast/guide');
    await page.getByLabel('Parcels leave from').fill('Leeds');
    await page.getByLabel('Country').selectOption('GB');
    await page.getByLabel('Orders until').fill('16:00');
    await page.getByLabel('Shipping costs').fill('3.95');
    await page.getByLabel('We also ship abroad').check();
    await page.getByRole('button', { name: 'Make a draft' }).click();
    await page.waitForURL('**/policy?said=drafted');
    // What a shopper would see, before anybody does.
    await page.getByLabel('Postal code').fill('LS1 1AA');
    await page.waitForFunction(() => /Get it .* to LS1 1AA|Get it .*LS1/.test(document.querySelector('#shown').textContent));
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('status').waitFor();
    assert.match(await page.textContent('.said'), /Published/);
    // The snippet, in a page of a store.
    await page.goto(`${started.listen}/console/tea-toast/guide`);
    assert.match(await page.textContent('main'), /Waiting for the widget to be seen/);
    const tag = (await page.textContent('#snippet')).split('\n')[0].replace(/https?:\/\/[^/"]+/, started.listen);
    shop = await hostPage(browser, `${tag}<whereabouts-estimate sku="TEA-1" country="GB" postal-code="LS1 1AA" surface="product">Soon</whereabouts-estimate>`);
    await waitShown(shop, 'whereabouts-estimate', /^Get it/);
    // The guide notices by itself.
    await page.getByText('seen', { exact: true }).waitFor({ timeout: 15_000 });
    assert.match(await page.textContent('[data-poll]'), /http:\/\/127\.0\.0\.1:/);
    assert.deepEqual(page.errors, []);
  } finally {
    await shop?.end();
    await page.end();
    await started.stop();
  }
});

test('a delay in two clicks, by keyboard, is seen at checkout until it is ended', async () => {
  assert.doesNotMatch(await checkout(), /strike/i);
  const page = await signedIn();
  await page.open('delays');
  await tabTo(page, /^A strike$/);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/delays/new?reason=strike');
  // All languages are filled in; English is said more exactly.
  assert.equal(await page.locator('[name="message.de"]').inputValue(), 'Ein Streik');
  await tabTo(page, /^English$/);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('A strike at the harbour');
  await page.getByLabel('Postal code').fill('94103');
  await page.waitForFunction(() => /A strike at the harbour adds/.test(document.querySelector('#shown').textContent));
  await tabTo(page, /^Announce$/).catch(async () => { await page.getByRole('button', { name: 'Announce' }).focus(); });
  await page.keyboard.press('Enter');
  await page.waitForURL('**/delays?said=announced');
  assert.match(await checkout(), /A strike at the harbour adds about/);
  await page.getByRole('listitem').filter({ hasText: 'A strike at the harbour' }).getByRole('button', { name: 'End it' }).click();
  await page.waitForURL('**/delays?said=ended');
  assert.doesNotMatch(await checkout(), /strike/i);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('a policy changes as a draft, with its preview while one types, and goes back', async () => {
  const page = await signedIn();
  await page.open('policy/services');
  await page.getByRole('link', { name: 'UPS Ground' }).click();
  await page.open('policy/transit');
  await page.getByRole('link', { name: 'ups_ground: memphis to us_west' }).click();
  const shown = () => page.textContent('#shown');
  await page.getByLabel('Postal code').fill('94103');
  await page.waitForFunction(() => /Get it/.test(document.querySelector('#shown').textContent));
  const before = await shown();
  await page.getByLabel('At least, working days').fill('15');
  await page.getByLabel('At most').fill('20');
  await page.waitForFunction(old => document.querySelector('#shown').textContent !== old, before);
  assert.match(await shown(), /Get it/);
  await page.getByLabel('At most').fill('9999');
  await page.getByText('Write a number of days, from 0 to 365.').waitFor();
  await page.getByLabel('At most').fill('20');
  await page.getByRole('button', { name: 'Save in the draft' }).click();
  await page.waitForURL('**/policy/transit?said=saved');
  await page.open('policy');
  assert.match(await page.textContent('main'), /A draft, last changed .* by Demo/);
  await page.getByLabel('What changes').fill('Slower to the west');
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.waitForURL('**/policy?said=published');
  await page.getByRole('link', { name: 'History' }).click();
  assert.match(await page.textContent('main'), /Version 2.*Slower to the west.*Version 1/s);
  await page.getByRole('link', { name: 'Version 2' }).click();
  assert.match(await page.textContent('table'), /transit › memphis, ups_ground, us_west › days › min\s*3\s*15/);
  await page.goBack();
  await page.getByRole('link', { name: 'Version 1' }).click();
  await page.getByRole('button', { name: 'Publish this version again' }).click();
  await page.waitForURL('**/policy?said=published');
  assert.match(await page.textContent('main'), /Version 3 is published/);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('an order is found, looked at, corrected, and the correction taken back', async () => {
  const page = await signedIn();
  const shopper = await watchedPage(browser);
  await shopper.goto(`${demo.shop}/orders/${demo.order('#2002').token}`);
  await waitShown(shopper, 'whereabouts-order', /^Arriving/);
  await page.open('orders');
  await page.getByLabel('Find an order').fill('2002');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Order #2002' }).waitFor();
  assert.match(await page.textContent('main'), /Why this date.*policy version 1.*Events.*shopify orders\/create/s);
  await page.getByText('Write a scan').click();
  await page.getByLabel('State').selectOption('delivered');
  await page.getByLabel('Words').fill('The neighbour has it');
  await page.getByRole('button', { name: 'Add it' }).click();
  // The shopper's open page changes by itself.
  await waitShown(shopper, 'whereabouts-order', /^Delivered .*The neighbour has it/, 10_000);
  await page.reload();
  await page.getByRole('button', { name: 'Take back' }).click();
  await waitShown(shopper, 'whereabouts-order', /^Arriving/, 10_000);
  assert.deepEqual(page.errors.concat(shopper.errors), []);
  await shopper.end();
  await page.end();
});

test('keys, webhooks, people and the look', async () => {
  const page = await signedIn();
  await page.open('keys');
  await page.getByRole('button', { name: 'Make a new admin key' }).click();
  const key = await page.textContent('#secret');
  const ask = () => fetch(`${demo.api}/v1/admin/stores/demo/delays`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await ask()).status, 200);
  await page.open('keys');
  assert.ok(!(await page.content()).includes(key), 'shown once');
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.waitForURL('**/keys?said=removed');
  assert.equal((await ask()).status, 401);

  await page.open('webhooks');
  await page.getByText('Add an address').click();
  await page.getByLabel('Address').fill('https://10.0.0.1/');
  await page.getByRole('button', { name: 'Add it' }).click();
  assert.match(await page.textContent('[role=alert]'), /not a public address/);
  await page.getByLabel('Address').fill('https://hooks.tea.example/x');
  await page.getByRole('button', { name: 'Add it' }).click();
  assert.match(await page.textContent('#secret'), /^whsec_/);
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.waitForURL('**/webhooks?said=removed');

  await page.open('people');
  await page.getByLabel('Email').fill('bo@fjord-fern.example');
  await page.getByRole('combobox', { name: 'Role', exact: true }).selectOption('viewer');
  await page.getByRole('button', { name: 'Make a link' }).click();
  const path = new URL(await page.textContent('#link')).pathname;
  const bo = await watchedPage(browser);
  await bo.goto(`${demo.api}${path}`);
  await bo.getByLabel('Your name').fill('Bo');
  await bo.getByLabel('Password').fill('orbit kettle lamp 7');
  await bo.getByRole('button', { name: 'Go on' }).click();
  await bo.waitForURL('**/overview');
  assert.equal(await bo.getByRole('link', { name: 'Keys and secrets' }).count(), 0, 'a viewer has no way there');
  assert.equal((await bo.goto(`${demo.api}/console/demo/keys`)).status(), 403);
  await bo.end();

  await page.open('look');
  await page.getByLabel('Accent').fill('#ffe600');
  await page.getByText(/accent.* is hard to read/).waitFor();
  await page.waitForFunction(() => getComputedStyle(document.querySelector('.look .link, .look .change')).color === 'rgb(255, 230, 0)');
  await page.getByLabel('Accent').fill('#7a1f5c');
  await page.getByText(/Everything can be read/).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL('**/look?said=saved');
  assert.match(await (await fetch(`${demo.api}/v1/stores/demo/look.css`)).text(), /--whereabouts-accent: #7a1f5c/);
  await page.open('log');
  assert.match(await page.textContent('table'), /look\.save.*people\.join.*webhook\.remove.*key\.remove.*key\.add/s);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('without script everything works by plain forms', async () => {
  await (await signedIn()).end();
  const page = await watchedPage(browser, { javaScriptEnabled: false, storageState: session });
  const open = path => page.goto(`${demo.api}/console/demo/${path}`);
  await open('policy');
  await page.getByLabel('Postal code').fill('10001');
  await page.getByRole('button', { name: 'Show' }).click();
  assert.match(await page.textContent('#shown'), /Get it .*10001/s);
  await open('policy/items/new');
  await page.getByLabel('SKU').first().fill('TABLE-1');
  await page.locator('[name="lead.min"]').fill('5');
  await page.getByRole('button', { name: 'Save in the draft' }).click();
  assert.match(await page.textContent('main'), /TABLE-1\s*made to order, 5 to 5 working days/);
  await open('policy');
  await page.getByRole('button', { name: 'Discard the draft' }).click();
  assert.match(await page.textContent('.said'), /The draft is gone/);
  await open('look');
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0);
  await page.getByRole('button', { name: 'Sign out' }).click();
  assert.match(page.url(), /sign-in$/);
  session = undefined;
  await page.end();
});

const pages = [
  'overview', 'guide', 'orders', 'orders?q=2', 'orders/4507891004', 'policy', 'policy/basics', 'policy/json', 'policy/history', 'policy/history/1', 'policy/origins', 'policy/origins/0',
  'policy/services/0', 'policy/zones/0', 'policy/transit/0', 'policy/methods/0', 'policy/items', 'policy/items/new', 'delays', 'delays/new?reason=weather', 'reports', 'help', 'help/faqs/new', 'help/contacts/new', 'look', 'problems', 'webhooks',
  'keys', 'people', 'log', '../account', '../../console?all', '../stores',
];
for (const [name, options] of [
  ['a phone', { viewport: { width: 320, height: 640 }, hasTouch: true }],
  ['a desktop', { viewport: { width: 1280, height: 800 } }],
  ['a desktop at night', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
]) {
  test(`on ${name}: every page can be read and used by everybody`, async () => {
    const page = await signedIn(options);
    for (const path of pages) {
      await page.open(path);
      assert.notEqual(await page.textContent('h1'), 'Not found', path);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, `${path} is wider than the screen`);
      const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      assert.deepEqual(found.violations.map(v => `${v.id}: ${v.nodes[0].html}`), [], path);
      assert.deepEqual([page.errors, page.refused], [[], []], path);
    }
    await page.end();
  });
}
