// The loader: defines the two elements, fetches what a surface needs in parallel, and hands over to Wasm. Where Wasm can't run, it
// shows the server's answer as text. Whatever else fails, the text that the merchant put into the element stays.
(() => {
  const script = document.currentScript;
  const own = new URL(script?.src ?? location.href);
  // `data-*`, or the query of the address where a store can only name one.
  const data = { ...(script && Object.fromEntries(own.searchParams)), ...script?.dataset };
  const api = (data.api ?? own.origin).replace(/\/$/, '');
  const assets = new URL(data.assets ? data.assets.replace(/\/?$/, '/') : 'assets/', data.assets ? location.href : own);
  const files = /* FILES */ {};
  const store = `${api}/v1/stores/${encodeURIComponent(data.store ?? '')}`;
  const PATIENCE = 2000; // milliseconds: a page is not kept waiting
  const RETRY = 60_000; // at most, between tries
  const STREAMS = 3; // of a page; browsers allow six connections to a server, and the page needs some itself

  const fail = (why, status) => { throw Object.assign(new Error(why), { status }); };
  const ask = async (url, headers) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const answer = await fetch(url, { credentials: 'omit', signal: stop.signal, headers });
      if (!answer.ok) fail(`HTTP ${answer.status}`, answer.status);
      // The server's clock: what to add to the page's own.
      const clock = (Date.parse(answer.headers.get('date')) || Date.now()) - performance.now();
      return { text: await answer.text(), clock };
    } finally {
      clearTimeout(timer);
    }
  };
  const memo = make => {
    const made = {};
    return key => (made[key] ??= make(key).catch(e => { delete made[key]; throw e; }));
  };
  // As text: pages replace `fetch` with their own, which may not expect more.
  const url = name => new URL(files[name] ?? name.replace(/json$/, `${files.words}.json`), assets).href;
  const sheet = memo(async name => new CSSStyleSheet().replace((await ask(url(name))).text));
  const texts = memo(async name => JSON.parse((await ask(url(name))).text));
  const promise = memo(() => ask(`${store}/promise.json`));
  const module = memo(async surface => {
    if (typeof WebAssembly !== 'object') fail('no WebAssembly');
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      // Side by side; compiled while it comes in.
      const [glue, wasm] = await Promise.all([import(url(`${surface}.js`)), fetch(url(`${surface}.wasm`), { signal: stop.signal })]);
      await glue.default({ module_or_path: wasm });
      return glue;
    } finally {
      clearTimeout(timer);
    }
  });
  // The words of the page's language where there are some, else English; dates are written as the words are.
  const language = element => {
    const wish = element.closest('[lang]')?.lang || navigator.language || 'en';
    const base = wish.split('-')[0].toLowerCase();
    return files.languages.includes(base) ? [wish, base] : ['en', 'en'];
  };

  class Base extends HTMLElement {
    #root = this.attachShadow({ mode: 'open' });
    #timer;
    #turn = 0;
    #ready = false;
    #tries = 0;
    data;
    constructor() {
      super();
      this.#root.append(document.createElement('slot'));
    }
    connectedCallback() { this.redraw(); }
    disconnectedCallback() { this.#turn++; clearTimeout(this.#timer); this.stop?.(); }
    attributeChangedCallback() { if (this.isConnected) this.redraw(); }
    // Attributes that change together draw once.
    redraw() { const turn = ++this.#turn; queueMicrotask(() => turn === this.#turn && this.#run(turn)); }
    async #run(turn) {
      clearTimeout(this.#timer);
      const current = () => turn === this.#turn;
      const [tag, words] = language(this);
      try {
        // All at once; a module that can't run is not fatal, since the server runs the same code.
        const [glue, document, all, style] = await Promise.all([
          module(this.surface).catch(() => null), this.load(tag), texts(`${this.surface}.${words}.json`), sheet(`${this.surface}.css`),
        ]);
        if (!current()) return;
        this.#root.adoptedStyleSheets = [style];
        const next = glue ? this.draw(this.#root, glue, document, new glue.Words(all, tag)) : await this.words(this.#root, document, tag, current);
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
    // The server's sentence, as text.
    tell(root, { headline, detail }) {
      const lines = [['headline', headline], ['detail', detail]].filter(([, text]) => text).map(([part, text]) => {
        const line = document.createElement('p');
        line.className = part;
        line.part = part;
        line.dir = 'auto';
        line.textContent = text;
        return line;
      });
      root.replaceChildren(...lines);
    }
  }

  class Estimate extends Base {
    static observedAttributes = ['sku', 'quantity', 'country', 'postal-code', 'region', 'surface', 'method', 'lang'];
    surface = 'estimate';
    #typed;
    #ask = false;
    #request() {
      const postal_code = this.#typed ?? this.attribute('postal-code');
      // A cart: `sku="A,B" quantity="2,1"`.
      const quantities = this.attribute('quantity').split(',');
      const quantity = n => Math.min(Math.max(parseInt(quantities[n] ?? quantities[0], 10) || 1, 1), 1e6);
      return {
        items: this.attribute('sku').split(',').map((sku, n) => ({ sku: sku.trim(), quantity: quantity(n) })).filter(i => i.sku),
        destination: { country: this.attribute('country') || (postal_code && 'US'), region: this.attribute('region'), postal_code },
        method: this.getAttribute('method') || null,
      };
    }
    load() { return promise(''); }
    draw(root, glue, document, words) {
      if (!(document.loaded ??= glue.load_promise(document.text))) fail('the promise document can’t be read');
      const request = JSON.stringify(this.#request());
      const answer = glue.draw_estimate(root, request, this.attribute('surface') || 'product', this.#ask, document.clock + performance.now(), words);
      if (!answer) fail('no answer');
      this.data = JSON.parse(answer[0]);
      const [form, change] = [root.querySelector('form'), root.querySelector('.change')];
      if (form) {
        form.onsubmit = e => {
          e.preventDefault();
          this.#typed = form.elements.postal.value.trim();
          this.#ask = false;
          this.redraw();
        };
      }
      if (change) change.onclick = () => { this.#ask = true; this.redraw(); };
      if (this.#ask) form?.elements.postal.focus();
      return answer[1];
    }
    async words(root, document, tag, current) {
      const { items, destination, method } = this.#request();
      const query = new URLSearchParams(destination);
      for (const { sku, quantity } of items) query.append('item', `${sku}:${quantity}`);
      if (method) query.set('method', method);
      const answer = JSON.parse((await ask(`${store}/estimate?${query}`, { 'accept-language': tag })).text);
      if (current()) this.tell(root, (this.data = answer).sentence);
      return 3e5;
    }
  }

  class Order extends Base {
    static observedAttributes = ['token', 'lang'];
    static streams = 0;
    surface = 'order';
    #live;
    #latest;
    #token;
    #address() { return `${api}/v1/orders/${encodeURIComponent(this.attribute('token'))}`; }
    async load(tag) {
      const token = this.attribute('token');
      if (token !== this.#token) { this.stop(); this.#token = token; this.#latest = undefined; }
      return this.#latest ?? ask(this.#address(), { 'accept-language': tag });
    }
    draw(root, glue, document, words) {
      const offset = -new Date().getTimezoneOffset();
      if (!glue.draw_order(root, document.text, document.clock + performance.now(), offset, words)) fail('the order document can’t be read');
      this.#keep(document);
      this.#care(root, words);
      return 6e4;
    }
    // Help and reports: loaded when the shopper opens them. `care.js` exports `open(body, context)`, called once for a body; later changes
    // of the order come as the host's `whereabouts:change`.
    #care(root, words) {
      const care = root.querySelector('.care');
      if (!(care.hidden = !files['care.js'])) {
        care.ontoggle = () => {
          if (!care.open || care.filled) return;
          care.filled = true;
          const context = { host: this, root, api, token: this.attribute('token'), language: words.language, ask, texts, sheet, url };
          import(url('care.js')).then(m => m.open(care.lastChild, context)).catch(() => { care.filled = false; });
        };
      }
    }
    words(root, document) {
      this.#keep(document);
      this.tell(root, this.data.sentence);
      return 6e4;
    }
    #keep(document) {
      this.#latest = document;
      this.data = JSON.parse(document.text);
      this.#live ??= this.#watch();
    }
    // By server-sent events; by asking now and then where there are too many, or they fail for good.
    #watch() {
      const address = this.#address();
      let source, poll;
      const take = text => {
        if (JSON.parse(text).version === this.data.version) return;
        this.#latest = { ...this.#latest, text };
        this.redraw();
      };
      // The browser's cache asks with the ETag of what it has.
      const often = () => { poll ??= setInterval(() => document.hidden || ask(address).then(a => take(a.text)).catch(() => {}), 15_000); };
      if (Order.streams < STREAMS && typeof EventSource === 'function') {
        Order.streams++;
        source = new EventSource(`${address}/live`);
        source.addEventListener('order', e => take(e.data));
        source.onerror = () => { if (source.readyState === 2) often(); };
      } else often();
      return () => {
        if (source) { source.close(); Order.streams--; }
        clearInterval(poll);
      };
    }
    stop() { this.#live?.(); this.#live = undefined; }
  }

  // A store whose templates nobody edits.
  if (data.place !== undefined) import(url('place.js')).then(part => part.place(data)).catch(() => {});
  // A script tag twice, or two versions: the first has defined the elements.
  for (const [name, kind] of [['whereabouts-estimate', Estimate], ['whereabouts-order', Order]]) {
    if (!customElements.get(name)) customElements.define(name, kind);
  }
})();
