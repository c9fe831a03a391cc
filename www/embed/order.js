// How the order surface behaves: what it hears, keeps and offers. Loaded beside its Wasm, with the texts of a language.
export const speech = SPEECH;

const STREAMS = 3; // of a page; browsers allow six connections to a server, and the page needs some itself
let streams = 0;
const notes = { 401: 'page.invalid', 404: 'link.unknown', 410: 'page.expired' };
const away = () => navigator.onLine === false;

export class Surface {
  #kit;
  #host;
  #live;
  #latest;
  #token;
  #told;
  constructor(host, kit) {
    this.#host = host;
    this.#kit = kit;
  }
  // What need not be asked for.
  known() {
    const token = this.#host.attribute('token');
    if (token !== this.#token) { this.stop(); this.#token = token; this.#latest = undefined; }
    return this.#latest?.kept && !away() ? undefined : this.#latest;
  }
  // A name for what is kept of this order, that does not tell the token.
  #name() {
    let hash = 2166136261;
    for (const c of this.#host.attribute('token')) hash = Math.imul(hash ^ c.charCodeAt(0), 16777619);
    return `order:${(hash >>> 0).toString(36)}`;
  }
  // No answer: where it stood when this device last heard. A link that opens nothing: said so, where the merchant put no words for it.
  instead(error, { texts }) {
    const kept = error?.status === undefined && this.#kit.device(this.#name());
    if (kept?.document) return { ...kept, kept: true, clock: Date.now() - performance.now() };
    const note = notes[error?.status];
    if (note && !this.#host.textContent.trim()) this.#host.tell([['note', texts[note]]]);
    throw error;
  }
  draw(latest, words, wasm, shapes) {
    const { cross, draw } = this.#kit;
    const offset = -new Date().getTimezoneOffset();
    const stale = latest.kept || away() ? (Date.now() - (latest.at ?? Date.now())) / 1e3 : -1;
    const given = [[shapes.document, latest.document], ['s', words.language]];
    draw(this.#host.root, cross(wasm, given, w => w.draw_order(latest.clock + performance.now(), offset, stale)), words);
    this.#keep(latest);
    this.#listen(words);
    return latest.kept ? 5e3 : 6e4;
  }
  tell(latest) {
    this.#keep(latest);
    const { headline, detail } = latest.document.sentence ?? {};
    this.#host.tell([['headline', headline], ['detail', detail]]);
    return 6e4;
  }
  #keep(latest) {
    this.#latest = latest;
    this.#token = this.#host.attribute('token');
    this.#host.data = latest.document;
    if (latest.kept) return;
    latest.at ??= Date.now();
    // Where it stands, without whose and what it is.
    const { version, status, promise, estimate, delays, store, shipments } = latest.document;
    const parcels = shipments?.map(({ status, sub_status, carrier_name, shipped_at, delivered_at, last_scan_at, estimate, checkpoints }) => ({
      status, sub_status, carrier_name, shipped_at, delivered_at, last_scan_at, estimate, checkpoints: checkpoints?.map(({ time, status, sub_status }) => ({ time, status, sub_status })),
    }));
    this.#kit.device(this.#name(), { at: latest.at, document: { version, status, promise, estimate, delays, store, shipments: parcels } });
    this.#live ??= this.#watch();
  }
  #listen(words) {
    const { api, ask, device, memo, store, url } = this.#kit;
    // What `care.js` loads by, once for all.
    this.#kit.texts ??= memo(async name => JSON.parse((await ask(url(name))).text));
    this.#kit.sheet ??= memo(async name => new CSSStyleSheet().replace((await ask(url(name))).text));
    const { sheet, texts } = this.#kit;
    const host = this.#host;
    const { root } = host;
    const context = { host, root, api, store, token: this.#token, language: words.language, words, ask, texts, sheet, url };
    for (const button of root.querySelectorAll('.action')) {
      button.onclick = () => {
        if (button.name !== 'forget') return void import(url('actions.js')).then(m => m[button.name](context, button)).catch(() => {});
        device(this.#name(), null);
        device('to', null);
        button.textContent = words.texts['action.forgotten'];
      };
    }
    // Help and reports: loaded when the shopper opens them. `care.js` exports `open(body, context)`, called once for a body; later changes
    // of the order come as the host's `whereabouts:change`.
    const care = root.querySelector('.care');
    const { help, reports, more, open, ask_from } = host.data.care ?? {};
    // How it went is asked by itself, in place of the offer of help.
    const asks = Date.parse(ask_from) <= this.#latest.clock + performance.now();
    care.firstChild.textContent = words.texts[asks ? 'order.ask' : 'order.care'];
    if (!(care.hidden = !(help || reports || more || asks))) {
      // What was reported or is asked is shown, where it stands below the screen: nothing moves under anybody's eyes.
      if ((open?.length || asks) && !this.#told && care.getBoundingClientRect().top > innerHeight) {
        this.#told = true;
        (globalThis.requestIdleCallback ?? setTimeout)(() => { care.open = true; });
      }
      care.ontoggle = () => {
        if (!care.open || care.filled) return;
        care.filled = true;
        import(url('care.js')).then(m => m.open(care.lastChild, context)).catch(() => { care.filled = false; });
      };
    }
  }
  // By server-sent events; by asking now and then where there are too many, or they fail for good.
  #watch() {
    const { api, ask } = this.#kit;
    const address = `${api}/v1/orders/${encodeURIComponent(this.#token)}`;
    let source, poll;
    const take = text => {
      const document = JSON.parse(text);
      if (document.version === this.#latest.document.version && !this.#latest.kept) return;
      this.#latest = { clock: this.#latest.clock, document };
      this.#host.redraw();
    };
    // The browser's cache asks with the ETag of what it has.
    const often = () => { poll ??= setInterval(() => document.hidden || ask(address).then(a => take(a.text)).catch(() => {}), 15_000); };
    if (streams < STREAMS && typeof EventSource === 'function') {
      streams++;
      source = new EventSource(`${address}/live`);
      source.addEventListener('order', e => take(e.data));
      source.onerror = () => { if (source.readyState === 2) often(); };
    } else often();
    // Away and back again: said, with the age of what is shown; then asked anew.
    const change = () => {
      if (!away()) this.#latest = undefined;
      this.#host.redraw();
    };
    addEventListener('offline', change);
    addEventListener('online', change);
    return () => {
      if (source) { source.close(); streams--; }
      clearInterval(poll);
      removeEventListener('offline', change);
      removeEventListener('online', change);
    };
  }
  stop() { this.#live?.(); this.#live = undefined; }
}
