// Messages to a browser, the whole way: opted in on our own page, encrypted for a real Firefox, through a push server, to its worker and page.
// Needs Firefox and puppeteer-core, which are too large to be required: `./build.sh push` installs both; skipped where they are absent.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { startApi, startBrowser } from './harness.mjs';

const firefox = ['firefox-esr', 'firefox'].map(name => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
// Another folder with node packages may be named.
const require = createRequire(process.env.PUPPETEER_FROM ? `${process.env.PUPPETEER_FROM}/x.js` : import.meta.url);
const optional = name => { try { return require(name); } catch { return undefined; } };
const [puppeteer, ws] = [optional('puppeteer-core'), optional('ws')];

/** A push server as browsers speak to one: subscribes over a socket, takes messages by POST, hands them on as they are. */
async function pushServer() {
  const channels = new Map();
  const taken = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', part => parts.push(part));
    request.on('end', () => {
      const channel = request.url.split('/').pop();
      const socket = channels.get(channel);
      taken.push(request.headers);
      response.writeHead(socket ? 201 : 410).end();
      socket?.send(JSON.stringify({ messageType: 'notification', channelID: channel, version: `${taken.length}`, data: Buffer.concat(parts).toString('base64url'), headers: { encoding: request.headers['content-encoding'] } }));
    });
  });
  new ws.WebSocketServer({ server }).on('connection', socket => socket.on('message', text => {
    const said = JSON.parse(text);
    const reply = answer => socket.send(JSON.stringify(answer));
    if (said.messageType === 'hello') reply({ messageType: 'hello', uaid: 'a'.repeat(32), status: 200, use_webpush: true, broadcasts: {} });
    if (said.messageType === 'register') {
      channels.set(said.channelID, socket);
      reply({ messageType: 'register', channelID: said.channelID, status: 200, pushEndpoint: `http://127.0.0.1:${server.address().port}/push/${said.channelID}` });
    }
    if (said.messageType === 'unregister') { channels.delete(said.channelID); reply({ messageType: 'unregister', channelID: said.channelID, status: 200 }); }
  }));
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return { port: server.address().port, taken, stop: () => { server.closeAllConnections(); server.close(); } };
}

const ago = hours => new Date(Date.now() - hours * 3_600_000).toISOString();
const lines = [{ id: 7, sku: 'MUG-1', title: 'Stoneware mug', quantity: 1 }];
async function underWay(api) {
  await api.shopify('orders/create', { id: 1201, name: '#1201', created_at: ago(80), updated_at: ago(80), currency: 'USD', shipping_lines: [{ code: 'Standard' }], shipping_address: { city: 'San Francisco', province_code: 'CA', zip: '94103', country_code: 'US' }, line_items: lines });
  await api.shopify('fulfillments/create', { id: 12010, order_id: 1201, status: 'success', created_at: ago(70), updated_at: ago(70), tracking_company: 'UPS', tracking_numbers: ['1Z0000000000001201'], line_items: lines });
  await scan(api, [[60, 'in_transit']]);
}
const scan = (api, scans) => api.easypost({ id: `evt_${Math.random()}`, object: 'Event', result: { tracking_code: '1Z0000000000001201', carrier: 'UPS', status: scans.at(-1)[1],
  tracking_details: scans.map(([hours, status]) => ({ datetime: ago(hours), status, message: status })) } });

test('in Firefox: opted in, told when the parcel is out for delivery, opted out', { skip: !firefox ? 'no Firefox' : !puppeteer || !ws ? 'no puppeteer-core' : false, timeout: 120_000 }, async () => {
  let api, push, browser;
  try {
    [api, push] = [await startApi({ internalTargets: true }), await pushServer()];
    // It may be night where the shopper is.
    await api.admin('messages/rules', { quiet: { from: '00:00', to: '00:00' } }, 'PUT');
    await underWay(api);
    browser = await puppeteer.launch({
      browser: 'firefox', executablePath: firefox, headless: true,
      extraPrefsFirefox: {
        'dom.push.serverURL': `ws://127.0.0.1:${push.port}/`, 'dom.push.testing.allowInsecureServerURL': true, 'dom.push.alwaysConnect': true, 'dom.push.testing.ignorePermission': true,
        'permissions.default.desktop-notification': 1, 'dom.serviceWorkers.testing.enabled': true,
        // Among what Firefox sets for itself under remote control is to speak to no push server.
        'remote.prefs.recommended': false,
      },
    });
    const page = await browser.newPage();
    await page.goto(`${api.origin}/push/${api.token('1201')}`);
    await page.waitForSelector('#push button');
    // The page's own policy forbids what `waitForFunction` does.
    const until = async (look, pattern) => {
      for (let n = 0; n < 150; n++) {
        const text = await page.evaluate(look);
        if (pattern.test(text)) return;
        await new Promise(done => setTimeout(done, 200));
      }
      assert.match(await page.evaluate(look), pattern);
    };
    const said = pattern => until(() => document.querySelector('#push [role=status]').textContent, new RegExp(pattern));
    await page.click('#push button');
    await said('This browser will be told');
    await scan(api, [[60, 'in_transit'], [0, 'out_for_delivery']]);
    // The page hears of it from the worker, which has decrypted it, and the notification is there.
    await said('Fjord & Fern #1201 · Out for delivery');
    const notifications = () => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body, lang, dir, data }) => ({ title, body, lang, dir, url: data.url })));
    for (let n = 0; n < 50 && !(await notifications()).length; n++) await new Promise(done => setTimeout(done, 100));
    const [{ url, body, ...rest }, ...others] = await notifications();
    assert.deepEqual([rest, others], [{ title: 'Fjord & Fern #1201', lang: 'en-US', dir: 'ltr' }, []]);
    assert.match(body, /^Out for delivery\nIt should be with you on \w+, \w+ \d+\.$/);
    // It opens this order's page, on whatever host the server is told that it has.
    const order = await (await fetch(api.origin + new URL(url).pathname, { headers: { accept: 'text/html' } })).text();
    assert.match(order, /#1201/);
    assert.match(order, /Out for delivery/);
    assert.equal(push.taken.length, 1);
    assert.match(push.taken[0].authorization, /^vapid t=ey.*, k=B/);
    assert.equal(push.taken[0]['content-encoding'], 'aes128gcm');
    await page.reload();
    await until(() => document.querySelector('#push button')?.textContent ?? '', /^Turn off$/);
    await page.click('#push button');
    await said('no longer told');
    await page.reload();
    await until(() => document.querySelector('#push button')?.textContent ?? '', /^Turn on$/);
    // The record says what was asked, and when it was taken back.
    assert.deepEqual((await api.asked('opt_ins')).map(o => [o.channel, o.given]), [['push', false], ['push', true]]);
    await scan(api, [[60, 'in_transit'], [1, 'out_for_delivery'], [0, 'delivered']]);
    // What is to be said of a change is written down together with it: nothing for this browser.
    const delivered = async () => /Delivered/.test(await (await fetch(`${api.origin}/track/${api.token('1201')}`)).text());
    for (let n = 0; n < 50 && !await delivered(); n++) await new Promise(done => setTimeout(done, 100));
    assert.ok(await delivered());
    const byPush = (await api.asked('messages')).filter(m => m.channel === 'push');
    assert.ok(byPush.some(m => m.notice === 'out_for_delivery'));
    assert.ok(!byPush.some(m => m.notice === 'delivered'));
    assert.equal(push.taken.length, 1);
  } finally {
    await browser?.close();
    push?.stop();
    await api?.stop();
  }
});

test('in Chromium: the worker shows what it is sent, and opens the order when it is clicked', async () => {
  let api, browser;
  try {
    [api, browser] = [await startApi(), await startBrowser()];
    await underWay(api);
    const context = await browser.newContext({ locale: 'en-US' });
    await context.grantPermissions(['notifications'], { origin: api.origin });
    const page = await context.newPage();
    await page.goto(`${api.origin}/push/${api.token('1201')}`);
    await page.getByRole('button', { name: 'Turn on' }).waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    const devtools = await context.newCDPSession(page);
    const found = new Promise(done => devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => { if (registrations[0]) done(registrations[0]); }));
    await devtools.send('ServiceWorker.enable');
    const { registrationId } = await found;
    const message = { title: 'Fjord & Fern #1201', body: '<b>Out</b> for delivery', url: `${api.origin}/track/x`, tag: 't', lang: 'en', dir: 'ltr' };
    for (const data of [JSON.stringify(message), JSON.stringify(message), 'not json']) {
      await devtools.send('ServiceWorker.deliverPushMessage', { origin: api.origin, registrationId, data });
    }
    // While one takes the other's place, there may be two without it.
    await page.waitForFunction(async title => {
      const all = await (await navigator.serviceWorker.ready).getNotifications();
      return all.length === 2 && all.some(n => n.title === title);
    }, message.title);
    const shown = await page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(n => [n.title, n.body, n.data.url]));
    assert.deepEqual(shown.find(n => n[0] !== 'Whereabouts'), [message.title, message.body, message.url], 'the same twice is one, and text is text');
    assert.match(await page.textContent('#push [role=status]'), /Whereabouts|Fjord & Fern/);
    // Only a hand may click a notification, and only a click may open a page: the worker is clicked in our words, and its answer is noted.
    const url = `${api.origin}/track/${api.token('1201')}`;
    const clicked = url => context.serviceWorkers()[0].evaluate(async url => {
      const noted = { opened: [], closed: 0 };
      self.clients.openWindow = async address => { noted.opened.push(address); };
      const notification = { data: { url }, close: () => { noted.closed += 1; } };
      let done;
      const event = Object.assign(new Event('notificationclick'), { notification, waitUntil: work => { done = work; } });
      self.dispatchEvent(event);
      await Promise.resolve(done).catch(e => { noted.refused = e.name; });
      return noted;
    }, url);
    assert.deepEqual(await clicked(url), { opened: [url], closed: 1 });
    assert.deepEqual(await clicked('javascript:alert(1)'), { opened: [], closed: 1 });
    // Where the order's page is open already, it comes to the front instead of a second one.
    const order = await context.newPage();
    await order.goto(url);
    assert.deepEqual((await clicked(url)).opened, []);
  } finally {
    await browser?.close();
    await api?.stop();
  }
});
