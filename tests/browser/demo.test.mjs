// The real demo in a real browser: a shopper's way from a product to the door, and every page of the store.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { startBrowser, startDemo, waitShown, watchedPage } from './harness.mjs';

let demo;
let browser;
before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test('from a product to the door, by keyboard', async () => {
  const page = await watchedPage(browser);
  await page.goto(`${demo.shop}/products/mug`);
  await waitShown(page, 'whereabouts-estimate', /^Get it .* Snow in Memphis adds about a day/);
  await page.getByRole('button', { name: 'Add to cart' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/cart');
  await waitShown(page, 'whereabouts-estimate', /^Get it/);
  await page.getByRole('link', { name: 'Check out' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/checkout');
  const text = await waitShown(page, 'whereabouts-estimate', /Snow in Memphis adds about a day .*Standard .*Express .*Economy/);
  assert.match(text, /Fastest/);
  // The widget follows the address.
  await page.getByLabel('Postal code').fill('99501');
  await page.keyboard.press('Tab');
  await waitShown(page, 'whereabouts-estimate', /We can't deliver this to Alaska/);
  await page.getByRole('textbox', { name: 'Postal code', exact: true }).first().fill('94103');
  await page.keyboard.press('Tab');
  await waitShown(page, 'whereabouts-estimate', /Standard .*Express/);
  await page.getByRole('button', { name: 'Place order' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/thank-you/**');
  await waitShown(page, 'whereabouts-order', /Stoneware mug/);
  // The simulated store and carriers work on; the page changes by itself.
  await waitShown(page, 'whereabouts-order', /Picked up/, 10_000);
  await waitShown(page, 'whereabouts-order', /^Delivered (today|\w{3}, ).*Left at front door/, 15_000);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('checkout offers what the widget shows: no way that can’t be had at the address, and none at all where nothing is delivered', async () => {
  const page = await watchedPage(browser);
  await page.goto(`${demo.shop}/products/mug`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.goto(`${demo.shop}/checkout`);
  const ways = async expected => {
    const look = () => page.locator('.methods input').evaluateAll(list => list.map(i => (i.checked ? `(${i.value})` : i.value)).join(' '));
    for (let n = 0; n < 200 && await look() !== expected; n++) await new Promise(done => setTimeout(done, 25));
    assert.equal(await look(), expected);
  };
  const where = async (country, postal, region) => {
    await page.locator('main > form [name=region]').fill(region);
    await page.locator('main > form [name=postal_code]').fill(postal);
    await page.locator('select[autocomplete=country]:not([part])').selectOption(country);
  };
  const button = page.getByRole('button', { name: 'Place order' });
  await ways('(Standard) Express Economy');
  await page.locator('.methods input').nth(2).check();
  await where('NL', '1011', '');
  await ways('(Standard) Express');
  await page.locator('.methods input').nth(1).check();
  await where('US', '10001', 'NY');
  await ways('Standard (Express) Economy');
  assert.match(await page.locator('[name=whereabouts_promise]').inputValue(), /"method":"express"/);
  await where('US', '99501', 'AK');
  await ways('');
  assert.equal(await button.isDisabled(), true);
  await where('US', '94103', 'CA');
  await ways('(Standard) Express Economy');
  assert.equal(await button.isDisabled(), false);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('sample orders move on by themselves: delivered, late, an exception, two parcels', async () => {
  const page = await watchedPage(browser);
  for (const [number, pattern] of [
    ['#1001', /^Delivered (today|\w{3}, )/],
    ['#1002', /^Running late\. Now expected .* Denver, CO, US · Sorry\. Promised by/],
    ['#1003', /The address is incomplete/],
    ['#1004', /2 parcels\. One delivered/],
  ]) {
    await page.goto(`${demo.shop}/orders/${demo.order(number).token}`);
    await waitShown(page, 'whereabouts-order', pattern, 10_000);
  }
  await page.end();
});

test('an order is found by its number and email, without script too', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await watchedPage(browser, { javaScriptEnabled });
    await page.goto(`${demo.shop}/lookup`);
    await page.getByLabel('Order number').fill('1001');
    await page.getByLabel('Email or postal code').fill('someone@else.example');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    assert.match(await page.textContent('main'), /No order has this number with this email or postal code/);
    await page.getByLabel('Email or postal code').fill('Shopper@Example.com');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/track/v1.demo.**');
    assert.match(await page.textContent('h1'), /Fjord & Fern #1001/);
    const whole = javaScriptEnabled ? await waitShown(page, 'whereabouts-order', /Delivered/) : await page.textContent('whereabouts-order');
    assert.match(whole, /Delivered.*Stoneware mug.*Track with UPS.*Memphis, TN, US/);
    if (javaScriptEnabled) {
      const found = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(found.violations.map(v => v.id), []);
      assert.equal(await page.shift(), 0);
    }
    await page.end();
  }
});

test('a hosted page says what is wrong with its link', async () => {
  const page = await watchedPage(browser);
  await page.goto(`${demo.api}/track/v1.demo.MQ.4000000000.00`);
  assert.match(await page.textContent('main'), /This link is not valid/);
  await page.end();
});

const pages = ['/', '/products/mug', '/products/chair', '/products/lamp', '/products/vase', '/cart', '/checkout', '/orders', '/lookup', '/help', '/gallery', '/thank-you/#1004', '/orders/#1004', '/orders/#2005'];
for (const [name, options] of [
  ['a phone', { viewport: { width: 320, height: 640 }, hasTouch: true }],
  ['a tablet', { viewport: { width: 768, height: 1024 } }],
  ['a desktop', { viewport: { width: 1280, height: 800 } }],
]) {
  test(`on ${name}: nothing moves, nothing overflows, nothing stands in anyone’s way`, async () => {
    const page = await watchedPage(browser, options);
    await page.request.post(`${demo.shop}/cart`, { form: { sku: 'MUG-1', quantity: '2' } });
    await page.request.post(`${demo.shop}/cart`, { form: { sku: 'VASE-1', quantity: '1' } });
    for (const path of pages) {
      const url = demo.shop + path.replace(/#\d+/, number => demo.order(number).token);
      await page.goto(url);
      for (const element of ['whereabouts-estimate', 'whereabouts-order']) {
        if (await page.$(element)) await waitShown(page, element, /^(?!Usually arrives within|Your order is on its way)/);
      }
      await page.waitForTimeout(250);
      assert.equal(await page.shift(), 0, `layout shift on ${path}`);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, `${path} is wider than the screen`);
      const found = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(found.violations.map(v => `${v.id}: ${v.nodes[0].html}`), [], path);
      assert.deepEqual(page.errors, [], path);
    }
    await page.end();
  });
}

test('the gallery shows every state', async () => {
  const page = await watchedPage(browser);
  await page.goto(`${demo.shop}/gallery`);
  assert.equal(await page.locator('[dir=rtl] > :is(whereabouts-estimate, whereabouts-order)').count(), await page.locator('main > section').count());
  const said = await Promise.all((await page.$$('main > section')).map(async section => {
    const title = await section.$eval('h2', h => h.textContent);
    await section.scrollIntoViewIfNeeded();
    return [title, section];
  }));
  const expected = {
    'In stock': /^Get it/, 'A known delay': /Snow in Memphis adds/, 'Made to order': /^Made for you, with you by/, 'Back in stock later': /^Back in stock .*, with you/,
    "Can't be delivered": /^We can't deliver this to Alaska/, 'Destination unknown': /^In most places within/, 'A cart in two parcels': /2 parcels\. Stoneware mug .* Vase/, 'Needed by a date': /Standard .*In time for/, Checkout: /Standard .*Express/,
    'Two parcels': /2 parcels\. One delivered/, Ordered: /We're packing it/, 'Under way': /Last seen in Memphis/, 'Out for delivery': /^Out for delivery, arriving/,
    'At risk': /later than promised/, 'Running late': /^Running late\. Now expected .* Sorry\. Promised by/, 'Gone quiet': /^(No news since|Running late)/, Missed: /^They missed you\. Next try/,
    'To collect': /^Ready to collect/, Delivered: /^Delivered .*Not there\? Tell us/, Damaged: /^Damaged on the way/, Lost: /^The carrier can't find it/,
    'At customs': /^Waiting at customs/, 'Address unclear': /^The address needs a look/, Returned: /^On its way back to the store/, Cancelled: /^This order was cancelled/,
    'A link that is not valid': /^Your order is on its way/,
  };
  assert.deepEqual(said.map(s => s[0]).sort(), Object.keys(expected).sort());
  for (const [title, section] of said) {
    const element = await section.$('whereabouts-estimate, whereabouts-order');
    await element.evaluate(e => (e.id = 'looked-at'));
    await waitShown(page, '#looked-at', expected[title]);
    await element.evaluate(e => e.removeAttribute('id'));
  }
  await page.end();
});
