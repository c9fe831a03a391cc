// One answer everywhere: the estimating part as Wasm, without a standard library, says byte by byte what the native build says; and it is small and
// quick enough for a platform's checkout function (256 KB, 11 million instructions).
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { cross } from '../../www/embed/flat.js';

const CASES = Number(process.env.CASES ?? 10_000);
const SEED = process.env.SEED ?? '1';
const MODULE = 'target/checkout/checkout.wasm';

const command = (...args) => {
  const done = spawnSync(args[0], args.slice(1), { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['pipe', 'pipe', 'inherit'] });
  assert.equal(done.status, 0, args.join(' '));
  return done.stdout;
};
const example = ['run', '--quiet', '--package', 'whereabouts-promise', '--example', 'cases', '--'];

command('tools/checkout.sh');
const { instance } = await WebAssembly.instantiate(readFileSync(MODULE));
const shapes = JSON.parse(command('cargo', 'run', '--quiet', '--package', 'whereabouts-view', '--example', 'shapes')).estimate;
const given = ({ document, request, now }) => [[shapes.document, document], [shapes.request, request], ['t', now]];
const answer = text => JSON.stringify(cross(instance.exports, given(JSON.parse(text)), wasm => wasm.run()).take(shapes.estimate));

// The module that shoppers load has been through more hands (tools/wasm.sh): it is asked the same. A page has one document, hence an instance each.
const manifest = JSON.parse(readFileSync('pkg/assets/manifest.json', 'utf8'));
const widget = new WebAssembly.Module(readFileSync(`pkg/assets/${manifest['estimate.wasm'].file}`));
const ui = { surface: 'checkout', ask: false, kept: false, titles: [], countries: [] };
function shown(text) {
  const { document, request, now } = JSON.parse(text);
  const wasm = new WebAssembly.Instance(widget).exports;
  cross(wasm, [[shapes.document, document]], w => w.load_promise());
  const out = cross(wasm, [[shapes.request, request], [shapes.ui, ui], ['s', 'en']], w => w.draw_estimate(Date.parse(now)));
  out.number();
  return JSON.stringify(out.take(shapes.estimate));
}

test(`the golden vectors, and ${CASES} random policies, carts and times, are answered alike`, async () => {
  const child = spawn('cargo', [...example, `${CASES}`, SEED], { stdio: ['ignore', 'pipe', 'inherit'] });
  const golden = JSON.parse(readFileSync('tests/golden/estimates.json', 'utf8')).cases;
  let count = 0, windows = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const native = JSON.parse(line);
    const wasm = answer(native.input);
    assert.equal(wasm, native.answer, native.input);
    assert.equal(shown(native.input), native.answer, native.input);
    const said = JSON.parse(wasm).options;
    if (count < golden.length) {
      const { expect, obstacle, name } = golden[count];
      assert.deepEqual(said[0].window ? [said[0].window.from, said[0].window.to] : said[0].obstacle, expect ?? obstacle, name);
    }
    windows += said.some(o => o.window) ? 1 : 0;
    count++;
  }
  assert.equal(count, CASES + golden.length);
  assert.ok(windows > CASES / 2, `${windows} of ${count} have a window`);
});

test('small enough for a checkout function', () => {
  const size = statSync(MODULE).size;
  console.log(`${size} bytes`);
  assert.ok(size < 256 * 1024, `${size} bytes`);
});

test('quick enough for a checkout function, with a large cart', () => {
  const input = JSON.parse(command('cargo', ...example, 'large'));
  // What lies in the module's memory before the call.
  const { exports } = instance;
  let at, sizes, content;
  const spy = { memory: exports.memory, output: exports.output, input: (...of) => (at = exports.input(...(sizes = of))) };
  const said = cross(spy, given(input), () => {
    content = Buffer.from(exports.memory.buffer.slice(at, at + sizes[0] * 8 + sizes[1]));
    exports.run();
  }).take(shapes.estimate);
  assert.ok(said.options.every(o => o.window), 'each method has an answer');
  const done = spawnSync('cargo', ['run', '--quiet', '--manifest-path', 'tests/checkout/fuel/Cargo.toml', '--target-dir', 'target/fuel', '--', MODULE],
    { input: Buffer.concat([Buffer.from(`${sizes.join(' ')}\n`), content]), stdio: ['pipe', 'pipe', 'inherit'], maxBuffer: 1 << 26 });
  assert.equal(done.status, 0);
  const { instructions } = JSON.parse(done.stdout.toString());
  console.log(`${instructions} instructions for 20 lines, 10 methods, 3 origins`);
  assert.ok(instructions > 10_000 && instructions < 11_000_000, `${instructions}`);
});
