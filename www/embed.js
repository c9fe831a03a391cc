// The loader: defines the two elements, fetches what a surface needs in parallel, and hands over to Wasm. Whatever fails, the text
// that the merchant put into the element stays.
(() => {
  const script = document.currentScript;
  const own = new URL(script?.src ?? location.href);
  const data = script?.dataset ?? {};
  const api = (data.api ?? own.origin).replace(/\/$/, '');
  const assets = new URL(data.assets ? data.assets.replace(/\/?$/, '/') : 'assets/', data.assets ? location.href : own);
  const files = /* FILES */ {};
  const store = data.store ?? '';
  const PATIENCE = 2000;

  const timed = (url, options) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    return fetch(url, { credentials: 'omit', ...options, signal: stop.signal }).finally(() => clearTimeout(timer));
  };
  const ask = async url => {
    const answer = await timed(url);
    if (!answer.ok) throw Object.assign(new Error(`HTTP ${answer.status}`), { status: answer.status });
    return answer;
  };
  const json = async url => (await ask(url)).json();
  const once = make => {
    let made;
    return () => (made ??= make().catch(e => { made = undefined; throw e; }));
  };
  const url = name => new URL(files[name], assets);
  const sheet = once(async () => {
    const style = new CSSStyleSheet();
    style.replaceSync(await (await timed(url('widget.css'))).text());
    return style;
  });
  const texts = once(() => json(url('en.json')));
  const promise = once(async () => {
    const answer = await ask(`${api}/v1/stores/${encodeURIComponent(store)}/promise.json`);
    const text = await answer.text();
    // The server's clock, as of now.
    return { text, clock: (Date.parse(answer.headers.get('date')) || Date.now()) - performance.now() };
  });
  const module = surface => once(async () => {
    if (typeof WebAssembly !== 'object') throw new Error('no WebAssembly');
    const wasm = timed(url(`${surface}.wasm`));
    const [glue, answer] = await Promise.all([import(url(`${surface}.js`)), wasm]);
    await glue.default({ module_or_path: answer });
    return glue;
  });
  const modules = { estimate: module('estimate'), order: module('order') };

  class Base extends HTMLElement {
    #root = this.attachShadow({ mode: 'open' });
    #timer;
    #turn = 0;
    #ready = false;
    data;
    constructor() {
      super();
      this.#root.append(document.createElement('slot'));
    }
    connectedCallback() { this.#start(); }
    disconnectedCallback() { this.#turn++; clearTimeout(this.#timer); this.stop?.(); }
    attributeChangedCallback() { if (this.isConnected) this.#start(); }
    // Attributes that change together draw once.
    #start() { const turn = ++this.#turn; queueMicrotask(() => turn === this.#turn && this.#run(turn)); }
    async #run(turn) {
      clearTimeout(this.#timer);
      try {
        const [shown, next] = await this.draw(this.#root, () => turn === this.#turn);
        if (turn !== this.#turn) return;
        this.data = shown;
        if (next > 0) this.#timer = setTimeout(() => this.#start(), next);
        this.say(this.#ready ? 'change' : 'ready', shown);
        this.#ready = true;
      } catch (e) {
        if (turn !== this.#turn) return;
        this.say('error', { message: String(e?.message ?? e) });
      }
    }
    say(kind, detail) { this.dispatchEvent(new CustomEvent(`whereabouts:${kind}`, { bubbles: true, composed: true, detail })); }
    redraw() { this.#start(); }
    async dress(root) { root.adoptedStyleSheets = [await sheet()]; }
    // Where Wasm can't run: the server's answer, as text.
    words(root, text) {
      if (!text) throw new Error('no answer');
      const line = document.createElement('p');
      line.textContent = text;
      root.replaceChildren(line);
    }
  }

  class Estimate extends Base {
    static observedAttributes = ['sku', 'quantity', 'country', 'postal-code', 'region', 'surface', 'method', 'lang'];
    #typed;
    async draw(root, current) {
      const postal = this.#typed ?? this.getAttribute('postal-code') ?? '';
      const request = {
        items: (this.getAttribute('sku') ?? '').split(',').filter(Boolean)
          .map(sku => ({ sku: sku.trim(), quantity: Math.max(1, parseInt(this.getAttribute('quantity') ?? '1', 10) || 1) })),
        destination: { country: this.getAttribute('country') ?? (postal ? 'US' : ''), region: this.getAttribute('region') ?? '', postal_code: postal },
        method: this.getAttribute('method') ?? undefined,
      };
      const [glue, doc, words] = await Promise.all([modules.estimate(), promise(), texts(), this.dress(root)]);
      if (!current()) return [];
      if (!(doc.loaded ??= glue.load_promise(doc.text))) throw new Error('the promise document can’t be read');
      const now = doc.clock + performance.now();
      const answer = glue.draw_estimate(root, JSON.stringify(request), this.getAttribute('surface') ?? 'product', now, new glue.Words(words, language(this)));
      if (!answer) throw new Error('no answer');
      const [shown, next] = [JSON.parse(answer[0]), answer[1]];
      const form = root.querySelector('form');
      if (form && !form.onsubmit) {
        form.onsubmit = e => {
          e.preventDefault();
          this.#typed = form.elements.postal.value.trim();
          this.redraw();
        };
      }
      return [shown, next];
    }
  }

  class Order extends Base {
    static observedAttributes = ['token', 'lang'];
    #live;
    #latest;
    #token;
    async draw(root, current) {
      const token = this.getAttribute('token') ?? '';
      if (token !== this.#token) { this.stop(); this.#token = token; this.#latest = undefined; }
      const address = `${api}/v1/orders/${encodeURIComponent(token)}`;
      const [glue, doc, words] = await Promise.all([modules.order(), this.#latest ?? ask(address).then(a => a.text()), texts(), this.dress(root)]);
      if (!current()) return [];
      if (!glue.draw_order(root, doc, new glue.Words(words, language(this)))) throw new Error('the order document can’t be read');
      this.#latest = doc;
      this.data = JSON.parse(doc);
      this.#live ??= this.#watch(address);
      return [this.data, 0];
    }
    #watch(address) {
      const source = new EventSource(`${address}/live`);
      let poll;
      const take = text => { if (JSON.parse(text).version > (this.data?.version ?? 0)) { this.#latest = text; this.redraw(); } };
      source.addEventListener('order', e => take(e.data));
      // Where the stream fails for good, ask now and then.
      source.onerror = () => { if (source.readyState === 2) poll ??= setInterval(() => ask(address).then(a => a.text()).then(take).catch(() => {}), 30_000); };
      return () => { source.close(); clearInterval(poll); };
    }
    stop() { this.#live?.(); this.#live = undefined; }
  }

  const language = element => {
    const wish = element.closest('[lang]')?.lang || navigator.language || 'en';
    // Dates are written as the words are: in a language that has a file.
    return wish.split('-')[0] === 'en' ? wish : 'en';
  };
  // A script tag twice, or two versions: the first has defined the elements.
  for (const [name, kind] of [['whereabouts-estimate', Estimate], ['whereabouts-order', Order]]) {
    if (!customElements.get(name)) customElements.define(name, kind);
  }
})();
