// In themes that mean no good, at any size, in forced colours, without motion, and by keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { hostPage, startBrowser, startDemo, waitShown, watchedPage } from './harness.mjs';

let demo;
let browser;
before(async () => {
  demo = await startDemo(1);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const elements = () => `<script async src="${demo.api}/embed.js" data-store="demo"></script>
  <whereabouts-estimate id="product" sku="MUG-1" country="US" postal-code="94103">soon</whereabouts-estimate>
  <whereabouts-estimate id="ask" sku="MUG-1">soon</whereabouts-estimate>
  <whereabouts-estimate id="checkout" sku="MUG-1,VASE-1" quantity="2,1" country="US" postal-code="94103" surface="checkout" need-by="2030-01-02">soon</whereabouts-estimate>
  <whereabouts-order id="order" token="${demo.order('#1004').token}">on its way</whereabouts-order>`;
const drawn = async page => {
  await waitShown(page, '#product', /Get it/i, 15_000);
  await waitShown(page, '#ask', /In most places/i);
  await waitShown(page, '#checkout', /Standard .*Express/i);
  await waitShown(page, '#order', /(Arriving|Running late|Probably|2 parcels|Delivered)/i);
};

/** Every text within the elements: its words, its contrast with the page's ground as it is painted, its height and line height. */
const texts = page => page.evaluate(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const paint = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = rgb => rgb.map(v => v / 255).map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = getComputedStyle(document.body).backgroundColor;
  const found = [];
  for (const host of document.querySelectorAll('whereabouts-estimate, whereabouts-order')) {
    const walker = document.createTreeWalker(host.shadowRoot, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
      const element = node.parentElement;
      if (!node.data.trim() || /^(option|style)$/.test(element.localName) || element.closest('[aria-hidden]') || !element.getClientRects().length) continue;
      const style = getComputedStyle(element);
      const [text, behind] = [paint(ground, style.webkitTextFillColor), paint(ground)].map(light).sort((a, b) => b - a);
      const box = element.getBoundingClientRect();
      found.push({ words: node.data.trim().slice(0, 40), part: element.className, contrast: (text + 0.05) / (behind + 0.05), indent: style.textIndent, spacing: style.letterSpacing, line: parseFloat(style.lineHeight) / parseFloat(style.fontSize), width: box.width });
    }
  }
  return found;
});

for (const [name, ink, ground] of [
  ['the palest grey that may be read', '#767676', '#ffffff'], ['grey on white', '#57534e', '#ffffff'], ['black on white', '#000000', '#ffffff'], ['a shop’s ink', '#1f2a24', '#fbfaf6'],
  ['white on black', '#ffffff', '#000000'], ['dark, with soft text', '#a8a29e', '#1c1917'], ['dark on dark, just to be read', '#7f7f7f', '#0a0a0a'], ['loud', '#0000ee', '#ffee00'],
]) {
  test(`a hostile theme, ${name}: all of it can be read`, async () => {
    const page = await hostPage(browser, `<style>
      * { line-height: 6 !important; letter-spacing: .7em !important; word-spacing: 3em !important; text-indent: 90px !important; white-space: nowrap !important; -webkit-text-fill-color: transparent !important;
        text-shadow: 0 0 9px red !important; margin: 9px !important; float: left !important; min-width: 0 !important; }
      html { background: ${ground} } body { background: ${ground}; color: ${ink} }
      button, input, select { all: unset !important } p, ul, li, h2, h3, span, details { display: none !important; opacity: 0 !important }
      </style>${elements()}`);
    await drawn(page);
    const found = await texts(page);
    assert.ok(found.length > 40, `${found.length} texts`);
    assert.deepEqual(found.filter(t => t.contrast < 4.49).map(t => `${t.words} (${t.part}): ${t.contrast.toFixed(2)}`), []);
    assert.deepEqual(found.filter(t => t.indent !== '0px' || t.spacing !== 'normal' || t.line > 2 || t.width < 8), []);
    const wider = await page.$$eval('whereabouts-estimate, whereabouts-order', all => all.map(e => e.getBoundingClientRect().right - innerWidth).filter(over => over > 0));
    assert.deepEqual(wider, [], 'wider than the screen');
    assert.deepEqual(page.errors, []);
    await page.end();
  });
}

test('wherever a theme puts it, it has room: in a row, a grid, a table, beside a float', async () => {
  const page = await hostPage(browser, `<style>div { margin-block: 8px }</style><div style="display:flex;gap:8px"><button>Add to cart</button>${elements()}</div>
    ${['display:inline-flex', 'display:grid;grid-template-columns:auto auto', 'display:flex;flex-direction:column;align-items:center', 'display:table', 'float:left', 'width:max-content', 'display:flex;flex-wrap:wrap']
      .map((style, n) => `<div style="${style}"><span>Hello</span><whereabouts-estimate class="put" id="put${n}" sku="MUG-1" country="US" postal-code="94103">soon</whereabouts-estimate></div>
        <div style="${style}"><span>Hello</span><whereabouts-order class="put" token="${demo.order('#1004').token}">on its way</whereabouts-order></div>`).join('<br style="clear:both">')}`);
  await drawn(page);
  await waitShown(page, '#put6', /Get it/);
  await page.waitForTimeout(500);
  const narrow = await page.$$eval('.put', all => all.map(e => [e.localName, e.parentElement.getAttribute('style'), e.shadowRoot.querySelector('.headline').getBoundingClientRect().width]).filter(p => p[2] < 100));
  assert.deepEqual(narrow, []);
  await page.end();
});

test('in forced colours what is behind still differs from what is ahead; without motion nothing moves', async () => {
  const page = await hostPage(browser, elements());
  await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
  await drawn(page);
  const stops = await page.$eval('#order', e => ['.stop.past', '.stop:not(.past)'].map(s => { const { borderTopColor, borderTopStyle } = getComputedStyle(e.shadowRoot.querySelector(s)); return `${borderTopColor} ${borderTopStyle}`; }));
  assert.notEqual(stops[0], stops[1]);
  const moving = await page.evaluate(() => [...document.querySelectorAll('whereabouts-estimate, whereabouts-order')].flatMap(host => [...host.shadowRoot.querySelectorAll('*')])
    .filter(e => { const s = getComputedStyle(e); return s.transitionDuration !== '0s' || s.animationName !== 'none' || s.scrollBehavior === 'smooth'; }).length + document.getAnimations().length);
  assert.equal(moving, 0);
  await page.end();
});

test('everything that can be used is reached by keyboard, in the order in which it stands, and shows where one is', async () => {
  const page = await hostPage(browser, elements());
  await drawn(page);
  const expected = await page.evaluate(() => [...document.querySelectorAll('whereabouts-estimate, whereabouts-order')].flatMap(host =>
    [...host.shadowRoot.querySelectorAll('a[href], button, input, select, summary')].filter(e => e.getClientRects().length && e.checkVisibility()).map(e => `${host.id} ${e.localName} ${e.className}`)));
  const reached = [];
  for (let n = 0; n < 200; n++) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => {
      const host = document.activeElement;
      const inner = host?.shadowRoot?.activeElement;
      return inner && { name: `${host.id} ${inner.localName} ${inner.className}`, outline: getComputedStyle(inner).outlineStyle };
    });
    if (!now) { if (reached.length) break; continue; }
    assert.notEqual(now.outline, 'none', `${now.name} does not show that it has the focus`);
    // A date field has several places of its own.
    if (reached.at(-1) !== now.name || !/input/.test(now.name)) reached.push(now.name);
  }
  assert.deepEqual(reached, expected);
  // What folds opens by keyboard, and stays open through a redraw.
  await page.$eval('#product', e => e.shadowRoot.querySelector('summary').focus());
  await page.keyboard.press('Enter');
  await page.$eval('#product', e => e.setAttribute('quantity', '2'));
  await page.waitForTimeout(200);
  assert.equal(await page.$eval('#product', e => e.shadowRoot.querySelector('details').open && e.shadowRoot.activeElement?.localName === 'summary'), true);
  await page.end();
});

test('the gallery, every state light, dark and from right to left: axe finds nothing; at 320 px nothing scrolls sideways', async () => {
  const page = await watchedPage(browser, { viewport: { width: 320, height: 640 } });
  await page.goto(`${demo.shop}/gallery`);
  await page.waitForFunction(() => [...document.querySelectorAll('whereabouts-estimate, whereabouts-order')].filter(e => !e.shadowRoot?.querySelector('.headline, .methods')).length <= 3, null, { timeout: 60_000 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
  const inner = await page.$$eval('.pair > div', all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.closest('section').querySelector('h2').textContent));
  assert.deepEqual(inner, []);
  const found = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).slice(0, 3)}`), []);
  await page.end();
});
