// What the two surfaces do beside showing the answer: they remember, forget, wait for the network, and speak a store's own words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { cross } from '../../www/embed/flat.js';
import { hostPage, shown, startApi, startBrowser, waitShown } from './harness.mjs';

let api;
let browser;
const tag = (more = '') => `<script async src="${api.origin}/embed.js" data-store="demo" ${more}></script>`;
const now = new Date().toISOString();
const order = { id: 1001, name: '#1001', created_at: now, updated_at: now, currency: 'USD', shipping_lines: [{ code: 'Standard' }],
  shipping_address: { city: 'San Francisco', province_code: 'CA', zip: '94103', country_code: 'US' }, line_items: [{ id: 7, sku: 'MUG-1', title: 'Stoneware mug', quantity: 2 }] };

before(async () => {
  api = await startApi();
  await api.shopify('orders/create', order);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await api?.stop();
});

test('the browser’s Wasm and the server give the same estimate, byte for byte', async () => {
  const shapes = JSON.parse(readFileSync('pkg/shapes.json', 'utf8')).estimate;
  const { exports: wasm } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync('pkg/estimate/estimate.wasm')));
  const document = await (await fetch(`${api.origin}/v1/stores/demo/promise.json`)).json();
  cross(wasm, [[shapes.document, document]], w => w.load_promise());
  const ui = { surface: 'checkout', ask: true, kept: false, need: null, titles: [], countries: ['US', 'NL'] };
  // Again and again: what one call leaves must not reach the next.
  for (let round = 0; round < 3; round++) {
    for (const [country, postal_code, items] of [['US', '94103', ['MUG-1:2', 'VASE-1:1']], ['US', '99501', ['MUG-1:1']], ['NL', '1011', ['CHAIR-1:1']], ['', '', ['LAMP-1:1', 'nobody knows:9']], ['US', '10001', []]]) {
      const query = new URLSearchParams({ country, postal_code });
      for (const item of items) query.append('item', item);
      const { sentence, ...theirs } = JSON.parse(await (await fetch(`${api.origin}/v1/stores/demo/estimate?${query}`)).text());
      assert.ok(sentence);
      const request = { items: items.map(i => ({ sku: i.split(':')[0], quantity: +i.split(':')[1] })), destination: { country, region: '', postal_code }, method: null };
      const out = cross(wasm, [[shapes.request, request], [shapes.ui, ui], ['s', 'en-US']], w => w.draw_estimate(Date.parse(theirs.computed_at)));
      out.number();
      assert.equal(JSON.stringify(out.take(shapes.estimate)), JSON.stringify(theirs));
    }
  }
});

test('a document of another shape is refused, not half read', () => {
  const wasm = { input: () => assert.fail('it was handed over') };
  for (const [shape, value] of [[['v', 's'], 'text'], ['n', 1.5], ['n', '1'], ['d', 'soon'], ['b', 1], [{ a: 's' }, []], [['p', 's', 's'], ['one']], [{ a: { b: 'n' } }, { a: { b: {} } }]]) {
    assert.throws(() => cross(wasm, [[shape, value]], () => {}), /another shape/);
  }
});

test('a destination is kept on the device only, used on the next page, and forgotten at once', async () => {
  const page = await hostPage(browser, `${tag()}<whereabouts-estimate sku="MUG-1">soon</whereabouts-estimate>`);
  await waitShown(page, 'whereabouts-estimate', /In most places within .* to United States/);
  await page.getByRole('textbox').fill('10001');
  await page.getByRole('combobox').selectOption('US');
  await page.getByRole('button', { name: 'Show my date' }).click();
  await waitShown(page, 'whereabouts-estimate', /^Get it .* to 10001 change forget/);
  await page.reload();
  await waitShown(page, 'whereabouts-estimate', /^Get it .* to 10001 change forget/);
  assert.deepEqual(await page.evaluate(() => [document.cookie, ...Object.keys(localStorage)]), ['', 'whereabouts:to']);
  await page.getByRole('button', { name: 'forget' }).click();
  await waitShown(page, 'whereabouts-estimate', /In most places within/);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('at checkout, what arrives by the date that is needed is marked', async () => {
  const page = await hostPage(browser, `${tag()}<whereabouts-estimate sku="MUG-1" country="US" postal-code="94103" surface="checkout">soon</whereabouts-estimate>`);
  await waitShown(page, 'whereabouts-estimate', /Standard .* I need it by/);
  await page.getByLabel('I need it by').fill('2035-01-03');
  await waitShown(page, 'whereabouts-estimate', /Standard .* In time for Wed, Jan 3 .*Express .* In time for/);
  await page.$eval('whereabouts-estimate', e => e.setAttribute('need-by', '2020-01-01'));
  await waitShown(page, 'whereabouts-estimate', /Nothing is sure to arrive by Wed, Jan 1/);
  await page.end();
});

test('without a network: where it stood, with its age; then it goes on by itself', async () => {
  const page = await hostPage(browser, `${tag()}<whereabouts-order token="${api.token('1001')}">soon</whereabouts-order>`);
  await waitShown(page, 'whereabouts-order', /We're packing it/);
  const kept = await page.evaluate(() => JSON.stringify(localStorage));
  for (const word of ['San Francisco', '94103', 'Stoneware', '1001', api.token('1001')]) assert.ok(!kept.includes(word), `${word} in ${kept}`);
  await page.context().setOffline(true);
  await waitShown(page, 'whereabouts-order', /^Last known this minute\. It refreshes when you are back online .*We're packing it/);
  await page.context().setOffline(false);
  await waitShown(page, 'whereabouts-order', /^Arriving/);
  // A page that opens while the API can't be reached knows what the device knew.
  await page.route('**/v1/orders/**', route => route.abort());
  await page.reload();
  await waitShown(page, 'whereabouts-order', /^Last known .*We're packing it/);
  await page.getByRole('button', { name: 'Forget on this device' }).click();
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('the days go into a calendar, without a server', async () => {
  const page = await hostPage(browser, `${tag()}<whereabouts-order token="${api.token('1001')}">soon</whereabouts-order>`);
  await waitShown(page, 'whereabouts-order', /We're packing it/);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Add to calendar' }).click()]);
  assert.match(download.suggestedFilename(), /^Fjord-Fern-1001\.ics$/);
  const text = readFileSync(await download.path(), 'utf8');
  const { from, to } = (await page.$eval('whereabouts-order', e => e.data)).estimate;
  assert.match(text, new RegExp(`^BEGIN:VCALENDAR\r\n[^]*DTSTART;VALUE=DATE:${from.replaceAll('-', '')}\r\n`));
  assert.ok(!text.includes(`DTEND;VALUE=DATE:${to.replaceAll('-', '')}`), 'the end of an all-day event is the day after');
  assert.ok(text.split('\r\n').every(line => Buffer.byteLength(line) <= 75));
  await page.end();
});

test('a store’s own texts count more than ours; a link that opens nothing is said where the store said nothing', async () => {
  const own = { '*': { why: 'Wie so?' }, en: { 'estimate.range': 'At your door {days}' } };
  const page = await hostPage(browser, `${tag('data-texts="/texts.json"')}<whereabouts-estimate sku="MUG-1" country="US" postal-code="94103">soon</whereabouts-estimate>
    <whereabouts-order token="${api.token('1001', 1)}"></whereabouts-order>`, { route: ['**/texts.json', route => route.fulfill({ json: own })] });
  await waitShown(page, 'whereabouts-estimate', /^At your door .* Wie so\?/);
  await waitShown(page, 'whereabouts-order', /^This link has expired$/);
  assert.match(await shown(page, 'whereabouts-estimate'), /to 94103/);
  await page.end();
});

test('what the merchant recommends stands in the order’s page, once there is one, and nothing without', async () => {
  await api.shopify('orders/create', { ...order, id: 4711, name: '#4711' });
  const page = await hostPage(browser, `${tag()}<whereabouts-order token="${api.token('4711')}">on its way<aside slot="recommendations"><a href="/tea">Tea for the mug</a></aside></whereabouts-order>
    <whereabouts-order id="plain" token="${api.token('4711')}">on its way</whereabouts-order>`);
  await waitShown(page, 'whereabouts-order', /Tea for the mug$/);
  const [tea, actions] = await page.$eval('whereabouts-order', e => [e.querySelector('aside').getBoundingClientRect(), e.shadowRoot.querySelector('.actions').getBoundingClientRect()].map(r => r.toJSON()));
  assert.ok(tea.height > 0 && tea.top >= actions.bottom, 'below all else');
  await waitShown(page, '#plain', /Ordered/);
  assert.equal(await page.$eval('#plain', e => e.shadowRoot.querySelector('slot[name=recommendations]').getBoundingClientRect().height), 0);
  await page.end();
});

test('a redraw keeps what is open, where one is, and what one types', async () => {
  const page = await hostPage(browser, `${tag()}<whereabouts-estimate sku="MUG-1">soon</whereabouts-estimate>`);
  await waitShown(page, 'whereabouts-estimate', /In most places/);
  await page.getByRole('textbox').pressSequentially('941');
  await page.$eval('whereabouts-estimate', e => { e.before = e.shadowRoot.querySelector('form'); e.redraw(); });
  await page.waitForTimeout(200);
  await page.keyboard.type('03');
  assert.deepEqual(await page.$eval('whereabouts-estimate', e => [e.before.isConnected, e.shadowRoot.querySelector('input').value, e.shadowRoot.activeElement?.id]), [true, '94103', 'postal']);
  await page.end();
});
