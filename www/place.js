// Puts the elements on the pages of a store whose templates nobody edits: loaded by `data-place` on the script tag, and only then.
// Knows the markup of some platforms, schema.org's for the rest, and what the merchant says: `data-product=".price"` and so on name the
// element that an estimate is to stand behind. Follows pages that change by themselves, and leaves everything else as it is.

/** A spot: behind which element, for which surface, and what is known there. */
const clean = value => (value ?? '').toString().trim();
const one = (selector, inside = document) => selector && inside.querySelector(selector);
const value = selector => clean(one(selector)?.value);
const ask = async path => {
  const answer = await fetch(path, { credentials: 'same-origin', headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
  return answer.json();
};
/** A cart's lines as the attributes have them. */
const lines = list => {
  const kept = list.filter(line => clean(line.sku) && !line.sku.includes(','));
  return { sku: kept.map(line => clean(line.sku)).join(','), quantity: kept.map(line => line.quantity || 1).join(',') };
};
/** The first answer for each address is kept until the page says that something changed. */
let kept = {};
const keep = (key, make) => (kept[key] ??= make().catch(e => { delete kept[key]; throw e; }));

const shopify = {
  here: () => !!globalThis.Shopify?.shop || !!one('link[href*="cdn.shopify.com"], meta[name="shopify-digital-wallet"]'),
  root: () => globalThis.Shopify?.routes?.root ?? '/',
  country: () => clean(globalThis.Shopify?.country),
  async product(at) {
    const form = at ?? one('main form[action*="/cart/add"]:has([name="id"])') ?? one('form[action*="/cart/add"]:has([name="id"])');
    const path = location.pathname.match(/\/products\/[^/]+/)?.[0];
    if (!form || !path) return;
    const { variants } = await keep(path, () => ask(`${this.root()}${path.slice(1)}.js`));
    const id = value('form[action*="/cart/add"] [name="id"]');
    const variant = variants.find(v => clean(v.id) === id) ?? variants[0];
    return { at: form, sku: clean(variant?.sku), quantity: value('form[action*="/cart/add"] [name="quantity"], [name="quantity"]') };
  },
  async cart(at) {
    const form = at ?? one('form[action$="/cart"], form[action*="/cart?"], #cart');
    if (!form || !/\/cart\/?$/.test(location.pathname)) return;
    const { items } = await keep('cart', () => ask(`${this.root()}cart.js`));
    return { at: form, ...lines(items) };
  },
};

const woocommerce = {
  here: () => !!one('body.woocommerce, body.woocommerce-page, body.woocommerce-cart, body.woocommerce-checkout'),
  country: () => value('#shipping_country, #shipping-country, #billing_country, #billing-country'),
  postal: () => value('#shipping_postcode, #shipping-postcode, #billing_postcode, #billing-postcode'),
  product(at) {
    const form = at ?? one('.product form.cart, form.cart');
    if (!form) return;
    return { at: form, sku: clean(one('.product_meta .sku, .sku')?.textContent) || schema.sku(), quantity: value('form.cart input.qty') };
  },
  lines: () => keep('cart', async () => {
    const rest = one('link[rel="https://api.w.org/"]')?.href ?? '/wp-json/';
    const { items } = await ask(new URL('wc/store/v1/cart', new URL(rest, location.href)));
    return lines(items);
  }),
  async cart(at) {
    const form = at ?? one('.woocommerce-cart-form, .wp-block-woocommerce-cart');
    if (form) return { at: form, ...await this.lines() };
  },
  async checkout(at) {
    const form = at ?? one('#order_review_heading, form.checkout #customer_details, .wp-block-woocommerce-checkout-shipping-methods-block');
    if (form) return { at: form, ...await this.lines() };
  },
};

const evershop = {
  here: () => typeof globalThis.eContext === 'object',
  // React takes the page over first: what stands in its way then is thrown away.
  ready: at => Object.keys(at).some(key => key.startsWith('__reactFiber')),
  postal: () => value('[name="shippingAddress.postcode"]'),
  country: () => value('[data-evershop-area-id="checkoutShippingAddressForm"] input[id$="hidden-input"]'),
  product(at) {
    const form = at ?? one('#productForm');
    if (form) return { at: form, sku: clean(one('.product__single__attributes dd')?.textContent), quantity: value('#productForm [name="qty"]') };
  },
  lines: () => keep('cart', async () => {
    const { eContext } = await ask(`${location.pathname}?ajax=true`);
    const cart = Object.values(eContext.graphqlResponse).find(part => part?.items?.[0]?.productSku);
    return lines((cart?.items ?? []).map(item => ({ sku: item.productSku, quantity: item.qty })));
  }),
  async cart(at) {
    const list = at ?? one('.cart .cart-items');
    if (list) return { at: list, ...await this.lines() };
  },
  async checkout(at) {
    const form = at ?? one('[data-evershop-area-id="checkoutShippingAddressForm"]');
    if (form) return { at: form, ...await this.lines() };
  },
};

/** Any page that describes its product to search engines. */
const QUANTITY = '[name="quantity"], [name="qty"], [name="qty[]"], [name="quantity_wanted"]';
const schema = {
  here: () => true,
  country: () => value('select[name*="country" i], input[name*="country" i]').match(/^[a-z]{2}$/i)?.[0],
  postal: () => value('[autocomplete~="postal-code"], input[name*="postcode" i], input[name*="postal" i], input[name="zip"]'),
  sku() {
    const stated = one('[itemtype*="schema.org/Product"] [itemprop="sku"]');
    const written = stated && clean(stated.getAttribute('content') ?? stated.textContent);
    if (written) return written;
    const found = [];
    // A variant's own description counts where the address names it.
    const here = new URLSearchParams(location.search).get('variant');
    const named = node => here && [node.url, ...[node.offers].flat().map(o => o?.url)].some(url => clean(url).includes(`variant=${here}`));
    const visit = node => {
      if (Array.isArray(node)) return node.forEach(visit);
      if (!node || typeof node !== 'object') return;
      const offers = [node.offers].flat().filter(offer => offer?.sku);
      const offer = offers.find(o => here && clean(o.url).includes(`variant=${here}`)) ?? offers[0];
      if ([node['@type']].flat().includes('Product') && (node.sku || offer)) {
        const sku = clean(offers.length > 1 ? offer.sku : node.sku ?? offer.sku);
        if (named(node)) found.unshift(sku);
        else found.push(sku);
      }
      visit(node['@graph']);
      visit(node.hasVariant);
      visit(node.mainEntity);
    };
    for (const script of document.querySelectorAll('script[type="application/ld+json"]')) {
      try { visit(JSON.parse(script.textContent)); } catch { /* somebody else's mistake */ }
    }
    return found[0] || clean(one('meta[property="product:retailer_item_id"]')?.content);
  },
  product(at) {
    const sku = this.sku();
    // The form that counts pieces; else one that leads to a cart; else the product's only one.
    const form = at ?? one(`form:has(${QUANTITY}):not(:has([name="update_cart"]))`, one('main') ?? document)
      ?? one('main form[action*="cart" i], form[action*="cart" i], form[action*="basket" i]') ?? one('[itemtype*="schema.org/Product"] form');
    if (form && sku && !/\/(cart|basket|checkout)\/?$/.test(location.pathname)) return { at: form, sku, quantity: clean(one(QUANTITY, form)?.value) };
  },
  // Lines that say what they are: `data-sku`, or what PrestaShop tells its own scripts.
  lines(at) {
    const told = globalThis.prestashop?.cart?.products;
    if (told) return lines(told.map(p => ({ sku: clean(p.reference), quantity: p.quantity })));
    return lines([...at.querySelectorAll('[data-sku], [data-product-sku]')].map(row => ({
      sku: row.dataset.sku ?? row.dataset.productSku, quantity: one(`${QUANTITY}, input[type="number"]`, row)?.value,
    })));
  },
  cart(at) {
    const list = at ?? (/\/(cart|basket)(\.php)?\/?$/.test(location.pathname) ? one('main form[action*="cart" i], main [class*="cart" i]') : null);
    if (list) return { at: list, ...this.lines(list) };
  },
  checkout(at) {
    if (at) return { at, ...this.lines(document) };
  },
};

const platforms = { shopify, woocommerce, evershop, schema };
const PAUSE = 250; // milliseconds: changes of a page come in bursts

function set(element, attributes) {
  for (const [name, wanted] of Object.entries(attributes)) {
    if (wanted && element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
    else if (!wanted) element.removeAttribute(name);
  }
}

/** Keeps one element a surface behind its spot, with what is known there. `settings`: the script tag's `data-*`. */
export function place(settings) {
  // Asked each time: the script may run before there is a page.
  const named = Object.hasOwn(platforms, settings.place) && platforms[settings.place];
  const placed = {};
  const draw = async surface => {
    const platform = named || Object.values(platforms).find(p => p.here());
    const at = one(settings[surface]);
    const spot = await platform[surface]?.call(platform, at ?? undefined);
    // Where an element of the merchant's own stands, that one is kept up to date.
    const theirs = !placed[surface] && one(`whereabouts-estimate[surface="${surface}"]`);
    if (theirs) {
      if (spot?.sku) set(theirs, { sku: spot.sku, quantity: spot.quantity || '1' });
      return;
    }
    const old = placed[surface];
    if (!spot?.sku || !spot.at.isConnected || platform.ready?.(spot.at) === false) return old?.remove();
    const element = old ?? document.createElement('whereabouts-estimate');
    const attributes = {
      surface, sku: spot.sku, quantity: spot.quantity || '1',
      country: clean(settings.country) || platform.country?.() || '', 'postal-code': platform.postal?.() ?? '',
    };
    set(element, attributes);
    if (!old) {
      // Its room from the start, so that the answer moves nothing.
      element.style.cssText = 'display:block;margin-block:12px;min-height:4.5em';
      element.textContent = clean(settings.fallback);
      placed[surface] = element;
    }
    if (spot.at.nextElementSibling !== element) spot.at.after(element);
  };
  const all = () => {
    for (const surface of ['product', 'cart', 'checkout']) draw(surface).catch(() => { /* the page stays as it is */ });
  };
  let timer;
  const soon = changed => {
    if (changed === true) kept = {};
    clearTimeout(timer);
    timer = setTimeout(all, PAUSE);
  };
  const own = node => Object.values(placed).some(element => element === node || element.contains(node));
  new MutationObserver(records => {
    const theirs = records.filter(r => !own(r.target) && [...r.addedNodes, ...r.removedNodes].some(n => !own(n)));
    if (theirs.length) soon(theirs.some(r => r.target.closest?.('[class*="cart" i], form')));
  }).observe(document.documentElement, { childList: true, subtree: true });
  addEventListener('change', () => soon(true), true);
  // Buttons that count up and down, and swatches that only change the address.
  addEventListener('click', () => soon(), true);
  addEventListener('popstate', () => soon(true));
  all();
}
