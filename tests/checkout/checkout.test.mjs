// One answer everywhere: the estimating part as Wasm, without a standard library, says byte by byte what the native build says; and it is small and
// quick enough for a platform's checkout function (256 KB, 11 million instructions).
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

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
const { memory, room, run } = instance.exports;
const answer = text => {
  const bytes = new TextEncoder().encode(text);
  const at = room(bytes.length);
  new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
  const found = BigInt.asUintN(64, run(at, bytes.length));
  return new TextDecoder().decode(new Uint8Array(memory.buffer, Number(found >> 32n), Number(found & 0xffffffffn)));
};

test(`the golden vectors, and ${CASES} random policies, carts and times, are answered alike`, async () => {
  const child = spawn('cargo', [...example, `${CASES}`, SEED], { stdio: ['ignore', 'pipe', 'inherit'] });
  const golden = JSON.parse(readFileSync('tests/golden/estimates.json', 'utf8')).cases;
  let count = 0, windows = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const native = JSON.parse(line);
    const wasm = answer(native.input);
    assert.equal(wasm, native.answer, native.input);
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

test('what can not be read is answered by nothing', () => {
  for (const text of ['', '{', '[]', '{"document":1}', '{"now":"yesterday"}']) assert.equal(answer(text), '', text);
});

test('small enough for a checkout function', () => {
  const size = statSync(MODULE).size;
  console.log(`${size} bytes`);
  assert.ok(size < 256 * 1024, `${size} bytes`);
});

test('quick enough for a checkout function, with a large cart', () => {
  const input = command('cargo', ...example, 'large').trim();
  const done = spawnSync('cargo', ['run', '--quiet', '--manifest-path', 'tests/checkout/fuel/Cargo.toml', '--target-dir', 'target/fuel', '--', MODULE],
    { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
  assert.equal(done.status, 0);
  const { instructions, answer: length } = JSON.parse(done.stdout);
  console.log(`${instructions} instructions for 20 lines, 10 methods, 3 origins`);
  assert.equal(length, new TextEncoder().encode(answer(input)).length);
  assert.ok(instructions < 11_000_000, `${instructions}`);
});
