// Each example of docs/embed, as it stands there, run against the real API in a real browser.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Liquid } from 'liquidjs';
import { hostPage, startApi, startBrowser, tokenSecret, waitShown } from '../browser/harness.mjs';

let api;
let browser;
before(async () => {
  api = await startApi();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await api?.stop();
});

const snippets = (guide, language) => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/embed', `${guide}.md`), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(m => m[1].replaceAll('https://whereabouts.example', api.origin));
};
const show = async (body, element, pattern) => {
  const page = await hostPage(browser, body);
  await page.waitForSelector(element, { state: 'attached' });
  await waitShown(page, element, pattern);
  assert.deepEqual(page.errors, []);
  await page.end();
};
const accepted = async token => assert.notEqual((await fetch(`${api.origin}/v1/orders/${token}`)).status, 401);

test('plain HTML', async () => {
  const [alone, placed, cart, ...more] = snippets('html', 'html');
  assert.equal(more.length, 0, 'an example that no test knows');
  await show(alone, 'whereabouts-estimate', /In most places/);
  await show(placed, 'whereabouts-estimate', /^Get it/);
  await show(cart, 'whereabouts-estimate', /Standard .*Express/);
});

test('Shopify', async () => {
  const engine = new Liquid();
  engine.registerFilter('hmac_sha256', (text, key) => createHmac('sha256', key).update(text).digest('hex'));
  engine.registerFilter('base64_url_safe_encode', text => Buffer.from(text).toString('base64url'));
  const globals = { localization: { country: { iso_code: 'US' } }, settings: { whereabouts_secret: tokenSecret }, order: { id: 5_550_001_001 } };
  const [tag, order, ...more] = snippets('shopify', 'liquid').map(text => engine.parseAndRenderSync(text, globals));
  assert.equal(more.length, 0, 'an example that no test knows');
  assert.match(tag, /data-country="US"/);
  await accepted(order.match(/token="([^"]+)"/)[1]);
});

const php = spawnSync('php', ['--version']).status === 0;
test('WooCommerce', { skip: php ? false : 'needs PHP (Debian package php-cli)' }, async () => {
  const [code, ...more] = snippets('woocommerce', 'php');
  assert.equal(more.length, 0, 'an example that no test knows');
  // What WordPress gives to a plugin, as far as this one asks for it.
  const wordpress = `<?php
    define('WHEREABOUTS_TOKEN_SECRET', '${tokenSecret}');
    $actions = [];
    function add_action($name, $do, $priority = 10) { global $actions; $actions[$name][] = $do; }
    function esc_attr($text) { return htmlspecialchars($text, ENT_QUOTES); }
    ?>${code}
    foreach (['wp_head' => null, 'woocommerce_thankyou' => 42, 'woocommerce_view_order' => 42] as $name => $with) foreach ($actions[$name] as $do) { $do($with); echo "\\n"; }`;
  const said = spawnSync('php', [], { input: wordpress, encoding: 'utf8' });
  assert.equal(said.status, 0, said.stderr);
  const [head, thanks, account] = said.stdout.trim().split('\n');
  for (const element of [thanks, account]) await accepted(element.match(/token="([^"]+)"/)[1]);
  const shop = '<div class="product"><form class="cart"><input class="qty" value="2" aria-label="Quantity"></form><div class="product_meta"><span class="sku">MUG-1</span></div></div>';
  await show(`${head}<script>document.body.classList.add('woocommerce')</script>${shop}`, 'whereabouts-estimate', /In most places|Enter your postal code/);
});
