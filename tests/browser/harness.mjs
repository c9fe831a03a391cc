// What every browser test needs: the real binary, a real Chromium, and host pages on another origin that watch themselves.
import { spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const binary = process.env.WHEREABOUTS_BINARY ?? join(root, 'target', 'debug', 'whereabouts');
const secret = '0123456789abcdef0123456789abcdef';
export const standardSecret = `whsec_${Buffer.from(secret).toString('base64')}`;
export { secret as tokenSecret };
export const adminKey = 'admin-key-0123456789abcdef0123456789';

/** Starts `whereabouts serve` on a free port, with an empty database and whatever else is configured; `stop()` ends it. */
export async function startServer(configured = '') {
  const dir = mkdtempSync(join(tmpdir(), 'whereabouts-'));
  const config = join(dir, 'config.toml');
  writeFileSync(config, `listen = "127.0.0.1:0"\ndatabase = "${join(dir, 'test.sqlite')}"\n${configured}`);
  const child = spawn(binary, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] });
  const said = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => reject(new Error(`whereabouts ended with ${code}`)));
    child.stdout.once('data', line => resolve(JSON.parse(line)));
  });
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await new Promise(done => child.once('exit', done));
    }
    rmSync(dir, { recursive: true, force: true });
  };
  return { ...said, stop };
}

/** The same with one store. */
export async function startApi({ internalTargets = false } = {}) {
  const { listen: origin, stop } = await startServer(`[limits]
internal_targets = ${internalTargets}
[[stores]]
id = "demo"
name = "Fjord & Fern"
policy = "${join(root, 'crates/api/src/demo/policy.json')}"
admin_keys = ["${adminKey}"]
token_secrets = ["${secret}"]
lookup_secret = "${secret}"
webhook_secrets = { shopify = ["${secret}"], easypost = ["${secret}"], standard = ["${standardSecret}"] }
`);
  const post = async (source, body, headers) => {
    const answer = await fetch(`${origin}/v1/webhooks/demo/${source}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
    if (!answer.ok) throw new Error(await answer.text());
  };
  const sign = (body, encoding) => createHmac('sha256', secret).update(body).digest(encoding);
  return {
    origin,
    shopify: (topic, object) => {
      const body = JSON.stringify(object);
      return post('shopify', body, { 'x-shopify-topic': topic, 'x-shopify-webhook-id': `${Math.random()}`, 'x-shopify-hmac-sha256': sign(body, 'base64') });
    },
    easypost: object => {
      const body = JSON.stringify(object);
      return post('easypost', body, { 'x-hmac-signature': `hmac-sha256-hex=${sign(body, 'hex')}` });
    },
    token: (order, expires = 4_000_000_000) => {
      const signed = `v1.demo.${Buffer.from(order).toString('base64url')}.${expires}`;
      return `${signed}.${sign(signed, 'hex')}`;
    },
    admin: (path, object, method = 'POST') => fetch(`${origin}/v1/admin/stores/demo/${path}`, { method, body: JSON.stringify(object), headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' } }),
    asked: async path => (await fetch(`${origin}/v1/admin/stores/demo/${path}`, { headers: { authorization: `Bearer ${adminKey}` } })).json(),
    stop,
  };
}

/** Starts `whereabouts demo` on free ports, in fast-forward; `stop()` ends it. */
export async function startDemo(speed = 20) {
  const child = spawn(binary, ['demo', '--port', '0', '--shop-port', '0', '--speed', `${speed}`, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const demo = await new Promise((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('exit', code => reject(new Error(`the demo ended with ${code}`)));
    child.stdout.on('data', part => { said += part; if (said.includes('\n')) resolve(JSON.parse(said)); });
  });
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await new Promise(done => child.once('exit', done));
  };
  return { ...demo, stop, order: number => demo.orders.find(o => o.number === number) };
}

export function browserPath() {
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].filter(Boolean)) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (found) return found;
  }
  throw new Error('no Chromium found: run ./build.sh setup, or set CHROMIUM to its path');
}

export const browserFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
export const startBrowser = () => chromium.launch({ executablePath: browserPath(), args: browserFlags });

/** A page that notes what a shopper should never meet: exceptions (`page.errors`) and moves of its content (`page.shift()`). */
export async function watchedPage(browser, options = {}) {
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'America/New_York', ...options });
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', e => page.errors.push(e.message));
  await page.addInitScript(() => {
    globalThis.shifted = 0;
    new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) globalThis.shifted += e.value; }).observe({ type: 'layout-shift', buffered: true });
    globalThis.failures = [];
    addEventListener('whereabouts:error', e => globalThis.failures.push(e.detail.message));
  });
  page.shift = () => page.evaluate(() => globalThis.shifted);
  page.failures = () => page.evaluate(() => globalThis.failures);
  page.end = () => context.close();
  return page;
}

/** A host page on an origin of its own. `route`: what to do to requests whose address matches. */
export async function hostPage(browser, body, { csp, init, route } = {}) {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...(csp && { 'content-security-policy': csp }) });
    response.end(`<!doctype html><html lang="en-US"><meta charset="utf-8"><title>Shop</title><main><h1>Mug</h1>${body}</main></html>`);
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  const page = await watchedPage(browser);
  if (init) await page.addInitScript(init);
  if (route) await page.route(...route);
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const end = page.end;
  page.end = async () => { await end(); server.closeAllConnections(); server.close(); };
  return page;
}

/** What a reader sees in an element, once it is there (a script may still have to place it): its shadow root, and its own content where a slot shows it. */
export const shown = (page, selector) =>
  page.locator(selector).first().evaluate(element => {
    const text = node => node.nodeType === 3 ? node.data : node.nodeName === 'SLOT' ? node.assignedNodes().map(text).join(' ') : [...node.childNodes].map(text).join(' ');
    return text(element.shadowRoot ?? element).replace(/\s+/g, ' ').trim();
  });

export async function waitShown(page, selector, pattern, timeout = 8000) {
  const until = Date.now() + timeout;
  for (;;) {
    const text = await shown(page, selector);
    if (pattern.test(text)) return text;
    if (Date.now() > until) throw new Error(`${selector} still shows “${text}”, not ${pattern}`);
    await new Promise(done => setTimeout(done, 25));
  }
}
