// `data-place` on pages as other shops have them: markup that follows the shapes of well-known themes, written for these tests.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startApi, startBrowser, waitShown, watchedPage } from './harness.mjs';

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

/** A shop that answers some paths; everything else is an empty page. */
async function shop(paths, path, data = 'data-place') {
  const server = createServer((request, response) => {
    const made = paths[request.url.split('?')[0]];
    const body = typeof made === 'function' ? made(request) : made;
    if (typeof body === 'object') return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html><html lang="en-US"><meta charset="utf-8"><title>Shop</title><script async src="${api.origin}/embed.js" data-store="demo" ${data}></script>${body ?? ''}</html>`);
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  const page = await watchedPage(browser);
  await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
  const end = page.end;
  page.end = async () => { await end(); server.closeAllConnections(); server.close(); };
  page.attribute = name => page.$eval('whereabouts-estimate', (e, n) => e.getAttribute(n), name);
  page.until = (name, wanted) => page.waitForFunction(([n, w]) => document.querySelector('whereabouts-estimate')?.getAttribute(n) === w, [name, wanted], { timeout: 8000 });
  return page;
}
const one = page => page.locator('whereabouts-estimate').count();

test('a Shopify theme with a form for instalments before the real one, sections that are drawn anew, and variants by address', async () => {
  const form = id => `<form method="post" action="/cart/add" id="buy"><input type="hidden" name="id" value="${id}"><button name="add" type="submit">Add to cart</button></form>`;
  const info = id => `<product-info><form method="post" action="/cart/add" class="installment"><input type="hidden" name="id" value="${id}"></form>
    <quantity-input><button type="button" name="minus">-</button><input class="quantity__input" name="quantity" form="buy" value="1"><button type="button" name="plus">+</button></quantity-input>
    <div class="swatches"><button type="button" data-to="11">Small</button><button type="button" data-to="12">Large</button></div>${form(id)}</product-info>
    <div class="related"><form method="post" action="/cart/add"><input type="hidden" name="id" value="99"></form></div>`;
  const page = await shop({
    '/collections/all/products/mug': `<body><main>${info(11)}</main><cart-drawer></cart-drawer><script>
      Shopify = { shop: 'a.myshopify.com', routes: { root: '/' }, country: 'US' };
      addEventListener('click', e => {
        const input = document.querySelector('.quantity__input');
        if (e.target.name === 'plus') input.value = +input.value + 1;
        const to = e.target.dataset?.to;
        if (!to) return;
        history.replaceState({}, '', '?variant=' + to);
        setTimeout(() => { document.querySelector('main').innerHTML = ${JSON.stringify(info('ID'))}.replaceAll('ID', to); }, 400);
      });</script></body>`,
    '/products/mug.js': { variants: [{ id: 11, sku: 'MUG-1' }, { id: 12, sku: 'VASE-1' }, { id: 99, sku: 'CHAIR-1' }] },
  }, '/collections/all/products/mug');
  await page.waitForSelector('whereabouts-estimate');
  await waitShown(page, 'whereabouts-estimate', /In most places|^Get it/);
  assert.equal(await page.attribute('sku'), 'MUG-1');
  await page.click('[name=plus]');
  await page.until('quantity', '2');
  await page.click('[data-to="12"]');
  await page.until('sku', 'VASE-1');
  assert.equal(await one(page), 1, 'one, wherever the theme drew anew');
  assert.equal(await page.$eval('whereabouts-estimate', e => e.isConnected && !e.closest('.related')), true);
  // A drawer that comes in over the page changes nothing.
  await page.$eval('cart-drawer', e => { e.innerHTML = '<form action="/cart"><input name="updates[]" value="1"></form>'; });
  await page.waitForTimeout(600);
  assert.deepEqual([await one(page), await page.attribute('sku'), page.errors], [1, 'VASE-1', []]);
  await page.end();
});

test('BigCommerce: a variant’s number that scripts write, pieces by its own name', async () => {
  const page = await shop({ '/stoneware-mug/': `<body><header><form action="/search.php"><input name="search_query"></form><a href="/cart.php">Cart</a></header><main>
    <div itemscope itemtype="http://schema.org/Product" class="productView"><dl><dt>SKU:</dt><dd class="productView-info-value" data-product-sku itemprop="sku">MUG-1</dd></dl>
    <form class="form form-wishlist" action="/wishlist.php?action=add" method="post"></form>
    <form method="post" action="/cart.php" data-cart-item-add><input class="form-input--incrementTotal" id="qty[]" name="qty[]" type="tel" value="1"><input id="form-action-addToCart" type="submit" value="Add"></form></div></main></body>` }, '/stoneware-mug/');
  await page.until('sku', 'MUG-1');
  assert.equal(await page.$eval('whereabouts-estimate', e => e.previousElementSibling.matches('[data-cart-item-add]')), true, 'behind the form that buys');
  await page.$eval('[data-product-sku]', e => { e.textContent = 'VASE-1'; });
  await page.until('sku', 'VASE-1');
  await page.fill('[name="qty[]"]', '3');
  await page.locator('[name="qty[]"]').dispatchEvent('change');
  await page.until('quantity', '3');
  assert.deepEqual([await one(page), page.errors], [1, []]);
  await page.end();
});

test('Magento: the number in its attributes, the form by its pieces', async () => {
  const page = await shop({ '/mug.html': `<body class="catalog-product-view"><main><div class="product-info-main" itemscope itemtype="http://schema.org/Product">
    <div class="product attribute sku"><strong>SKU</strong><div class="value" itemprop="sku">MUG-1</div></div>
    <form action="https://shop.example/checkout/cart/add/uenc/x/product/1/" method="post" id="product_addtocart_form"><input type="number" name="qty" value="2"><button>Add</button></form></div></main></body>` }, '/mug.html');
  await page.until('sku', 'MUG-1');
  assert.equal(await page.attribute('quantity'), '2');
  await page.end();
});

test('PrestaShop: product and cart, with what it tells its own scripts', async () => {
  const paths = {
    '/mugs/1-mug.html': `<body id="product"><main itemscope itemtype="https://schema.org/Product"><div class="product-reference"><span itemprop="sku">MUG-1</span></div>
      <form action="/en/cart" method="post" id="add-to-cart-or-refresh"><input type="number" name="qty" value="1"><button>Add</button></form></main></body>`,
    '/en/cart': `<body id="cart"><main><div class="cart-grid"><ul class="cart-items"><li>Mug</li></ul></div></main><script>prestashop = { cart: { products: [{ reference: 'MUG-1', quantity: 2 }, { reference: 'VASE-1', quantity: 1 }] } };</script></body>`,
  };
  let page = await shop(paths, '/mugs/1-mug.html');
  await page.until('sku', 'MUG-1');
  await page.end();
  page = await shop(paths, '/en/cart?action=show');
  await page.until('sku', 'MUG-1,VASE-1');
  assert.deepEqual([await page.attribute('quantity'), await page.attribute('surface'), await one(page)], ['2,1', 'cart', 1]);
  await page.end();
});

test('a product that only its JSON-LD describes: a group of variants, the one that the address names', async () => {
  const group = { '@context': 'https://schema.org', '@type': 'ProductGroup', hasVariant: [
    { '@type': 'Product', sku: 'MUG-1', offers: { '@type': 'Offer', url: 'https://s.example/p/mug?variant=1' } },
    { '@type': 'Product', sku: 'VASE-1', offers: { '@type': 'Offer', url: 'https://s.example/p/mug?variant=2' } }] };
  const offers = { '@type': 'Product', offers: [{ sku: 'CHAIR-1', url: '/p/x?variant=7' }, { sku: 'LAMP-1', url: '/p/x?variant=8' }] };
  const body = data => `<body><script type="application/ld+json">{ a mistake</script><script type="application/ld+json">${JSON.stringify(data)}</script>
    <main><h1>Mug</h1><form action="/basket/add"><button>Buy</button></form></main></body>`;
  for (const [path, data, sku] of [['/p/mug?variant=2', group, 'VASE-1'], ['/p/mug', group, 'MUG-1'], ['/p/x?variant=8', offers, 'LAMP-1'], ['/p/x', offers, 'CHAIR-1']]) {
    const page = await shop({ '/p/mug': body(data), '/p/x': body(data) }, path);
    await page.until('sku', sku);
    await page.end();
  }
});

test('a cart whose lines say what they are, at a spot that the merchant named; a page without a product is left alone', async () => {
  const paths = {
    '/basket': '<body><main><div id="lines"><div data-sku="MUG-1"><input type="number" value="3"></div><div data-sku="VASE-1"></div></div></main></body>',
    '/about': '<body><main><form action="/newsletter"><input name="email"></form></main></body>',
  };
  let page = await shop(paths, '/basket', 'data-place data-cart="#lines"');
  await page.until('sku', 'MUG-1,VASE-1');
  assert.equal(await page.attribute('quantity'), '3,1');
  await page.end();
  page = await shop(paths, '/about');
  await page.waitForTimeout(600);
  assert.deepEqual([await one(page), page.errors], [0, []]);
  await page.end();
});
