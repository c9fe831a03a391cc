// Enough of Shopify to show a theme's pages: Liquid by liquidjs, the tags and filters of themes, sections, app blocks, and the cart.
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Liquid, Tag, Value } from 'liquidjs';

const here = dirname(fileURLToPath(import.meta.url));
const theme = join(here, 'theme');
export const extension = join(here, '../../www/stores/shopify');
const json = path => JSON.parse(readFileSync(path, 'utf8'));

const engine = new Liquid({ extname: '.liquid', strictFilters: true });
const texts = json(join(theme, 'locales/en.default.json'));
engine.registerFilter('t', (key, ...named) => {
  const text = key.split('.').reduce((at, part) => at[part], texts);
  return named.reduce((said, [name, value]) => said.replace(`{{ ${name} }}`, value), text);
});
engine.registerFilter('hmac_sha256', (text, key) => createHmac('sha256', key ?? '').update(`${text}`).digest('hex'));
engine.registerFilter('base64_url_safe_encode', text => Buffer.from(`${text}`).toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
engine.registerFilter('handle', text => `${text}`.replace(/\W+/g, '-'));
engine.registerFilter('money', cents => `$${(cents / 100).toFixed(2)}`);
engine.registerFilter('asset_url', name => `/assets/${name}`);
engine.registerFilter('stylesheet_tag', url => `<link rel="stylesheet" href="${url}">`);

/** `{% schema %}` says nothing on the page. */
engine.registerTag('schema', {
  parse(token, rest) { while (rest.length && rest.shift().name !== 'endschema'); },
  render() {},
});
engine.registerTag('form', class extends Tag {
  constructor(token, rest, liquid) {
    super(token, rest, liquid);
    this.inside = [];
    for (let next = rest.shift(); next.name !== 'endform'; next = rest.shift()) this.inside.push(liquid.parser.parseToken(next, rest));
  }
  * render(context, emitter) {
    emitter.write('<form method="post" action="/cart/add">');
    yield this.liquid.renderer.renderTemplates(this.inside, context, emitter);
    emitter.write('</form>');
  }
});
/** `{% render block %}`: a block of an app. */
engine.registerTag('render', class extends Tag {
  constructor(token, rest, liquid) {
    super(token, rest, liquid);
    this.value = new Value(token.args, liquid);
  }
  * render(context, emitter) {
    const block = yield this.value.value(context, false);
    const [, name] = block.type.match(/^shopify:\/\/apps\/whereabouts\/blocks\/([a-z]+)\//);
    emitter.write(renderBlock(name, block.settings, context.environments));
  }
});

const source = path => readFileSync(path, 'utf8');
function renderBlock(name, settings, globals) {
  const block = { settings, shopify_attributes: '' };
  return engine.parseAndRenderSync(source(join(extension, 'blocks', `${name}.liquid`)), { ...globals, block });
}

/** A page of the theme: its JSON template, section by section, in the layout. */
function page(template, globals, loader, app) {
  const { sections, order } = json(join(theme, 'templates', `${template}.json`));
  const body = order.map(id => {
    const { type, blocks, block_order } = sections[id];
    const list = block_order.map(b => ({ ...blocks[b], settings: { ...blocks[b].settings, ...app }, shopify_attributes: '' }));
    return engine.parseAndRenderSync(source(join(theme, 'sections', `${type}.liquid`)), { ...globals, section: { id, blocks: list } });
  });
  const header = `<script>Shopify = { shop: "plain.myshopify.com", country: "US", routes: { root: "/" } }</script>${renderBlock('loader', loader, globals)}`;
  return engine.parseAndRenderSync(source(join(theme, 'layout/theme.liquid')), {
    ...globals, template: { name: template }, content_for_header: header, content_for_layout: body.join('\n'),
  });
}

/** Serves the theme with one product and one order. `loader`: settings of the loader block; `app`: of the others; `blocks`: show them? */
export async function startTheme({ loader, app, order }) {
  const variants = [{ id: 11, title: 'Blue', sku: 'MUG-1', price: 1800 }, { id: 12, title: 'Oak <b>"chair"</b>', sku: 'CHAIR-1', price: 24900 }];
  const product = { title: 'Mug & co', handle: 'mug', variants, selected_or_first_available_variant: variants[0] };
  let items = [];
  const globals = () => ({
    request: { locale: { iso_code: 'en' } }, localization: { country: { iso_code: 'US' } }, routes: { cart_url: '/cart' }, page_title: 'Plain', cart: { items },
  });
  const server = createServer(async (request, response) => {
    const answer = (text, type = 'text/html; charset=utf-8', status = 200) => { response.writeHead(status, { 'content-type': type }); response.end(text); };
    const { pathname } = new URL(request.url, 'http://shop');
    let body = '';
    for await (const part of request) body += part;
    try {
      if (request.method === 'POST' && pathname === '/cart/add') {
        const form = new URLSearchParams(body);
        const variant = variants.find(v => `${v.id}` === form.get('id'));
        items = [...items, { ...variant, quantity: Number(form.get('quantity')), requires_shipping: true }];
        response.writeHead(303, { location: '/cart' });
        response.end();
      } else if (pathname === '/products/mug.js') answer(JSON.stringify(product), 'application/json');
      else if (pathname === '/cart.js') answer(JSON.stringify({ items }), 'application/json');
      else if (pathname === '/products/mug') answer(page('product', { ...globals(), product }, loader, app));
      else if (pathname === '/cart') answer(page('cart', globals(), loader, app));
      else if (pathname === '/account/orders/1') answer(page('customers/order', { ...globals(), order }, loader, app));
      else if (pathname.startsWith('/assets/') && existsSync(join(theme, 'assets', pathname.slice(8)))) answer(source(join(theme, 'assets', pathname.slice(8))), 'text/css');
      else answer('', 'text/plain', 404);
    } catch (e) {
      answer(e.stack, 'text/plain', 500);
    }
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return { origin: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); server.close(); } };
}
