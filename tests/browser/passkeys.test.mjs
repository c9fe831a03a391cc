// Passkeys in a real browser, with the authenticator that Chromium keeps for tests.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { startBrowser, startDemo, watchedPage } from './harness.mjs';

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

test('a passkey is made, opens the console, can not be replayed, and is removed', async () => {
  const page = await watchedPage(browser);
  const refused = [];
  page.on('console', message => { if (/Content Security Policy/.test(message.text())) refused.push(message.text()); });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  // An address of numbers has no passkeys: it says where they are.
  await page.goto(`${demo.api}/console/sign-in`);
  const home = demo.api.replace('127.0.0.1', 'localhost');
  await page.getByText(`Passkeys work at ${home}/console/sign-in`).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Sign in with a passkey' }).isVisible(), false);

  await page.goto(`${home}/console/sign-in`);
  await page.getByLabel('Email').fill(demo.console.email);
  await page.getByLabel('Password').fill(demo.console.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/console/demo/overview');
  await page.goto(`${home}/console/account`);
  await page.getByLabel('Name of the passkey').fill('Laptop');
  const proof = page.getByLabel('Your password, to make sure');
  await proof.fill('not this one at all');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('This is not your password.').waitFor();
  await proof.fill(demo.console.password);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('Your passkey works from now on.').waitFor();
  assert.match(await page.locator('#passkeys').textContent(), /Laptop.*not used yet/s);
  assert.deepEqual((await new AxeBuilder({ page }).analyze()).violations, []);
  // A second one on the same device is refused by the device.
  await page.getByLabel('Your password, to make sure').fill(demo.console.password);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('This device has a passkey here already.').waitFor();

  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL('**/console/sign-in');
  const sent = page.waitForRequest(r => r.method() === 'POST' && r.url().endsWith('/console/sign-in/passkey'));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  const body = (await sent).postData();
  await page.waitForURL('**/console/demo/overview');
  // The same answer, sent by somebody who has listened.
  const replayed = await fetch(`${demo.api}/console/sign-in/passkey`, { method: 'POST', body, redirect: 'manual', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  assert.equal(replayed.status, 401);
  // From another site the form is not taken at all.
  const foreign = await fetch(`${demo.api}/console/sign-in/passkey`, { method: 'POST', body, redirect: 'manual', headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' } });
  assert.equal(foreign.status, 403);

  await page.goto(`${home}/console/account`);
  assert.match(await page.locator('#passkeys').textContent(), /Laptop.*last used/s);
  await page.locator('#passkeys').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('Removed.').waitFor();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText('This passkey does not open this console.').waitFor();
  assert.deepEqual((await new AxeBuilder({ page }).analyze()).violations, []);
  assert.deepEqual([page.errors, refused], [[], []]);
  await page.end();
});
