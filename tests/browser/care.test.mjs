// Help within the order's element and on the hosted pages, in a real browser: every guided report, questions, how it went, by keyboard and without script.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { adminKey, hostPage, shown, startApi, startBrowser, waitShown, watchedPage } from './harness.mjs';

let api;
let browser;
const tag = () => `<script async src="${api.origin}/embed.js" data-store="demo"></script>`;
const element = (order, more = '') => `<whereabouts-order token="${api.token(order)}" ${more}>Your order is on its way</whereabouts-order>`;
const ago = hours => new Date(Date.now() - hours * 3_600_000).toISOString();
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC', 'base64');

/** An order of two things in one parcel, with these scans: `[[hours ago, status] …]`. */
async function place(id, scans, placed = 200) {
  const number = `1Z${String(id).padStart(16, '0')}`;
  const lines = [{ id: 7, sku: 'MUG-1', title: 'Stoneware mug', quantity: 1, price: '24.00' }, { id: 8, sku: 'BLANKET-1', title: 'Wool blanket', quantity: 1, price: '129.00' }];
  await api.shopify('orders/create', { id, name: `#${id}`, created_at: ago(placed), updated_at: ago(placed), currency: 'USD', total_price: '153.00', email: 'ada@example.com', shipping_lines: [{ code: 'Standard' }],
    shipping_address: { city: 'San Francisco', province_code: 'CA', zip: '94103', country_code: 'US' }, line_items: lines });
  if (!scans.length) return;
  await api.shopify('fulfillments/create', { id: id * 10, order_id: id, status: 'success', created_at: ago(placed - 2), updated_at: ago(placed - 2), tracking_company: 'UPS', tracking_numbers: [number], line_items: lines });
  await scan(id, scans);
}
const scan = (id, scans) => api.easypost({ id: `evt_${id}_${scans.length}_${Math.random()}`, object: 'Event', result: { tracking_code: `1Z${String(id).padStart(16, '0')}`, carrier: 'UPS', status: scans.at(-1)[1],
  tracking_details: scans.map(([hours, status, message]) => ({ datetime: ago(hours), status, message: message ?? status, tracking_location: { city: 'SAN FRANCISCO', state: 'CA', country: 'US' } })) } });
const arrived = [[96, 'in_transit'], [30, 'delivered', 'Left at front door']];

const admin = async (path, body, method = 'POST') => {
  const answer = await fetch(`${api.origin}/v1/admin/stores/demo/${path}`, { method, body: JSON.stringify(body), headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' } });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};
const reports = async () => (await fetch(`${api.origin}/v1/admin/stores/demo/reports`, { headers: { authorization: `Bearer ${adminKey}` } })).json();

before(async () => {
  api = await startApi();
  browser = await startBrowser();
  await admin('care', {
    help: {
      busy: 'on', faqs: [{ id: 'gift', question: { en: 'Can you wrap it as a gift?', de: 'Als Geschenk?' }, answer: { en: 'Yes, in linen.', de: 'Ja.' } }],
      contacts: [{ kind: 'phone', address: '+1 555 0100', minutes: 40 }, { kind: 'email', address: 'help@shop.example', hours: { en: 'Weekdays' } }],
    },
    reports: { rules: [{ option: 'resend', note: { en: 'Sent the same day' } }, { option: 'refund', percent: 100 }, { option: 'claim', kinds: ['stolen'] }, { option: 'discount', percent: 10, kinds: ['late'], at_once: true }] },
    feedback: { after_hours: 2 },
  }, 'PUT');
});
after(async () => {
  await browser?.close();
  await api?.stop();
});

/** Opens help in the element. */
async function help(page, pattern = /Questions and answers/) {
  await waitShown(page, 'whereabouts-order', /Help with this order|How did it go\?/);
  if (!(await page.locator('details.care').evaluate(d => d.open))) await page.locator('summary.care-ask').click();
  return waitShown(page, 'whereabouts-order', pattern);
}
const clean = async page => {
  const found = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.html).join(' ')}`), []);
  assert.deepEqual(page.errors, []);
};
const wait = (page, pattern) => waitShown(page, 'whereabouts-order', pattern);

test('nothing of help is loaded until it is opened, and a strict policy allows it', async () => {
  await place(1101, [[40, 'in_transit']], 60);
  const csp = `default-src 'none'; script-src ${api.origin} 'wasm-unsafe-eval'; connect-src ${api.origin}; require-trusted-types-for 'script'; trusted-types 'none'`;
  const page = await hostPage(browser, tag() + element('1101'), { csp });
  const urls = [];
  page.on('request', r => urls.push(r.url()));
  await wait(page, /Help with this order/);
  await page.waitForTimeout(300);
  assert.ok(urls.every(u => !/care|screens/.test(u)), urls.join('\n'));
  await help(page);
  assert.ok(urls.some(u => /assets\/care\.[0-9a-f]+\.js/.test(u)) && urls.every(u => u.startsWith(api.origin) || u.startsWith(page.url())), urls.join('\n'));
  await clean(page);
  await page.end();
});

test('questions are searched on the device; the way to the store carries the order along, the calmest first', async () => {
  const page = await hostPage(browser, tag() + element('1101'));
  await help(page, /Many people are writing just now/);
  const urls = [];
  page.on('request', r => urls.push(r.url()));
  await page.getByLabel('Search the questions').fill('GIFT linen');
  assert.deepEqual(await page.locator('.care-faqs > li:visible').allInnerTexts(), ['Can you wrap it as a gift?']);
  await page.getByLabel('Search the questions').fill('zeppelin');
  await wait(page, /Nothing about that here/);
  await page.keyboard.press('Enter');
  assert.deepEqual(urls, [], 'nothing of it leaves the page');
  const links = await page.locator('.care-item a[href^="mailto:"], .care-item a[href^="tel:"]').evaluateAll(list => list.map(a => a.getAttribute('href')));
  assert.match(links[0], /^mailto:help@shop\.example\?subject=Order%20%231101&body=About%20order%20%231101%3A%20/);
  assert.equal(links[1], 'tel:+15550100');
  await page.end();
});

test('delivered and not there: where to look, then waiting with a day, and found by keyboard', async () => {
  await place(1102, [[96, 'in_transit'], [3, 'delivered', 'Left at front door']]);
  const page = await hostPage(browser, tag() + element('1102'));
  await help(page);
  await page.getByRole('link', { name: "It says delivered, but it isn't here" }).focus();
  await page.keyboard.press('Enter');
  await wait(page, /UPS: delivered on .*Left at front door.*The neighbours on both sides/);
  assert.equal(await page.evaluate(() => document.querySelector('whereabouts-order').shadowRoot.activeElement.className), 'care-title', 'the new screen has the focus');
  await clean(page);
  await page.getByLabel('The neighbours').check();
  await page.getByText('Not solved? Tell us').click();
  await page.getByLabel('What happened?').fill('Nobody has it');
  await page.getByRole('button', { name: 'Send' }).click();
  const text = await wait(page, /Your choice.*Wait until/);
  assert.match(text, /Of ten parcels like this one, \d still turn up.*If nothing moves by .*, you can choose: A new one, sent again, Your money back \(100 %\)/);
  await page.getByLabel('Wait until').check();
  await page.getByRole('button', { name: 'Agree' }).click();
  await wait(page, /Being looked into.*We look again on/);
  await page.getByRole('button', { name: 'It has turned up' }).click();
  await wait(page, /Withdrawn/);
  const [report] = (await reports()).filter(r => r.order_number === '#1102');
  assert.deepEqual([report.state, report.words], ['withdrawn', 'Nobody has it']);
  await page.end();
});

test('damaged: with a photo; agreed, settled while one looks, and whether it helped', async () => {
  await place(1103, arrived);
  const page = await hostPage(browser, tag() + element('1103'));
  await help(page);
  await page.getByRole('link', { name: 'It arrived damaged' }).click();
  await wait(page, /keep the item and all of its packaging/);
  await page.getByLabel('Stoneware mug').check();
  await page.getByLabel('What happened?').fill('<img src=x onerror=alert(1)> in pieces');
  await page.getByLabel('Photos').setInputFiles([{ name: 'mug.png', mimeType: 'image/png', buffer: png }, { name: 'evil.png', mimeType: 'image/png', buffer: Buffer.from('<svg onload=alert(1)>') }]);
  await page.getByRole('button', { name: 'Send' }).click();
  // One of the two is no photo: said, and the other kept.
  await wait(page, /A photo could not be taken.*1 photo added/);
  assert.equal(await page.locator('.care-screen img').count(), 0);
  await page.getByLabel('A new one, sent again').check();
  await page.getByRole('button', { name: 'Agree' }).click();
  await wait(page, /Agreed: A new one, sent again/);
  await clean(page);
  const [{ id }] = (await reports()).filter(r => r.order_number === '#1103');
  await admin(`reports/${id}/start`, {});
  await admin(`reports/${id}/settle`, { note: 'Sent today', reference: '#2001' });
  await wait(page, /Settled.*Sent today.*Reference: #2001.*Is it solved\?/);
  await page.getByRole('button', { name: 'Yes, it is' }).click();
  await wait(page, /Thank you for telling us/);
  await clean(page);
  await page.end();
});

test('missing, wrong and stolen: each its own checks and options', async () => {
  await place(1104, arrived);
  const page = await hostPage(browser, tag() + element('1104'));
  await help(page);
  for (const [kind, check, folded, options] of [
    ['Something is missing', /The packing paper and every corner/, true, /A new one, sent again.*Your money back/],
    ['It is the wrong item', /The packing slip: does it say/, false, /A new one, sent again.*Your money back/],
    ['It was stolen', /The neighbours on both sides/, true, /The store claims it from the carrier for you/],
  ]) {
    await page.getByRole('link', { name: kind }).first().click();
    await wait(page, check);
    if (folded) await page.getByText('Not solved? Tell us').click();
    await page.getByRole('button', { name: 'Send' }).click();
    const text = await wait(page, /Your choice/);
    assert.match(text, options);
    assert.doesNotMatch(text, /insur/i);
    await page.getByRole('link', { name: 'Back' }).click();
    await wait(page, /What you reported/);
  }
  assert.equal((await reports()).filter(r => r.order_number === '#1104').length, 3);
  await page.end();
});

test('late: what follows from the lane; it ends by itself when the parcel comes', async () => {
  await place(1105, [[24 * 12, 'in_transit'], [10, 'in_transit']], 24 * 13);
  const page = await hostPage(browser, tag() + element('1105'));
  await help(page);
  await page.getByRole('link', { name: 'It is late' }).click();
  await wait(page, /Expected now: .*UPS last saw it on/);
  await page.getByText('Not solved? Tell us').click();
  await page.getByRole('button', { name: 'Send' }).click();
  await wait(page, /Wait until .*A discount on this order \(10 %\)/);
  await scan(1105, [[24 * 12, 'in_transit'], [0, 'delivered']]);
  await wait(page, /Withdrawn/);
  await page.end();
});

test('an address can be changed until the parcel leaves', async () => {
  await place(1106, [], 2);
  const page = await hostPage(browser, tag() + element('1106'));
  await help(page);
  await page.getByRole('link', { name: 'Change the address' }).click();
  await wait(page, /It has not left yet/);
  await page.getByLabel('The new address').fill('short');
  await page.getByRole('button', { name: 'Send' }).click();
  await wait(page, /Please write the whole new address/);
  assert.equal(await page.getByLabel('The new address').inputValue(), 'short', 'what was typed stays');
  await page.getByLabel('The new address').fill('2 Other Street, Oakland, CA 94601');
  await page.getByRole('button', { name: 'Send' }).click();
  await wait(page, /Change the address as written/);
  await page.getByRole('button', { name: 'Agree' }).click();
  await wait(page, /Agreed/);
  await page.end();
});

test('how it went is asked once, and can be waved away', async () => {
  await place(1107, arrived);
  await place(1108, arrived);
  // By itself: in place of the offer of help, and opened where that moves nothing that is looked at.
  let page = await hostPage(browser, tag() + element('1107'));
  await waitShown(page, 'whereabouts-order', /How did it go\?/);
  assert.equal(await page.shift(), 0);
  await help(page, /How likely are you to recommend Fjord & Fern/);
  await clean(page);
  await page.getByRole('radio', { name: '9', exact: true }).focus();
  await page.keyboard.press('Space');
  await page.getByLabel('What is the reason?').fill('Quick');
  await page.locator('[data-asked]').getByRole('button', { name: 'Send' }).click();
  await page.locator('[data-asked]').waitFor({ state: 'detached' });
  await page.end();
  page = await hostPage(browser, tag() + element('1108'));
  await help(page, /How likely/);
  await page.getByRole('button', { name: 'No, thank you' }).click();
  await page.locator('[data-asked]').waitFor({ state: 'detached' });
  await page.end();
  for (const order of ['1107', '1108']) {
    page = await hostPage(browser, tag() + element(order));
    assert.doesNotMatch(await help(page), /How likely|How did it go/);
    await page.end();
  }
  const { summary } = await (await fetch(`${api.origin}/v1/admin/stores/demo/feedback`, { headers: { authorization: `Bearer ${adminKey}` } })).json();
  assert.deepEqual([summary.answers, summary.dismissed, summary.nps], [1, 1, 100]);
});

test('where parcels were stolen from many orders, checkout offers the safer ways first', async () => {
  const policy = JSON.parse(readFileSync(new URL('../../crates/api/src/demo/policy.json', import.meta.url)));
  policy.methods[1].safe = ['signature', 'pickup'];
  await admin('policy', policy, 'PUT');
  for (let id = 1130; id < 1135; id++) {
    await place(id, arrived);
    const answer = await fetch(`${api.origin}/v1/orders/${api.token(`${id}`)}/reports`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"kind":"stolen"}' });
    assert.equal(answer.status, 201);
  }
  // Settings that are written make the document anew; else that is done once a day.
  await admin('care', await api.asked('care'), 'PUT');
  const checkout = (postal, more = '') => `<whereabouts-estimate sku="MUG-1" country="US" postal-code="${postal}" surface="checkout" ${more}>Usually arrives within two weeks</whereabouts-estimate>`;
  const page = await hostPage(browser, tag() + checkout('94110') + checkout('10001') + checkout('94110', 'lang="de"'));
  const text = await waitShown(page, 'whereabouts-estimate', /Express.*Standard.*Economy/);
  assert.match(text, /Safer ways first: parcels went missing nearby .*Express .*Can be signed for .*Standard/);
  assert.match(await waitShown(page, 'whereabouts-estimate >> nth=1', /Standard.*Express/), /^(?!.*Safer ways)/);
  assert.match(await waitShown(page, 'whereabouts-estimate >> nth=2', /Express.*Standard/), /sicherere Wege zuerst/);
  await clean(page);
  if (process.env.SHOTS) for (const [name, width] of [['phone', 390], ['desktop', 1100]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `${process.env.SHOTS}/safer-${name}.png`, fullPage: true });
  }
  await page.end();
});

test('each of it can be switched off: the element offers the rest', async () => {
  await place(1120, arrived);
  const settings = await (await fetch(`${api.origin}/v1/admin/stores/demo/care`, { headers: { authorization: `Bearer ${adminKey}` } })).json();
  const parts = { help: 'Questions and answers', reports: 'Is something wrong', feedback: 'How likely are you', history: 'Your other orders', updates: 'Be told about this order' };
  const off = { updates: { push: false, email: false, sms: false } };
  try {
    for (const name of Object.keys(parts)) {
      await admin('care', { ...settings, [name]: off[name] ?? { ...settings[name], on: false } }, 'PUT');
      const page = await hostPage(browser, tag() + element('1120'));
      const text = await help(page, /Help with order #1120/);
      for (const [other, words] of Object.entries(parts)) assert.equal(new RegExp(words).test(text), other !== name, `${name} is off: ${other}`);
      await page.end();
    }
    await admin('care', Object.fromEntries(Object.keys(parts).map(name => [name, off[name] ?? { ...settings[name], on: false }])), 'PUT');
    const page = await hostPage(browser, tag() + element('1120'));
    await waitShown(page, 'whereabouts-order', /Delivered/);
    assert.equal(await page.locator('details.care').isVisible(), false);
    // Recommendations are what the merchant puts there: nothing by itself, and no request.
    assert.equal(await page.locator('slot[name=recommendations]').evaluate(slot => slot.assignedNodes().length), 0);
    await page.end();
  } finally {
    await admin('care', settings, 'PUT');
  }
});

test('a store’s own wording is on its hosted page, with script and without', async () => {
  await place(1121, arrived);
  const settings = await api.asked('care');
  await admin('care', { ...settings, texts: { en: { 'order.delivered': 'Yours since {day}, {time}', 'care.faqs': 'Asked often' } } }, 'PUT');
  try {
    for (const javaScriptEnabled of [true, false]) {
      const page = await watchedPage(browser, { javaScriptEnabled });
      await page.goto(`${api.origin}/track/${api.token('1121')}`);
      if (javaScriptEnabled) await page.locator('whereabouts-order .actions').waitFor();
      assert.match(await page.locator('.headline').first().textContent(), /^Yours since/);
      await page.goto(`${api.origin}/track/${api.token('1121')}/care/help`);
      assert.match(await page.textContent('main'), /Asked often/);
      await page.end();
    }
  } finally {
    await admin('care', settings, 'PUT');
  }
});

test('what fails is said, and what was written is kept', async () => {
  await place(1109, arrived);
  const page = await hostPage(browser, tag() + element('1109'));
  await help(page);
  await page.getByRole('link', { name: 'It arrived damaged' }).click();
  await page.getByLabel('What happened?').fill('Broken');
  await page.route('**/screens/**', route => route.abort());
  await page.getByRole('button', { name: 'Send' }).click();
  await wait(page, /Something went wrong on our side/);
  assert.equal(await page.getByLabel('What happened?').inputValue(), 'Broken');
  await page.unroute('**/screens/**');
  // Sent twice: once.
  await page.getByRole('button', { name: 'Send' }).dblclick();
  await wait(page, /Your choice/);
  assert.equal((await reports()).filter(r => r.order_number === '#1109').length, 1);
  assert.deepEqual(page.errors, []);
  await page.end();
});

test('it speaks the page’s language, from right to left where that is written so', async () => {
  const page = await hostPage(browser, `${tag()}<div lang="he">${element('1101')}</div>`);
  await waitShown(page, 'whereabouts-order', /עזרה בהזמנה/);
  await page.locator('summary.care-ask').click();
  await wait(page, /שאלות ותשובות/);
  assert.equal(await page.locator('.care-screen').evaluate(s => getComputedStyle(s).direction), 'rtl');
  await clean(page);
  await page.end();
});

test('on a phone at 320 px and on a dark ground nothing overflows and all of it can be read', async () => {
  await place(1110, arrived);
  for (const options of [{ viewport: { width: 320, height: 640 }, hasTouch: true }, { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }]) {
    const page = await watchedPage(browser, options);
    for (const path of ['help', 'report/new?kind=damaged', 'report/new?kind=not_arrived_though_delivered', 'updates', 'history']) {
      await page.goto(`${api.origin}/track/${api.token('1110')}/care/${path}`);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, path);
      const small = await page.evaluate(() => [...document.querySelectorAll('main button, main a, main summary, main input:not([type=hidden])')].map(e => (e.closest('label') ?? e).getBoundingClientRect()).filter(r => r.height && r.height < 24).length);
      assert.equal(small, 0, `touch targets on ${path}`);
      await clean(page);
    }
    await page.end();
  }
});

test('without script: a report with a photo, from the order’s page to its end', async () => {
  await place(1111, arrived);
  const page = await watchedPage(browser, { javaScriptEnabled: false });
  await page.goto(`${api.origin}/track/${api.token('1111')}`);
  await page.getByRole('link', { name: 'Help with this order' }).click();
  await page.getByRole('link', { name: 'It arrived damaged' }).click();
  await page.getByLabel('What happened?').fill('In pieces');
  await page.getByLabel('Photos').setInputFiles({ name: 'mug.png', mimeType: 'image/png', buffer: png });
  await page.getByRole('button', { name: 'Send' }).click();
  assert.match(await page.textContent('main'), /1 photo added/);
  await page.getByLabel('Your money back').check();
  await page.getByRole('button', { name: 'Agree' }).click();
  assert.match(await page.textContent('main'), /Agreed: Your money back/);
  await page.getByRole('link', { name: 'Help with this order' }).or(page.getByRole('link', { name: 'To the order' })).first().click();
  assert.match(await page.textContent('main'), /What you reported.*It arrived damaged.*Agreed/s);
  await page.end();
});
