// The loader: defines the two elements, fetches what a surface needs in parallel, and hands over to Wasm. Where Wasm can't run, it
// shows the server's answer as text. Whatever else fails, the text that the merchant put into the element stays.
import { draw } from './embed/draw.js';
import { cross } from './embed/flat.js';
import { Words } from './embed/words.js';

const script = document.currentScript;
const own = new URL(script?.src ?? location.href);
// `data-*`, or the query of the address where a store can only name one.
const data = { ...(script && Object.fromEntries(own.searchParams)), ...script?.dataset };
const api = (data.api ?? own.origin).replace(/\/$/, '');
const assets = new URL(data.assets ? data.assets.replace(/\/?$/, '/') : 'assets/', data.assets ? location.href : own);
const files = FILES;
const store = `${api}/v1/stores/${encodeURIComponent(data.store ?? '')}`;
const PATIENCE = 2000; // milliseconds: a page is not kept waiting
const RETRY = 60_000; // at most, between tries

const fail = (why, status) => { throw Object.assign(new Error(why), { status }); };
// Within the time that a page has for it.
const patiently = async work => {
  const stop = new AbortController();
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => { stop.abort(); reject(new Error('too slow')); }, PATIENCE); });
  try {
    return await Promise.race([work({ credentials: 'omit', signal: stop.signal }), late]);
  } finally {
    clearTimeout(timer);
  }
};
const ask = (url, headers) => patiently(async options => {
  const answer = await fetch(url, { ...options, headers });
  if (!answer.ok) fail(`HTTP ${answer.status}`, answer.status);
  // The server's clock: what to add to the page's own.
  const clock = (Date.parse(answer.headers.get('date')) || Date.now()) - performance.now();
  return { text: await answer.text(), clock };
});
const memo = make => {
  const made = {};
  return key => (made[key] ??= make(key).catch(e => { delete made[key]; throw e; }));
};
// As text: pages replace `fetch` with their own, which may not expect more.
const url = name => new URL(name.replace(/\.\w+$/, `.${files.build}$&`), assets).href;
// A surface in a language: how it behaves, its texts, styles and shapes. A failed import is remembered by its address: a try is an address.
let tries = 0;
const speech = memo(name => patiently(async () => {
  const from = url(name);
  const { Surface, speech } = await import(tries++ > 2 ? `${from}#${tries}` : from);
  const style = new CSSStyleSheet();
  style.replaceSync(speech.css);
  return { Surface, ...speech, style };
}));
// A store's own texts, from its own origin: `{"en": {"order.packing": "…"}, "*": {…}}`.
const override = memo(async address => {
  const from = new URL(address, location.href);
  return from.origin === location.origin ? JSON.parse((await ask(from.href)).text) : {};
});
const promise = memo(async () => {
  const { text, clock } = await ask(`${store}/promise.json`);
  return { document: JSON.parse(text), clock };
});
const module = memo(async surface => {
  if (typeof WebAssembly !== 'object') fail('no WebAssembly');
  return patiently(async options => {
    const answer = await fetch(url(`${surface}.wasm`), options);
    // Compiled while it comes in, where it says what it is.
    const made = /wasm/.test(answer.headers.get('content-type')) ? WebAssembly.instantiateStreaming(answer) : WebAssembly.instantiate(await answer.arrayBuffer());
    return (await made).instance.exports;
  });
});
// The words of the page's language where there are some, else English; dates are written as the words are.
const language = element => {
  const wish = element.closest('[lang]')?.lang || navigator.language || 'en';
  const base = wish.split('-')[0].toLowerCase();
  try {
    if (files.languages.includes(base)) return [Intl.getCanonicalLocales(wish)[0], base];
  } catch { /* not a language */ }
  return ['en', 'en'];
};
// What this device keeps: nothing but what the shopper typed, and where an order stood.
const device = (key, value) => {
  try {
    if (value === undefined) return JSON.parse(localStorage.getItem(`whereabouts:${key}`));
    if (value === null) localStorage.removeItem(`whereabouts:${key}`);
    else localStorage.setItem(`whereabouts:${key}`, JSON.stringify(value));
  } catch { /* a browser that keeps nothing */ }
  return null;
};

class Base extends HTMLElement {
  root = this.attachShadow({ mode: 'open' });
  #timer;
  #turn = 0;
  #ready = false;
  #tries = 0;
  data;
  constructor() {
    super();
    this.root.append(document.createElement('slot'));
  }
  connectedCallback() { this.redraw(); }
  disconnectedCallback() { this.#turn++; clearTimeout(this.#timer); this.mind?.stop?.(); }
  attributeChangedCallback(name) {
    this.mind?.changed?.(name);
    if (this.isConnected) this.redraw();
  }
  // Attributes that change together draw once.
  redraw() { const turn = ++this.#turn; queueMicrotask(() => turn === this.#turn && this.#run(turn)); }
  async #run(turn) {
    clearTimeout(this.#timer);
    const current = () => turn === this.#turn;
    const [tag, base] = language(this);
    const { surface } = this;
    try {
      // All at once; a module that can't run is not fatal, since the server runs the same code.
      const [wasm, given, speaks, own] = await Promise.all([
        module(surface).catch(() => null), this.load(tag).catch(error => ({ error })), speech(`${surface}.${base}.js`),
        data.texts && override(data.texts).catch(() => null),
      ]);
      if (!current()) return;
      const words = new Words({ ...speaks.texts, ...own?.['*'], ...own?.[base], ...own?.[tag] }, tag);
      const mind = (this.mind ??= new speaks.Surface(this, { api, store, ask, cross, device, draw, fail, memo, url }));
      const loaded = given.error ? mind.instead(given.error, words) : given;
      this.root.adoptedStyleSheets = [speaks.style];
      const next = await (wasm ? mind.draw(loaded, words, wasm, speaks.shapes) : mind.tell(loaded, words, current));
      if (!current()) return;
      if (next > 0) this.#timer = setTimeout(() => this.redraw(), next);
      this.#say(this.#ready ? 'change' : 'ready', this.data);
      this.#ready = true;
      this.#tries = 0;
    } catch (e) {
      if (!current()) return;
      this.#say('error', { message: String(e?.message ?? e) });
      // Down now is not down for good, and an order just placed is known in a moment. A link that is not valid stays so.
      if (e?.status !== 401 && e?.status !== 410) this.#timer = setTimeout(() => this.redraw(), Math.min(1000 * 2 ** this.#tries++, RETRY));
    }
  }
  #say(kind, detail) { this.dispatchEvent(new CustomEvent(`whereabouts:${kind}`, { bubbles: true, composed: true, detail })); }
  attribute(name) { return this.getAttribute(name) ?? ''; }
  // Sentences, as text.
  tell(lines) {
    const drawn = lines.filter(([, text]) => text).map(([part, text]) => {
      const line = document.createElement('p');
      line.className = line.part = part;
      line.dir = 'auto';
      line.textContent = text;
      return line;
    });
    this.root.replaceChildren(...drawn);
  }
}

class Estimate extends Base {
  static observedAttributes = ['sku', 'quantity', 'titles', 'country', 'postal-code', 'region', 'po-box', 'surface', 'method', 'need-by', 'lang'];
  surface = 'estimate';
  load() { return promise(''); }
}

class Order extends Base {
  static observedAttributes = ['token', 'lang'];
  surface = 'order';
  async load(tag) {
    const known = this.mind?.known();
    if (known) return known;
    const { text, clock } = await ask(`${api}/v1/orders/${encodeURIComponent(this.attribute('token'))}`, { 'accept-language': tag });
    return { document: JSON.parse(text), clock };
  }
}

// A store whose templates nobody edits.
if (data.place !== undefined) import(url('place.js')).then(part => part.place(data)).catch(() => {});
// A script tag twice, or two versions: the first has defined the elements.
for (const [name, kind] of [['whereabouts-estimate', Estimate], ['whereabouts-order', Order]]) {
  if (!customElements.get(name)) customElements.define(name, kind);
}
