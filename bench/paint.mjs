// When a shopper sees the answer: the widget against a plain-JavaScript twin of each surface (bench/twin), in Chromium with its processor slowed four
// times and a slow 4G network (150 ms, 1.6 Mbit/s), both on the same page from the same server, taking turns. Cold: a new profile; warm: the same page
// once more, later.
//   node bench/paint.mjs [--json] [--runs 15] [--with other-figures.json]
import { readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { brotliCompressSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import { startApi, startBrowser } from '../tests/browser/harness.mjs';

const json = process.argv.includes('--json');
const option = name => { const at = process.argv.indexOf(name); return at < 0 ? undefined : process.argv[at + 1]; };
const runs = Number(option('--runs') ?? 15) || 15;
const before = json && option('--with') ? JSON.parse(readFileSync(option('--with'), 'utf8')) : [];
// Names may be given, to look at a few: `./build.sh bench paint`.
const names = process.argv.slice(2).filter((a, n, all) => !a.startsWith('-') && !/^--(with|runs)$/.test(all[n - 1] ?? ''));
if (names.length && !names.some(n => 'estimate_paint_cold estimate_paint_warm order_paint_cold order_paint_warm'.includes(n))) {
  if (json) console.log(JSON.stringify(before, null, 1));
  process.exit();
}
const median = list => { const s = [...list].sort((a, b) => a - b); return (s[(s.length - 1) >> 1] + s[s.length >> 1]) / 2; };

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
// Notes when the answer stands in the shadow root, and what a shopper would feel: long tasks, moves.
const watch = `<script>
  const seen = { long: 0, shift: 0 };
  new PerformanceObserver(l => l.getEntries().forEach(e => { seen.long = Math.max(seen.long, e.duration); })).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver(l => l.getEntries().forEach(e => { if (!e.hadRecentInput) seen.shift += e.value; })).observe({ type: 'layout-shift', buffered: true });
  const look = () => {
    const root = document.querySelector('whereabouts-estimate, whereabouts-order, #estimate, #order')?.shadowRoot;
    if (root?.querySelector('.headline')) seen.at = performance.now(); else requestAnimationFrame(look);
  };
  look();
</script>`;
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
  if (pathname.endsWith('/live')) return response.writeHead(204).end();
  const upstream = ask(api.origin + request.url, { headers: request.headers }, answer => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.writeHead(502).end());
  upstream.end();
});
await new Promise(done => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${server.address().port}`;
// The first round warms the servers, and is not counted.
const browser = await startBrowser();
const times = {};
const worst = { long: 0, shift: 0 };
const visit = async (page, name, kind, keep) => {
  await page.goto(`${origin}/${name}`, { waitUntil: 'load' });
  await page.waitForFunction('seen.at', null, { timeout: 20_000 });
  await page.waitForTimeout(60);
  const seen = await page.evaluate('seen');
  if (!keep) return;
  (times[`${name} ${kind}`] ??= []).push(seen.at);
  if (name.endsWith('widget')) for (const k in worst) worst[k] = Math.max(worst[k], seen[k]);
};
for (let run = -1; run < runs; run++) {
  for (const name of ['estimate/widget', 'estimate/twin', 'order/widget', 'order/twin']
    .map((_, n, all) => all[(n + run + 4) % 4])) {
    const context = await browser.newContext({ locale: 'en-US' });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 });
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    await visit(page, name, 'cold', run >= 0);
    await page.goto('about:blank');
    await visit(page, name, 'warm', run >= 0);
    await context.close();
  }
}
await browser.close();
server.closeAllConnections();
server.close();
await api.stop();
const rows = ['estimate', 'order'].flatMap(surface => ['cold', 'warm'].map(kind => {
  const [value, reference] = ['widget', 'twin'].map(who => median(times[`${surface}/${who} ${kind}`]));
  const round = x => Math.round(x * 1000) / 1000;
  return { name: `${surface}_paint_${kind}`, value: round(value), reference: round(reference), ratio: round(value / reference), unit: 'ms' };
}));
if (json) console.log(JSON.stringify([...before, ...rows], null, 1));
else {
  for (const r of rows) console.log(`${r.name.padEnd(20)} ${r.value.toFixed(0).padStart(6)} ms   twin ${r.reference.toFixed(0).padStart(6)} ms   ${r.ratio.toFixed(2)}`);
  console.log(`longest task ${worst.long.toFixed(0)} ms, layout shift ${worst.shift}`);
}
