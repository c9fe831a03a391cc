// `estimate_browser`: how long one estimate takes in Chromium by the widget's own Wasm, from request to answer, as the widget asks and reads it
// (www/embed/flat.js). Reads the case on standard input, prints {"value","reference"} in microseconds.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const { document, request, now } = JSON.parse(readFileSync(0, 'utf8'));
const manifest = JSON.parse(readFileSync('pkg/assets/manifest.json', 'utf8'));
const module = readFileSync(`pkg/assets/${manifest['estimate.wasm'].file}`).toString('base64');
const shapes = JSON.parse(readFileSync('pkg/shapes.json', 'utf8')).estimate;
const flat = readFileSync('www/embed/flat.js', 'utf8');
const executablePath = process.env.WHEREABOUTS_BROWSER ?? execFileSync('bash', ['-c', '. tools/toolchain.sh; browser'], { encoding: 'utf8' }).trim();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage();
  // A secure context, so that the reference is there.
  await page.route('https://bench.example/**', route => {
    const code = route.request().url().endsWith('flat.js');
    return route.fulfill({ body: code ? flat : '<!doctype html>', contentType: code ? 'text/javascript' : 'text/html' });
  });
  await page.goto('https://bench.example/');
  const figures = await page.evaluate(async ({ document, request, now, module, shapes }) => {
    const { cross } = await import('/flat.js');
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(atob(module), c => c.charCodeAt(0)));
    const wasm = instance.exports;
    cross(wasm, [[shapes.document, document]], w => w.load_promise()); // a page reads its promise document once
    const ui = { surface: 'checkout', ask: false, still: false, kept: false, need: null, titles: [], countries: ['US'] };
    const at = Date.parse(now);
    const estimate = () => {
      const out = cross(wasm, [[shapes.request, request], [shapes.ui, ui], ['s', 'en']], w => w.draw_estimate(at));
      out.number();
      return out.take(shapes.estimate);
    };
    const methods = estimate().options.filter(o => o.window).length;
    if (methods < 10) throw new Error(`only ${methods} methods have a window`);
    const text = new Uint8Array(256 * 1024);
    const median = list => list.sort((a, b) => a - b)[list.length >> 1];
    const [ours, theirs] = [[], []];
    for (let round = 0; round < 15; round++) {
      let start = performance.now();
      for (let n = 0; n < 50; n++) estimate();
      ours.push((performance.now() - start) * 20);
      start = performance.now();
      for (let n = 0; n < 50; n++) await crypto.subtle.digest('SHA-256', text);
      theirs.push((performance.now() - start) * 20);
    }
    return { value: median(ours), reference: median(theirs) };
  }, { document, request, now, module, shapes });
  console.log(JSON.stringify(figures));
} finally {
  await browser.close();
}
