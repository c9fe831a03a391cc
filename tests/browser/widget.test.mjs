// The widget in a real browser, on a page of another origin, against the real API.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { hostPage, shown, startApi, startBrowser, waitShown } from './harness.mjs';

let api;
let browser;
const tag = () => `<script async src="${api.origin}/embed.js" data-store="demo"></script>`;
const estimate = (attributes = 'country="US" postal-code="94103"') =>
  `<whereabouts-estimate sku="MUG-1" quantity="1" ${attributes}>Usually arrives in 3 to 6 days</whereabouts-estimate>`;
const order = { id: 1001, name: '#1001', created_at: new Date().toISOString(), updated_at: new Date().toISOString(), currency: 'USD', shipping_lines: [{ code: 'Standard' }],
  shipping_address: { city: 'San Francisco', province_code: 'CA', zip: '94103', country_code: 'US' }, line_items: [{ id: 7, sku: 'MUG-1', title: 'Stoneware mug', quantity: 2 }] };
const number = '1Z5R89390357567127';
const tracker = (id, details) => ({ id, object: 'Event', result: { tracking_code: number, carrier: 'UPS', status: details.at(-1).status, tracking_details: details } });

before(async () => {
  api = await startApi();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await api?.stop();
});

test('a product page shows a window, and no request carries the shopper’s destination', async () => {
  const page = await hostPage(browser, tag() + estimate());
  const urls = [];
  page.on('request', r => urls.push(r.url()));
  await waitShown(page, 'whereabouts-estimate', /^Get it \w{3}, \w{3} \d+/);
  assert.match(await shown(page, 'whereabouts-estimate'), /to 94103/);
  assert.ok(urls.every(u => !u.includes('94103')), urls.join('\n'));
  assert.ok(urls.every(u => !u.includes('order.')), 'a product page never loads the order surface');
  assert.equal((await page.$eval('whereabouts-estimate', e => e.data)).options.length, 3);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('the postal code can be typed, by keyboard', async () => {
  const page = await hostPage(browser, tag() + estimate(''));
  await waitShown(page, 'whereabouts-estimate', /In most places within \d+ to \d+ days/);
  await page.keyboard.press('Tab');
  await page.keyboard.type('94103');
  await page.keyboard.press('Enter');
  await waitShown(page, 'whereabouts-estimate', /^Get it .* to 94103/);
  await page.end();
});

test('a delay notice shows at checkout, with its reason', async () => {
  const notice = { id: 'snow', scope: { origins: ['memphis'] }, from: '2020-01-01T00:00:00Z', effect: { min: 1, max: 1 }, reason: 'weather', severity: 2, message: { en: 'Snow in Memphis' } };
  assert.equal((await api.admin('delays', notice)).status, 201);
  const page = await hostPage(browser, tag() + estimate('country="US" postal-code="94103" surface="checkout"'));
  const text = await waitShown(page, 'whereabouts-estimate', /Snow in Memphis adds about/);
  for (const word of ['Standard', '$4.95', 'Express', '$14.95', 'Economy', 'Free', 'Fastest', 'Cheapest']) assert.ok(text.includes(word), `${word} in ${text}`);
  const found = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(found.violations.map(v => v.id), []);
  await page.end();
});

test('an order page changes by itself within a second of a webhook', async () => {
  await api.shopify('orders/create', order);
  const page = await hostPage(browser, `${tag()}<whereabouts-order token="${api.token('1001')}">Your order is on its way</whereabouts-order>`);
  await waitShown(page, 'whereabouts-order', /^(Arriving|Probably) .* We're packing it · Promised by .* Snow in Memphis adds about a day Not shipped yet Ordered Shipped Out for delivery Delivered Stoneware mug × 2/);
  const created_at = new Date().toISOString();
  await api.shopify('fulfillments/create', { id: 11, order_id: 1001, status: 'success', created_at, updated_at: created_at, tracking_company: 'UPS', tracking_numbers: [number], line_items: [{ id: 7, sku: 'MUG-1', title: 'Stoneware mug', quantity: 2 }] });
  await api.easypost(tracker('evt_1', [{ datetime: created_at, status: 'in_transit', message: 'Left <b>hub</b>', tracking_location: { city: 'Memphis', state: 'TN', country: 'US' } }]));
  const started = Date.now();
  const text = await waitShown(page, 'whereabouts-order', /On the way .* Memphis, TN, US/);
  assert.ok(Date.now() - started < 1000, `${Date.now() - started} ms`);
  assert.match(text, /Track with UPS/);
  assert.match(text, /Left <b>hub<\/b>/, 'a carrier’s words are text, never markup');
  await api.easypost(tracker('evt_2', [{ datetime: created_at, status: 'delivered', message: 'Delivered' }]));
  await waitShown(page, 'whereabouts-order', /^Delivered /);
  const found = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(found.violations.map(v => v.id), []);
  assert.deepEqual(page.errors, []);
  await page.end();
});

const fallback = /^(Usually arrives in 3 to 6 days|Your order is on its way)$/;
const orderElement = token => `<whereabouts-order token="${token}">Your order is on its way</whereabouts-order>`;
const kind = body => (body.includes('<whereabouts-order') ? 'whereabouts-order' : 'whereabouts-estimate');

test('every failure leaves the merchant’s text: no exception in the page, nothing moves', async () => {
  const dead = '<script async src="http://127.0.0.1:9/embed.js" data-store="demo"></script>';
  const noApi = `<script async src="${api.origin}/embed.js" data-store="demo" data-api="http://127.0.0.1:9"></script>`;
  const noStore = `<script async src="${api.origin}/embed.js" data-store="nobody"></script>`;
  const slow = pattern => [pattern, async route => { await new Promise(done => setTimeout(done, 6000)); await route.continue().catch(() => {}); }];
  const answers = (pattern, body) => [pattern, route => route.fulfill({ status: 200, contentType: 'application/json', headers: { 'access-control-allow-origin': '*' }, body })];
  const fine = api.token('1001');
  for (const [name, body, options] of [
    ['loader unreachable', dead + estimate()],
    ['API down', noApi + estimate()],
    ['API down, order', noApi + orderElement(fine)],
    ['unknown store', noStore + estimate()],
    ['API slow', tag() + estimate(), { route: slow('**/promise.json') }],
    ['API slow, order', tag() + orderElement(fine), { route: slow('**/v1/orders/**') }],
    ['module slow, and the server too', tag() + estimate(), { route: slow(/\.wasm$|\/v1\//) }],
    ['promise document corrupt', tag() + estimate(), { route: answers('**/promise.json', '{"version":1,"methods":[{"id":"a","services":[0]}],"origins":') }],
    ['promise document of another shape', tag() + estimate(), { route: answers('**/promise.json', '{"methods":"none"}') }],
    ['promise document empty', tag() + estimate(), { route: answers('**/promise.json', '{}') }],
    ['order document corrupt', tag() + orderElement(fine), { route: answers('**/v1/orders/*', '[]') }],
    ['forged token', tag() + orderElement('v1.demo.MQ.4000000000.00')],
    ['expired token', tag() + orderElement(api.token('1001', 1))],
    ['a shipping method that the store has not', tag() + estimate().replace('sku=', 'method="teleport" sku=')],
    ['no token', tag() + orderElement('')],
    ['a token that is an address', tag() + orderElement('../../embed.js?')],
  ]) {
    const page = await hostPage(browser, body + '<p>below</p>', options);
    await page.waitForTimeout(name.includes('slow') ? 2400 : 400);
    assert.match(await shown(page, kind(body)), fallback, name);
    assert.deepEqual(page.errors, [], name);
    if (name !== 'loader unreachable') assert.equal((await page.failures()).length, 1, `${name}: the page can know`);
    assert.equal(await page.shift(), 0, name);
    await page.end();
  }
});

test('where Wasm can’t run, the server’s answer shows', async () => {
  for (const options of [{ init: () => { delete globalThis.WebAssembly; } }, { csp: `script-src ${api.origin}` }]) {
    const page = await hostPage(browser, tag() + estimate() + orderElement(api.token('1001')), options);
    await waitShown(page, 'whereabouts-estimate', /^Get it \w{3}, \w{3} \d+ .* Snow in Memphis adds about a day$/);
    await waitShown(page, 'whereabouts-order', /^Delivered \w{3}, \w{3} \d+, /);
    assert.equal((await page.$eval('whereabouts-estimate', e => e.data)).options.length, 3);
    assert.deepEqual(page.errors, []);
    await page.end();
  }
});

test('it works under a strict policy, Trusted Types on', async () => {
  const csp = `default-src 'none'; script-src ${api.origin} 'wasm-unsafe-eval'; connect-src ${api.origin}; require-trusted-types-for 'script'; trusted-types 'none'`;
  const page = await hostPage(browser, tag() + estimate() + orderElement(api.token('1001')), { csp });
  await waitShown(page, 'whereabouts-estimate', /^Get it .* Why this date\?/);
  await waitShown(page, 'whereabouts-order', /^Delivered (today|\w{3}, )/);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('an order that is not known yet appears as soon as it is', async () => {
  const page = await hostPage(browser, tag() + orderElement(api.token('1003')));
  await page.waitForTimeout(300);
  assert.match(await shown(page, 'whereabouts-order'), fallback);
  await api.shopify('orders/create', { ...order, id: 1003, name: '#1003' });
  await waitShown(page, 'whereabouts-order', /We're packing it/, 5000);
  await page.end();
});

test('an order keeps up where streams fail: it asks again', async () => {
  await api.shopify('orders/create', { ...order, id: 1002, name: '#1002' });
  const page = await hostPage(browser, tag() + orderElement(api.token('1002')), {
    init: () => {
      const ordinary = setInterval;
      globalThis.setInterval = (f, ms) => ordinary(f, Math.min(ms, 300));
    },
    route: ['**/live', route => route.fulfill({ status: 500, body: '' })],
  });
  await waitShown(page, 'whereabouts-order', /^Arriving /);
  await api.shopify('orders/cancelled', { ...order, id: 1002, name: '#1002', cancelled_at: new Date().toISOString(), updated_at: new Date(Date.now() + 1000).toISOString() });
  await waitShown(page, 'whereabouts-order', /^This order was cancelled/);
  await page.end();
});

test('the host page’s styles stay outside, the widget’s inside', async () => {
  const hostile = `<style>* { color: rgb(1, 2, 3) !important; font-size: 20px !important } p, ul, li, h2, h3, div, span, form, button, details, section, article { display: none !important }
    .headline, .estimate { visibility: hidden !important; position: fixed !important }</style>`;
  const page = await hostPage(browser, tag() + hostile + estimate());
  await waitShown(page, 'whereabouts-estimate', /^Get it/);
  const seen = await page.$eval('whereabouts-estimate', e => {
    const line = e.shadowRoot.querySelector('.headline');
    const { display, visibility, position, fontSize } = getComputedStyle(line);
    return { display, visibility, position, fontSize, height: line.getBoundingClientRect().height > 10, sheets: document.adoptedStyleSheets.length };
  });
  // Inherits the page's size, by its own factor.
  assert.deepEqual(seen, { display: 'block', visibility: 'visible', position: 'static', fontSize: '22.5px', height: true, sheets: 0 });
  await page.end();
});

test('script twice, two widgets, late insertion, changed attributes, removal and return', async () => {
  const page = await hostPage(browser, tag() + tag() + estimate() + estimate('country="US" postal-code="99501" id="alaska"'));
  await waitShown(page, 'whereabouts-estimate', /^Get it/);
  await waitShown(page, '#alaska', /We can't deliver this to Alaska/);
  await page.evaluate(() => {
    const late = document.createElement('whereabouts-estimate');
    late.id = 'late';
    for (const [k, v] of Object.entries({ sku: 'MUG-1', country: 'US', 'postal-code': '10001' })) late.setAttribute(k, v);
    document.body.append(late);
    globalThis.late = late;
  });
  await waitShown(page, '#late', /to 10001/);
  await page.$eval('#late', e => e.setAttribute('postal-code', '40202'));
  await waitShown(page, '#late', /to 40202/);
  await page.evaluate(() => { late.remove(); late.setAttribute('postal-code', '60601'); });
  await page.waitForTimeout(100);
  await page.evaluate(() => document.body.append(late));
  await waitShown(page, '#late', /to 60601/);
  // Odd attributes get an answer, or leave what was there.
  for (const [name, value] of [['quantity', '-5'], ['quantity', '9e99'], ['postal-code', '<img src=x onerror=alert(1)>'], ['country', '💥'], ['sku', ',,,'], ['surface', 'nowhere'], ['lang', 'xx-invalid-tag-that-is-long']]) {
    await page.$eval('#late', (e, [n, v]) => e.setAttribute(n, v), [name, value]);
    await page.waitForTimeout(30);
  }
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('the postal code can be changed, and a cart’s quantities counted', async () => {
  const page = await hostPage(browser, `${tag()}<whereabouts-estimate sku="MUG-1,VASE-1" quantity="2,1" country="US" postal-code="94103">soon</whereabouts-estimate>`);
  await waitShown(page, 'whereabouts-estimate', /to 94103 change/);
  assert.equal((await page.$eval('whereabouts-estimate', e => e.data)).options[0].parts.length, 2, 'two origins, two parcels');
  await page.getByRole('button', { name: 'change' }).click();
  await page.getByRole('textbox').fill('10001');
  await page.keyboard.press('Enter');
  await waitShown(page, 'whereabouts-estimate', /to 10001 change forget/);
  await page.$eval('whereabouts-estimate', e => e.setAttribute('quantity', '49'));
  await waitShown(page, 'whereabouts-estimate', /^Sold out for now/);
  await page.end();
});

test('each element speaks the language around it, in its direction, and changes with it', async () => {
  const page = await hostPage(browser, `${tag()}<div lang="ar" dir="rtl"><whereabouts-estimate id="ar" sku="MUG-1" country="US" postal-code="94103">قريبًا</whereabouts-estimate></div>
    <whereabouts-estimate id="de" lang="de" sku="MUG-1" country="US" postal-code="94103">bald</whereabouts-estimate>
    <whereabouts-estimate id="xx" lang="tlh" sku="MUG-1" country="US" postal-code="94103">soon</whereabouts-estimate>`);
  await waitShown(page, '#ar', /^يصلك/);
  await waitShown(page, '#de', /^Bei dir .* \d+\. /);
  await waitShown(page, '#xx', /^Get it/);
  const direction = id => page.$eval(id, e => getComputedStyle(e.shadowRoot.querySelector('.headline')).direction);
  assert.deepEqual([await direction('#ar'), await direction('#de')], ['rtl', 'ltr']);
  // An element that is said to be Arabic on a page that is not is written from right to left as well.
  await page.$eval('#de', e => e.setAttribute('lang', 'he'));
  await waitShown(page, '#de', /^אצלך/);
  assert.equal(await direction('#de'), 'rtl');
  assert.deepEqual((await new AxeBuilder({ page }).include('#ar').analyze()).violations.map(v => v.id), []);
  assert.deepEqual(page.errors, []);
  await page.end();
});
