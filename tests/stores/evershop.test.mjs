// A shop that none of us wrote, with the script tag in its configuration and nothing else on its pages: estimates on its product, cart
// and checkout pages, an order placed through its real checkout, told by signed webhooks, and the live order on its thank-you page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { standardSecret, startApi, startBrowser, tokenSecret, waitShown, watchedPage } from '../browser/harness.mjs';
import { postgresFolder, startShop } from './shop.mjs';

const skip = postgresFolder() ? false : 'needs Postgres (Debian package postgresql)';
let api;
let shop;
let browser;
before(async () => {
  if (skip) return;
  api = await startApi();
  shop = await startShop({
    script: { src: `${api.origin}/embed.js?store=demo&place=evershop&country=US`, async: true },
    whereabouts: { url: api.origin, store: 'demo', tokenSecret, webhookSecret: standardSecret },
  });
  browser = await startBrowser();
}, { timeout: 900_000 });
after(async () => {
  await browser?.close();
  shop?.stop();
  await api?.stop();
});

test('from a product to a delivered order, in a shop that was only given a script tag', { skip, timeout: 180_000 }, async () => {
  const page = await watchedPage(browser, { viewport: { width: 1280, height: 900 } });
  const complaints = [];
  page.on('console', m => { if (m.type() === 'error' && /hydrat|react/i.test(m.text())) complaints.push(m.text()); });
  const estimate = 'whereabouts-estimate';
  const attribute = name => page.getAttribute(estimate, name);
  const until = async (what, wanted) => {
    for (let n = 0; n < 100; n++) {
      if ((await what()) === wanted) return;
      await page.waitForTimeout(100);
    }
    assert.equal(await what(), wanted);
  };

  const open = async path => {
    await page.goto(shop.origin + path);
    await page.waitForSelector(estimate, { state: 'attached', timeout: 20_000 });
  };

  await open('/accessories/ceramic-coffee-cup-white');
  await waitShown(page, estimate, /Get it|In most places/, 20_000);
  assert.equal(await attribute('sku'), 'CUP-001-WHT');
  assert.equal(await attribute('surface'), 'product');
  await page.getByRole('button', { name: 'Black', exact: true }).first().click();
  await until(() => attribute('sku'), 'CUP-001-BLK');
  assert.equal(await page.locator(estimate).count(), 1);
  await page.getByRole('button', { name: /add to cart/i }).first().click();
  await page.getByText(/added to cart|view cart|1 item/i).first().waitFor();

  await open('/cart');
  await waitShown(page, estimate, /Get it|In most places/, 20_000);
  assert.equal(await attribute('sku'), 'CUP-001-BLK');
  assert.equal(await attribute('surface'), 'cart');

  await open('/checkout');
  await waitShown(page, estimate, /Standard.*Express/, 20_000);
  await page.getByLabel('Email').fill('shopper@example.com');
  await page.locator('[name="shippingAddress.full_name"]').fill('Ada Shopper');
  await page.locator('[name="shippingAddress.telephone"]').fill('4155550123');
  await page.locator('[name="shippingAddress.address_1"]').fill('1 Market St');
  await page.locator('[name="shippingAddress.city"]').fill('San Francisco');
  for (const [field, option] of [['country', 'United States'], ['province', 'California']]) {
    await page.locator(`[id="field-shippingAddress.${field}"]`).click();
    await page.locator('[data-slot="select-item"]').getByText(option, { exact: true }).click();
  }
  await page.locator('[name="shippingAddress.postcode"]').fill('94103');
  await page.keyboard.press('Tab');
  await until(() => attribute('postal-code'), '94103');
  await waitShown(page, estimate, /Standard.*Express/);
  assert.equal(await attribute('surface'), 'checkout');
  // The shop keeps each choice on its server before the next one counts.
  const choose = async (path, click) => { await Promise.all([page.waitForResponse(r => r.url().includes(path) && r.ok()), click()]); };
  await choose('/shippingMethods', () => page.getByRole('radio', { name: /Standard/ }).click());
  await page.getByText('$20.00').last().waitFor();
  await page.getByText('Cash on delivery').first().click();
  await page.waitForLoadState('networkidle');
  await page.getByRole('button', { name: /place order|complete/i }).first().click();
  await page.waitForURL('**/checkout/success/**', { timeout: 30_000 });

  await waitShown(page, 'whereabouts-order', /Arriving .*Ceramic Coffee Cup - Black/, 30_000);
  const uuid = page.url().match(/success\/([0-9a-f-]+)/)[1];
  const item = await shop.orderItem(uuid);
  const { shipment } = await shop.admin(`/orders/${uuid}/shipments`, { items: [{ order_item_id: item, qty: 1 }], carrier: 'custom', tracking_number: '1Z5R89390357567127' });
  await waitShown(page, 'whereabouts-order', /Track with UPS/, 30_000);
  await shop.admin(`/shipments/${shipment.uuid}/markDelivered`, {});
  await waitShown(page, 'whereabouts-order', /^Delivered/, 30_000);

  assert.deepEqual(complaints, []);
  assert.deepEqual(page.errors, []);
  assert.deepEqual(await page.failures(), []);
  await page.end();
});
