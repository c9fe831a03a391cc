// Help with an order, within its element: the same screens as the hosted pages, fetched as nodes (`[tag, attributes, children]` or a text) and
// built here. Loaded when the shopper opens it. Texts are texts: nothing that is fetched is ever read as markup.
const TAGS = new Set('a blockquote button details div fieldset form h3 input label legend li ol p section span summary textarea time ul'.split(' '));
const NAMES = /^(accept|autocomplete|checked|class|data-[a-z]+|datetime|dir|enctype|formnovalidate|maxlength|multiple|name|open|part|rel|required|role|rows|tabindex|target|type|value)$/;
const PATIENCE = 60_000; // milliseconds: photos take a while on a phone

export async function open(body, { host, root, api, token, language, sheet }) {
  const style = await sheet('care.css').catch(() => undefined);
  // The loader gives the element its own style with each drawing: ours joins it again. Where what stands before has changed much, the drawing
  // has made another place for help: what was open moves there.
  const dress = () => {
    if (style && !root.adoptedStyleSheets.includes(style)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];
    const place = root.querySelector('.care');
    if (!place || place.contains(body)) return;
    const opened = body.parentNode?.open;
    place.filled = true;
    place.querySelector('.care-body').replaceWith(body);
    place.open = opened;
  };
  let current = 'help';
  let care = JSON.stringify(host.data?.care);
  let busy = false;
  let lost = '';
  const hosted = path => `${api}/track/${encodeURIComponent(token)}/care/${path}`;

  const build = node => {
    if (typeof node === 'string') return document.createTextNode(node);
    const [tag, attributes, children] = node;
    const made = document.createElement(TAGS.has(tag) ? tag : 'span');
    for (const [name, value] of Object.entries(attributes)) {
      if (NAMES.test(name)) made.setAttribute(name, value);
      else if (name === 'href' && tag === 'a') {
        const to = new URL(value, api);
        if (/^(https?|mailto|tel):$/.test(to.protocol)) made.href = to.href;
      }
    }
    made.append(...children.map(build));
    return made;
  };

  const ask = async (path, form) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const address = `${api}/v1/orders/${encodeURIComponent(token)}/screens/${path}`;
      const answer = await fetch(address, { method: form ? 'POST' : 'GET', body: form, credentials: 'omit', signal: stop.signal, headers: { 'accept-language': language } });
      const found = await answer.json();
      // A refusal is a screen too, with what was wrong; anything else is a failure.
      if (!found.nodes) throw new Error(`HTTP ${answer.status}`);
      return found;
    } finally {
      clearTimeout(timer);
    }
  };

  const show = ({ screen, nodes, lost: said }, moved) => {
    current = screen;
    lost = said;
    dress();
    body.replaceChildren(...nodes.map(build));
    if (moved) body.querySelector('.care-problem ~ .care-title, .care-title')?.focus();
  };

  const go = async (path, form, button) => {
    if (busy) return;
    busy = true;
    body.setAttribute('aria-busy', 'true');
    if (button) button.disabled = true;
    try {
      show(await ask(path, form), true);
    } catch {
      // What was typed stays, to be sent again: the same key makes that harmless.
      const screen = body.querySelector('.care-screen');
      const text = screen?.querySelector('.care-problem') ?? Object.assign(document.createElement('p'), { className: 'care-problem', part: 'care-problem' });
      text.setAttribute('role', 'alert');
      text.textContent = lost;
      (button?.closest('.care-actions') ?? screen?.querySelector('.care-title'))?.after(text);
      if (button) button.disabled = false;
    } finally {
      busy = false;
      body.removeAttribute('aria-busy');
    }
  };

  body.addEventListener('click', e => {
    const link = e.target.closest('a[data-screen]');
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    go(link.dataset.screen);
  });
  body.addEventListener('submit', e => {
    e.preventDefault();
    const { form } = e.target.dataset;
    if (!form) return; // the search, which needs no sending
    const filled = new FormData(e.target, e.submitter);
    go(form, filled, e.submitter);
  });
  // Questions are looked through on the device.
  body.addEventListener('input', e => {
    if (!e.target.matches('[data-search]')) return;
    const words = e.target.value.toLocaleLowerCase(language).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const entry of body.querySelectorAll('.care-faqs > *')) {
      const text = entry.textContent.toLocaleLowerCase(language);
      entry.hidden = !words.every(word => text.includes(word));
      if (!entry.hidden) found++;
    }
    const none = body.querySelector('.care-none');
    none.textContent = found ? '' : none.dataset.none;
  });
  // A report that moves on shows it, unless something is being written.
  host.addEventListener('whereabouts:change', () => {
    dress();
    const given = host.getAttribute('token') ?? '';
    const now = JSON.stringify(host.data?.care);
    if (given === token && now === care) return;
    const written = [...body.querySelectorAll('textarea, input:not([type=hidden])')].some(f => /^(radio|checkbox)$/.test(f.type) ? f.checked !== f.defaultChecked : f.value !== f.defaultValue);
    if (given !== token) current = 'help';
    else if (written || busy) return;
    [token, care] = [given, now];
    ask(current).then(found => show(found, false)).catch(() => {});
  });

  try {
    show(await ask(current), false);
  } catch (e) {
    // The hosted page may do what this could not.
    const link = Object.assign(document.createElement('a'), { href: hosted('help'), textContent: body.previousElementSibling?.textContent, className: 'link' });
    body.replaceChildren(link);
    throw e;
  }
}
