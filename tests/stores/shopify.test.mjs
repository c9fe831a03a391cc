// The blocks of the theme app extension in a theme, as Shopify renders them: product, cart and a customer's order.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { themeCheckRun } from '@shopify/theme-check-node';
import { startApi, startBrowser, tokenSecret, waitShown, watchedPage } from '../browser/harness.mjs';
import { extension, startTheme } from './shopify.mjs';

let api;
let browser;
let theme;
before(async () => {
  api = await startApi();
  browser = await startBrowser();
  const loader = { api: api.origin, store: 'demo', place: true };
  theme = await startTheme({ loader, app: { store: 'demo', token_secret: tokenSecret }, order: { id: 5_550_001_001, name: '#1001' } });
});
after(async () => {
  await browser?.close();
  theme?.stop();
  await api?.stop();
});

const offenses = async root => (await themeCheckRun(root, undefined, () => {})).offenses.map(o => `${o.uri.replace(/.*\//, '')}: ${o.message}`);

test('Shopify’s own check finds nothing in theme and extension, and would', async () => {
  assert.deepEqual(await offenses(join(import.meta.dirname, 'theme')), []);
  assert.deepEqual(await offenses(extension), []);
  const copy = mkdtempSync(join(tmpdir(), 'theme-'));
  cpSync(extension, copy, { recursive: true });
  const block = join(copy, 'blocks/estimate.liquid');
  writeFileSync(block, readFileSync(block, 'utf8').replace('{%- liquid', '{%- liquid\n  assign unused = 1'));
  assert.equal((await offenses(copy)).length, 1);
  rmSync(copy, { recursive: true });
});

test('a product page follows the variant, the cart its lines, and there is one estimate each', async () => {
  const page = await watchedPage(browser);
  await page.goto(`${theme.origin}/products/mug`);
  const estimate = page.locator('whereabouts-estimate');
  await waitShown(page, 'whereabouts-estimate', /In most places/);
  assert.equal(await estimate.getAttribute('sku'), 'MUG-1');
  await page.getByLabel('Variant').selectOption('12');
  await page.waitForFunction(() => document.querySelector('whereabouts-estimate').getAttribute('sku') === 'CHAIR-1');
  await page.getByLabel('Quantity').fill('2');
  await page.keyboard.press('Tab');
  await page.waitForFunction(() => document.querySelector('whereabouts-estimate').getAttribute('quantity') === '2');
  await waitShown(page, 'whereabouts-estimate', /days/);
  assert.equal(await estimate.count(), 1);
  assert.equal(await page.shift(), 0);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.waitForURL('**/cart');
  await waitShown(page, 'whereabouts-estimate', /In most places/);
  assert.deepEqual(await estimate.evaluateAll(all => all.map(e => [e.getAttribute('surface'), e.getAttribute('sku'), e.getAttribute('quantity')])), [['cart', 'CHAIR-1', '2']]);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('the order page carries a token that the API accepts, and no secret', async () => {
  await api.shopify('orders/create', {
    id: 5_550_001_001, name: '#1001', created_at: '2026-11-23T15:00:00-06:00', updated_at: '2026-11-23T15:00:00-06:00', currency: 'USD',
    shipping_address: { country_code: 'US', zip: '94103', city: 'San Francisco', province_code: 'CA' }, line_items: [{ id: 1, sku: 'MUG-1', title: 'Mug', quantity: 1, requires_shipping: true }],
  });
  const page = await watchedPage(browser);
  await page.goto(`${theme.origin}/account/orders/1`);
  assert.ok(!(await page.content()).includes(tokenSecret));
  const token = await page.getAttribute('whereabouts-order', 'token');
  await waitShown(page, 'whereabouts-order', /Mug/);
  const other = await fetch(`${api.origin}/v1/orders/${token.replace(/.$/, c => (c === '0' ? '1' : '0'))}`);
  assert.equal(other.status, 401);
  await page.end();
});
