// How the estimate surface behaves: what it asks of Wasm, and what a shopper can do. Loaded beside its Wasm, with the texts of a language.
export const speech = SPEECH;

const region = tag => {
  try { return new Intl.Locale(tag).region; } catch { return ''; }
};
const all = new Set();

export class Surface {
  #kit;
  #host;
  #to;
  #need;
  #ask = false;
  #kept = false;
  #focus;
  constructor(host, kit) {
    this.#host = host;
    this.#kit = kit;
  }
  // What the page says later counts more than what was typed before.
  changed(name) {
    if (/country|postal|region/.test(name)) this.#to = undefined;
    if (name === 'need-by') this.#need = undefined;
  }
  stop() { all.delete(this); }
  instead(error) { throw error; }
  #countries(loaded) {
    return (loaded.countries ??= [...new Set((loaded.document.zones ?? []).filter(z => !z.excluded).flatMap(z => (z.places ?? []).map(p => p.country)))]);
  }
  // What was typed; else what the page says; else what was typed on this device before; else what the page seems to be.
  #destination(countries) {
    const [country, region_, postal_code] = ['country', 'region', 'postal-code'].map(name => this.#host.attribute(name));
    const typed = this.#to ?? (postal_code ? null : this.#kit.device('to'));
    this.#kept = !!typed?.postal_code && (!country || typed === this.#to || typed.country === country);
    if (this.#kept) return { country: typed.country, region: '', postal_code: typed.postal_code };
    const seems = () => [globalThis.Shopify?.country, region(document.documentElement.lang), region(navigator.language)].find(c => countries.includes(c));
    return { country: country || (postal_code ? 'US' : seems() ?? ''), region: region_, postal_code, po_box: this.#host.hasAttribute('po-box') };
  }
  #request(loaded) {
    const of = name => this.#host.attribute(name);
    // A cart: `sku="A,B" quantity="2,1"`.
    const quantities = of('quantity').split(',');
    const quantity = n => Math.min(Math.max(parseInt(quantities[n] ?? quantities[0], 10) || 1, 1), 1e6);
    return {
      items: of('sku').split(',').map((sku, n) => ({ sku: sku.trim(), quantity: quantity(n) })).filter(i => i.sku),
      destination: this.#destination(this.#countries(loaded)),
      method: of('method') || null,
    };
  }
  draw(loaded, words, wasm, shapes) {
    const { cross, draw, fail } = this.#kit;
    const host = this.#host;
    all.add(this);
    if (!loaded.crossed) {
      if (!loaded.document.methods?.length) fail('no methods');
      cross(wasm, [[shapes.document, loaded.document]], w => w.load_promise());
      loaded.crossed = true;
    }
    const countries = [...this.#countries(loaded)];
    const request = this.#request(loaded);
    // By their names, where there will be a question: names cost more than all the rest.
    if (this.#ask || !request.destination.postal_code) {
      const { compare } = new Intl.Collator(words.language);
      countries.sort((a, b) => compare(words.country(a), words.country(b)));
    }
    const need = this.#need ?? host.attribute('need-by');
    const ui = {
      surface: host.attribute('surface') || 'product', ask: this.#ask, kept: this.#kept, need: /^\d{4}-\d\d-\d\d$/.test(need) ? need : null,
      titles: host.attribute('titles').split('|').filter(Boolean), countries,
    };
    const out = cross(wasm, [[shapes.request, request], [shapes.ui, ui], ['s', words.language]], w => w.draw_estimate(loaded.clock + performance.now()));
    const change = out.number();
    host.data = out.take(shapes.estimate);
    if (!host.data.options.length) fail('no such method');
    draw(host.root, out, words);
    this.#listen(request.destination, need);
    return change;
  }
  #listen({ country }, wish) {
    const find = selector => this.#host.root.querySelector(selector);
    const [form, change, forget, need] = ['form', '.change', '.forget', '#need'].map(find);
    if (form) {
      form.onsubmit = e => {
        e.preventDefault();
        const fields = form.elements;
        this.#go({ country: fields.country?.value || country || 'US', postal_code: fields.postal.value.trim() }, '.change');
      };
    }
    if (change) change.onclick = () => { this.#ask = true; this.#focus = '#postal'; this.#host.redraw(); };
    if (forget) forget.onclick = () => this.#go(null, '#postal');
    if (need) {
      need.min = new Date().toISOString().slice(0, 10);
      if (wish && !need.value) need.value = wish;
      need.onchange = () => { this.#need = need.value; this.#host.redraw(); };
    }
    if (this.#focus) find(this.#focus)?.focus();
    this.#focus = undefined;
  }
  // Kept on this device, for all of the store's pages; forgotten as easily.
  #go(to, focus) {
    const known = to?.postal_code ? to : undefined;
    this.#kit.device('to', known ?? null);
    this.#focus = focus;
    for (const one of all) {
      one.#to = known;
      one.#ask = false;
      one.#host.redraw();
    }
  }
  async tell(loaded, { language }, current) {
    const { ask, store } = this.#kit;
    const { items, destination, method } = this.#request(loaded);
    const query = new URLSearchParams(destination);
    for (const i of items) query.append('item', `${i.sku}:${i.quantity}`);
    if (method) query.set('method', method);
    const answer = JSON.parse((await ask(`${store}/estimate?${query}`, { 'accept-language': language })).text);
    if (current()) {
      this.#host.data = answer;
      this.#host.tell([['headline', answer.sentence.headline], ['detail', answer.sentence.detail]]);
    }
    return 3e5;
  }
}
