// When a shopper sees the answer: the widget against a plain-JavaScript twin of each surface (bench/twin), in Chromium with its processor slowed four
// times and a slow 4G network (150 ms, 1.6 Mbit/s), both on the same page from the same server, taking turns. Cold: a new profile; warm: the same page
// once more, later. In the same visits: the longest task from the loader on, moves of the page, and how long an interaction takes to show.
//   node bench/paint.mjs [--json] [--runs 15] [--with other-figures.json] [name …]
import { readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { brotliCompressSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import { startApi } from '../tests/browser/harness.mjs';
import { startChromium } from './devtools.mjs';

const json = process.argv.includes('--json');
const option = name => { const at = process.argv.indexOf(name); return at < 0 ? undefined : process.argv[at + 1]; };
const runs = Number(option('--runs') ?? 15) || 15;
const before = json && option('--with') ? JSON.parse(readFileSync(option('--with'), 'utf8')) : [];
// Names may be given, to look at a few: `./build.sh bench paint`.
const names = process.argv.slice(2).filter((a, n, all) => !a.startsWith('-') && !/^--(with|runs|soak|orders)$/.test(all[n - 1] ?? ''));
const own = ['estimate', 'order'].flatMap(s => ['paint_cold', 'paint_warm', 'task', 'interaction', 'shift'].map(kind => `${s}_${kind}`));
const rows = [];
if (!names.length || names.some(n => own.some(a => a.includes(n)))) rows.push(...await paints());
if (json) console.log(JSON.stringify([...before, ...rows], null, 1));

function median(list) {
  const s = [...list].sort((a, b) => a - b);
  return (s[(s.length - 1) >> 1] + s[s.length >> 1]) / 2;
}

async function paints() {
  const api = await startApi();
  const now = new Date().toISOString();
  const line = { id: 7, sku: 'MUG-1', title: 'Stoneware mug', quantity: 2 };
  await api.shopify('orders/create', { id: 1001, name: '#1001', created_at: now, updated_at: now, currency: 'USD', shipping_lines: [{ code: 'Standard' }],
    shipping_address: { city: 'San Francisco', province_code: 'CA', zip: '94103', country_code: 'US' }, line_items: [line] });
  const number = '1Z5R89390357567127';
  await api.shopify('fulfillments/create', { id: 11, order_id: 1001, status: 'success', created_at: now, updated_at: now, tracking_company: 'UPS', tracking_numbers: [number], line_items: [line] });
  const scans = Array.from({ length: 8 }, (_, n) => ({ datetime: new Date(Date.now() - n * 5e6).toISOString(), status: 'in_transit', message: `Scan ${n}`, tracking_location: { city: `City ${n}`, state: 'TN', country: 'US' } })).reverse();
  await api.easypost({ id: 'evt_1', object: 'Event', result: { tracking_code: number, carrier: 'UPS', status: 'in_transit', tracking_details: scans } });
  const token = api.token('1001');

  // The twins come from the API's own address too, cached and compressed like the widget: by a proxy of it.
  const twins = Object.fromEntries(['estimate', 'order'].map(name => {
    const code = transformSync(readFileSync(new URL(`twin/${name}.js`, import.meta.url), 'utf8'), { minify: true, target: 'es2022' }).code;
    return [`/twin/${name}.js`, brotliCompressSync(code)];
  }));
  const pages = {
    '/estimate/widget': `<script async src="/embed.js" data-store="demo"></script><whereabouts-estimate sku="MUG-1" country="US" postal-code="94103">soon</whereabouts-estimate>`,
    '/estimate/twin': `<script async src="/twin/estimate.js" data-store="demo" data-sku="MUG-1" data-country="US" data-code="94103"></script><div id="estimate">soon</div>`,
    '/order/widget': `<script async src="/embed.js" data-store="demo"></script><whereabouts-order token="${token}">soon</whereabouts-order>`,
    '/order/twin': `<script async src="/twin/order.js" data-token="${token}"></script><div id="order">soon</div>`,
  };
  // Notes when the answer has been painted, and what a shopper would feel: long tasks from the loader on, moves, slow interactions.
  const watch = `<script>
    const seen = { long: 0, shift: 0, slow: 0 };
    const from = () => performance.getEntriesByType('resource').find(e => /\\.js$/.test(e.name))?.responseEnd ?? Infinity;
    const tasks = [];
    const watch = (type, take, more) => new PerformanceObserver(l => l.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
    watch('longtask', e => tasks.push(e));
    watch('layout-shift', e => { if (!e.hadRecentInput) seen.shift += e.value; });
    watch('event', e => { if (e.interactionId) seen.slow = Math.max(seen.slow, e.duration); }, { durationThreshold: 16 });
    const tell = () => {
      seen.long = Math.max(0, ...tasks.filter(e => e.startTime >= from()).map(e => e.duration));
      navigator.sendBeacon('/seen', JSON.stringify(seen));
    };
    const look = () => {
      const root = document.querySelector('whereabouts-estimate, whereabouts-order, #estimate, #order')?.shadowRoot;
      const headline = root?.querySelector('.headline');
      if (!headline) return requestAnimationFrame(look);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { seen.at = performance.now(); seen.says = headline.textContent; setTimeout(tell, 100); };
      port2.postMessage(0);
    };
    look();
  </script>`;
  let tell;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    if (pages[pathname]) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      return response.end(`<!doctype html><html lang="en-US"><meta charset="utf-8"><title>Shop</title>${watch}<main><h1>Mug</h1>${pages[pathname]}</main></html>`);
    }
    if (twins[pathname]) {
      response.writeHead(200, { 'content-type': 'text/javascript', 'content-encoding': 'br', 'cache-control': 'public, max-age=300' });
      return response.end(twins[pathname]);
    }
    if (pathname === '/seen') {
      let text = '';
      request.on('data', part => { text += part; });
      return request.on('end', () => { response.writeHead(204).end(); tell?.(JSON.parse(text)); });
    }
    if (pathname.endsWith('/live')) return response.writeHead(204).end();
    const upstream = ask(api.origin + request.url, { headers: request.headers, method: request.method }, answer => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.writeHead(502).end());
    request.pipe(upstream);
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const chromium = await startChromium();
  const times = {};
  const says = {};
  const visit = async (page, name, kind, keep) => {
    const seen = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name}: nothing was shown`)), 30_000);
      tell = found => { clearTimeout(timer); resolve(found); };
      page.goto(`${origin}/${name}`).catch(reject);
    });
    const [surface, who] = name.split('/');
    (says[surface] ??= {})[who] = seen.says.replace(/\s+/g, ' ').trim();
    if (!keep) return;
    (times[`${name} ${kind}`] ??= []).push(seen.at);
    (times[`${name} long`] ??= []).push(seen.long);
    (times[`${name} shift`] ??= []).push(seen.shift);
  };
  // The first round warms the servers, and is not counted.
  for (let run = -1; run < runs; run++) {
    for (const name of ['estimate/widget', 'estimate/twin', 'order/widget', 'order/twin'].map((_, n, all) => all[(n + run + 4) % 4])) {
      const page = await chromium.page();
      await visit(page, name, 'cold', run >= 0);
      await page.goto('about:blank');
      await visit(page, name, 'warm', run >= 0);
      if (name.endsWith('widget')) {
        const slow = await interact(page, name.split('/')[0]);
        if (run >= 0) (times[`${name} slow`] ??= []).push(slow);
      }
      await page.end();
    }
  }
  await chromium.stop();
  server.closeAllConnections();
  server.close();
  await api.stop();
  for (const [surface, { widget, twin }] of Object.entries(says)) {
    if (widget !== twin) throw new Error(`${surface}: the twin says “${twin}”, the widget “${widget}”: they don't do the same`);
  }
  const round = x => Math.round(x * 1000) / 1000;
  const of = (name, value, reference, unit = 'ms') => ({ name, value: round(value), reference: round(reference), ratio: round(reference ? value / reference : value), unit });
  const found = ['estimate', 'order'].flatMap(surface => {
    const figure = (who, kind, how = median) => how(times[`${surface}/${who} ${kind}`]);
    return [
      ...['cold', 'warm'].map(kind => of(`${surface}_paint_${kind}`, figure('widget', kind), figure('twin', kind))),
      of(`${surface}_task`, figure('widget', 'long'), 50),
      of(`${surface}_interaction`, figure('widget', 'slow'), 100),
      of(`${surface}_shift`, figure('widget', 'shift', list => Math.max(...list)), 0, ''),
    ];
  });
  if (!json) {
    console.log(`medians over ${runs} runs; processor slowed 4 times, 150 ms and 1.6 Mbit/s`);
    for (const r of found) {
      const [note, limit] = r.name.includes('paint') ? [`twin ${r.reference.toFixed(0).padStart(5)} ms   ratio ${r.ratio.toFixed(2)}`, r.name.endsWith('cold') ? 1.25 : 1.15]
        : [r.name.endsWith('shift') ? 'layout shift, worst run' : `at most ${r.reference} ms${r.name.endsWith('task') ? ' (longest task from the loader on; 0: none over 50)' : ' (slowest interaction to its paint)'}`];
      console.log(`${r.name.padEnd(22)} ${r.value.toFixed(r.unit ? 0 : 3).padStart(6)} ${r.unit.padEnd(2)}   ${note}${limit ? ` (at most ${limit})` : ''}`);
    }
  }
  return found;
}

/** What a shopper does: the longest time from one of these to what it shows. */
async function interact(page, surface) {
  const at = selector => page.evaluate(`(async () => {
    for (let n = 0; n < 400; n++) {
      const found = document.querySelector('whereabouts-estimate, whereabouts-order').shadowRoot.querySelector(${JSON.stringify(selector)});
      if (found?.checkVisibility()) {
        found.scrollIntoView({ block: 'center' });
        await new Promise(requestAnimationFrame);
        const r = found.getBoundingClientRect();
        return [r.left + Math.min(r.width, 60) / 2, r.top + r.height / 2];
      }
      await new Promise(done => setTimeout(done, 25));
    }
    throw new Error('${surface}: no ' + ${JSON.stringify(selector)});
  })()`);
  const settled = () => page.evaluate('new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))');
  const click = async selector => {
    const [x, y] = await at(selector);
    for (const type of ['mousePressed', 'mouseReleased']) await page.ask('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    await settled();
  };
  if (surface === 'estimate') {
    await click('.change');
    await at('#postal');
    for (const key of '10001') {
      await page.ask('Input.dispatchKeyEvent', { type: 'keyDown', key, text: key, code: `Digit${key}`, windowsVirtualKeyCode: key.charCodeAt(0) });
      await page.ask('Input.dispatchKeyEvent', { type: 'keyUp', key, code: `Digit${key}`, windowsVirtualKeyCode: key.charCodeAt(0) });
    }
    await page.ask('Input.dispatchKeyEvent', { type: 'keyDown', key: 'Enter', text: '\r', code: 'Enter', windowsVirtualKeyCode: 13 });
    await page.ask('Input.dispatchKeyEvent', { type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
    await settled();
    await click('details summary');
  } else {
    await click('.care > summary');
    await click('.care-body a, .care-body summary');
    await click('.parcel details summary, details:not(.care) summary');
  }
  return page.evaluate('performance.interactionCount ? Math.max(seen.slow, 16) : Promise.reject(new Error("no interaction was noticed"))');
}
