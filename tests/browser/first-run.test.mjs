// A merchant's first day, without a mouse: from an empty installation to dates, and then a delay, in the demo store's checkout.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startBrowser, startDemo, startServer, waitShown, watchedPage } from './harness.mjs';

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

/** A page that only a keyboard reaches: what it is asked to do goes through keys, and a pointer that touched it would be noticed. */
async function keyboardPage() {
  const page = await watchedPage(browser);
  await page.addInitScript(() => {
    for (const kind of ['pointerdown', 'mousedown', 'touchstart']) {
      addEventListener(kind, () => sessionStorage.setItem('touched', kind), true);
    }
  });
  const focused = () => page.evaluate(() => {
    const e = document.activeElement;
    const ring = getComputedStyle(e);
    return { name: (e.labels?.[0]?.textContent || e.getAttribute('aria-label') || e.textContent || '').trim().replace(/\s+/g, ' '), seen: ring.outlineStyle !== 'none' || ring.boxShadow !== 'none' };
  });
  /** Goes on with Tab until something with this name has the focus, and shows it. */
  page.tabTo = async (name, backwards = false) => {
    const met = [];
    for (let n = 0; n < 200; n++) {
      await page.keyboard.press(backwards ? 'Shift+Tab' : 'Tab');
      const at = await focused();
      if (name.test(at.name)) {
        assert.ok(at.seen, `“${at.name}” does not show that it has the focus`);
        return;
      }
      met.push(at.name.slice(0, 30));
    }
    throw new Error(`no way to ${name} with the keyboard; on the way: ${[...new Set(met)].join(' | ')}`);
  };
  page.write = async (name, text) => {
    await page.tabTo(name);
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type(text);
  };
  page.press = async (name, key = 'Enter') => {
    await page.tabTo(name);
    await page.keyboard.press(key);
  };
  page.untouched = async () => assert.equal(await page.evaluate(() => sessionStorage.getItem('touched')), null, 'a pointer was used');
  return page;
}

/** The demo store under an address of its own, with whatever is put into its theme in place of its own snippet. */
async function themed() {
  const store = { snippet: '' };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { host, connection, 'content-length': _, ...headers } = request.headers;
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    const answer = await fetch(`${demo.shop}${request.url}`, { method: request.method, headers, body, redirect: 'manual' });
    let page = Buffer.from(await answer.arrayBuffer());
    if (/html/.test(answer.headers.get('content-type'))) {
      page = page.toString().replace(/<script async src="[^"]*\/embed\.js"[^>]*><\/script>/, store.snippet);
    }
    const kept = [...answer.headers].filter(([name]) => !/^(content-(length|encoding)|transfer-encoding|connection)$/.test(name));
    response.writeHead(answer.status, kept).end(page);
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  store.address = `http://127.0.0.1:${server.address().port}`;
  store.stop = () => { server.closeAllConnections(); server.close(); };
  /** What the checkout says of a vase, in a browser that has never been there. */
  store.checkout = async () => {
    const page = await watchedPage(browser);
    await page.request.post(`${store.address}/cart`, { form: { sku: 'VASE-1', quantity: '1' } });
    await page.goto(`${store.address}/checkout`);
    assert.equal(await page.locator('script[data-store]').getAttribute('data-store'), 'tea-toast');
    const text = await waitShown(page, 'whereabouts-estimate', /Get it|Standard/);
    assert.deepEqual(page.errors, []);
    await page.end();
    return text;
  };
  return store;
}

test('a first day by keyboard: set up, policy, snippet, a delay in two steps, seen in the checkout', async () => {
  const api = await startServer();
  const store = await themed();
  const page = await keyboardPage();
  try {
    await page.goto(api.set_up);
    await page.write(/^Email/, 'ada@tea.example');
    await page.write(/^Your name/, 'Ada');
    await page.write(/^Password/, 'kettle lamp orbit 9');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/console/stores');
    await page.write(/^Name/, 'Tea & Toast');
    await page.write(/^Address/, store.address);
    await page.press(/^Go on$/);
    await page.waitForURL('**/console/tea-toast/guide');
    // Out, and in again by the password.
    await page.press(/^Sign out$/);
    await page.waitForURL('**/console/sign-in');
    await page.write(/^Email/, 'ada@tea.example');
    await page.write(/^Password/, 'kettle lamp orbit 8');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.write(/^Password/, 'kettle lamp orbit 9');
    await page.press(/^Sign in$/);
    await page.waitForURL('**/console/tea-toast/**');
    await page.goto(`${api.listen}/console/tea-toast/guide`);
    // The policy: a draft, changed, published.
    await page.write(/^Parcels leave from/, 'Memphis');
    await page.write(/^Shipping costs/, '4.95');
    await page.press(/^Make a draft$/);
    await page.waitForURL('**/policy?said=drafted');
    await page.press(/^Origins$/);
    await page.waitForURL('**/policy/origins');
    await page.press(/^Memphis$/);
    await page.waitForURL('**/policy/origins/0');
    await page.write(/^At most/, '2');
    await page.press(/^Save in the draft$/);
    await page.waitForURL('**said=saved');
    await page.press(/^Delivery policy$/);
    await page.waitForURL('**/policy');
    await page.write(/^What changes/, 'The first');
    await page.press(/^Publish$/);
    await page.waitForURL('**/policy?said=published');
    // What stands in the guide goes into the theme as it is, but for the address, which is not public here.
    await page.press(/^(Guide|Getting started)/);
    await page.waitForURL('**/guide');
    assert.match(await page.textContent('main'), /Waiting for the widget to be seen/);
    store.snippet = (await page.textContent('#snippet')).split('\n')[0].replace(/https?:\/\/[^/"]+/, api.listen);
    assert.match(await store.checkout(), /Get it/);
    // The guide notices by itself, and says where.
    await page.getByText('seen', { exact: true }).waitFor({ timeout: 20_000 });
    assert.ok((await page.textContent('[data-poll]')).includes(store.address));
    // A delay, in two steps: why, and go.
    assert.doesNotMatch(await store.checkout(), /weather/i);
    await page.press(/^Delay notices$/);
    await page.waitForURL('**/delays');
    await page.press(/^(Bad )?[Ww]eather$/);
    await page.waitForURL('**/delays/new?reason=weather');
    await page.press(/^Announce$/);
    await page.waitForURL('**/delays?said=announced');
    assert.match(await store.checkout(), /weather.* adds about/i);
    // And its end.
    await page.press(/^End it$/);
    await page.waitForURL('**/delays?said=ended');
    assert.doesNotMatch(await store.checkout(), /weather/i);
    await page.untouched();
    assert.deepEqual(page.errors, []);
  } finally {
    await page.end();
    store.stop();
    await api.stop();
  }
});

test('an order by keyboard: found by what is said on the phone, corrected, and the correction taken back', async () => {
  const page = await keyboardPage();
  const shopper = await watchedPage(browser);
  await shopper.goto(`${demo.shop}/orders/${demo.order('#2002').token}`);
  await waitShown(shopper, 'whereabouts-order', /^Arriving/);
  await page.goto(`${demo.api}/console/demo/orders`);
  await page.write(/^Email/, demo.console.email);
  await page.write(/^Password/, demo.console.password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/console/demo/orders');
  await page.write(/^Find an order/, '2002');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Order #2002' }).waitFor();
  await page.press(/^Write a scan/);
  await page.tabTo(/^State/);
  await page.keyboard.type('Deliv');
  assert.equal(await page.evaluate(() => document.activeElement.value), 'delivered');
  await page.write(/^Words/, 'The neighbour has it');
  await page.press(/^Add it$/);
  await waitShown(shopper, 'whereabouts-order', /^Delivered .*The neighbour has it/, 15_000);
  await page.reload();
  await page.press(/^Take back$/);
  await page.waitForURL('**said=taken-back');
  await waitShown(shopper, 'whereabouts-order', /^Arriving/, 15_000);
  await page.untouched();
  assert.deepEqual(page.errors.concat(shopper.errors), []);
  await shopper.end();
  await page.end();
});
