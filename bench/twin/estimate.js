// What a shop's own developer might write instead of the widget: the same estimate from the same promise document, the same first sentence, in plain
// JavaScript. It answers one item for one destination, and no more: no delays, no cart, no languages, no fallback.
(async () => {
  const script = document.currentScript;
  const host = document.querySelector('#estimate');
  const { store, sku, country, code } = script.dataset;
  const d = await (await fetch(new URL(`/v1/stores/${store}/promise.json`, script.src))).json();
  const now = Date.now() / 1000;
  const day = text => Date.parse(text) / 864e5;
  const closed = d.closed.map(list => new Set(list.map(day)));
  const weekday = n => (((n % 7) + 7) % 7 + 3) % 7;
  const calendar = (days, index) => n => (days >> weekday(n)) & 1 && !closed[index].has(n);
  const next = (works, n) => { while (!works(n)) n++; return n; };
  const add = (spread, n, w) => spread.set(n, (spread.get(n) ?? 0) + w);
  const plus = (spread, weights, works) => {
    const sum = new Map();
    for (const [n, w] of spread) {
      let at = next(works, n);
      if (!weights.length) add(sum, at, w);
      weights.forEach((x, k) => { if (k) at = next(works, at + 1); add(sum, at, w * x); });
    }
    return sum;
  };
  const quantile = (spread, percent) => {
    const all = [...spread].sort((a, b) => a[0] - b[0]);
    const goal = all.reduce((s, e) => s + e[1], 0) * percent / 100;
    let sum = 0;
    return all.find(e => (sum += e[1]) >= goal)[0];
  };
  const zone = d.zones.findIndex(z => z.places.some(p => p.country === country && !p.regions?.length && (!p.postal_codes?.length || p.postal_codes.some(([a, b]) => code.slice(0, a.length) >= a && code.slice(0, b.length) <= b))));
  const item = d.items.find(i => i.sku === sku);
  let best;
  for (const method of d.methods) {
    for (const [index, origin] of d.origins.entries()) {
      if (item?.origins?.length && !item.origins.includes(index)) continue;
      const offset = origin.offsets.filter(o => Date.parse(o[0]) / 1000 <= now).at(-1)?.[1] ?? origin.offsets[0][1];
      const local = now + offset * 60;
      const today = Math.floor(local / 86400);
      const works = calendar(origin.cutoffs.reduce((m, c, n) => (c >= 0 ? m | (1 << n) : m), 0), origin.closed);
      const start = works(today) && local % 86400 < origin.cutoffs[weekday(today)] * 60 ? today : next(works, today + 1);
      const dispatch = plus(plus(new Map([[start, 1]]), item?.lead ?? [], works), origin.handling, works);
      for (const s of method.services) {
        const t = d.transit.find(t => (t.origin < 0 || t.origin === index) && (t.service < 0 || t.service === s) && (t.zone < 0 || t.zone === zone));
        if (!t) continue;
        const days = plus(dispatch, t.days, calendar(d.services[s].days, d.services[s].closed));
        const cut = (100 - d.confidence) / 2;
        best ??= [quantile(days, cut), quantile(days, 100 - cut)];
        break;
      }
    }
    if (best) break;
  }
  const format = new Intl.DateTimeFormat('en-US', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
  const root = host.attachShadow({ mode: 'open' });
  const style = document.createElement('style');
  style.textContent = '.headline { font-weight: 600; font-size: 1.125em; margin: 0 } .detail { font-size: .875em; margin: 0 }';
  const line = (part, text) => Object.assign(document.createElement('p'), { className: part, textContent: text });
  root.append(style, line('headline', `Get it ${format.formatRange(best[0] * 864e5, best[1] * 864e5)}`), line('detail', `to ${code}`));
})();
