// A Chromium with nothing else in it: spoken to over its pipe, so that no test driver's scripts run in the pages that are measured (they cost more than
// the widget does).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserFlags, browserPath } from '../tests/browser/harness.mjs';

export async function startChromium() {
  const profile = mkdtempSync(join(tmpdir(), 'whereabouts-bench-'));
  const child = spawn(browserPath(), [...browserFlags, '--remote-debugging-pipe', '--lang=en-US', `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const [, , , into, from] = child.stdio;
  const asked = new Map();
  let rest = '';
  let last = 0;
  from.setEncoding('utf8');
  from.on('data', part => {
    const parts = (rest + part).split('\0');
    rest = parts.pop();
    for (const { id, result, error } of parts.map(text => JSON.parse(text))) {
      const { resolve, reject, method } = asked.get(id) ?? {};
      asked.delete(id);
      if (error) reject?.(new Error(`${method}: ${error.message}`));
      else resolve?.(result);
    }
  });
  const ended = new Promise(done => child.once('exit', done));
  ended.then(() => { for (const { reject, method } of asked.values()) reject(new Error(`${method}: Chromium has ended`)); });
  const send = (method, params = {}, sessionId) => new Promise((resolve, reject) => {
    asked.set(++last, { resolve, reject, method });
    into.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  });
  return {
    /** A page in a profile of its own, with nothing in its cache; `slow`: a phone (processor slowed four times) on slow 4G. */
    async page({ slow = true } = {}) {
      const { browserContextId } = await send('Target.createBrowserContext');
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId, width: 1280, height: 800 });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const ask = (method, params) => send(method, params, sessionId);
      await ask('Network.enable');
      if (slow) {
        await ask('Network.emulateNetworkConditions', { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 });
        await ask('Emulation.setCPUThrottlingRate', { rate: 4 });
      }
      return {
        ask,
        goto: url => ask('Page.navigate', { url }),
        async evaluate(expression) {
          const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
          if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
          return result.value;
        },
        end: () => send('Target.disposeBrowserContext', { browserContextId }),
      };
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
