// A page that Wasm wrote (crates/view/src/page.rs) to the DOM. What is the same stays as it is, so that focus and a screen reader's place are
// kept. Texts are texts.
const SVG = 'http://www.w3.org/2000/svg';

const plain = kids => kids.map(k => k.tag ? plain(k.kids) : k).join(' ');

/** The elements and texts up to the next end. */
function read(r, words, parent) {
  const { kids, attributes } = parent;
  let separator = false;
  let attribute;
  for (let op; (op = r.number());) {
    let text;
    if (op === 1 || op === 6) {
      const tag = r.text();
      const part = r.text();
      const element = { tag, attributes: part ? { class: part, part } : {}, kids: [] };
      read(r, words, element);
      // A line that says nothing is left out; so are a carrier's words that say what ours say.
      const said = plain(element.kids).toLowerCase();
      const twice = tag === 'q' && kids.some(k => plain([k]).toLowerCase() === said);
      if (op === 1 || (element.kids.length && !twice)) kids.push(element);
      continue;
    }
    if (op === 2) { attributes[r.text()] = r.text(); continue; }
    if (op === 3) { attribute = r.text(); continue; }
    if (op === 7) { separator = kids.length > 0; continue; }
    if (op === 8) { attributes.dir = words.direction; continue; }
    text = op === 5 ? words.said(r) : op === 9 ? words.country(r.text()) : r.text();
    if (attribute) {
      attributes[attribute] = text;
      attribute = undefined;
    } else if (text) {
      const last = kids.length - 1;
      if (separator) text = ` · ${text}`;
      separator = false;
      if (typeof kids[last] === 'string') kids[last] += text;
      else kids.push(text);
    }
  }
  return parent;
}

function patch(parent, kids) {
  let old = parent.firstChild;
  for (const kid of kids) {
    const next = old?.nextSibling;
    const { tag, attributes } = kid;
    let there = old;
    if (!tag) {
      if (old?.nodeType === 3) {
        if (old.data !== kid) old.data = kid;
      } else there = document.createTextNode(kid);
    } else {
      // What a reader opened or typed belongs to this very part.
      const same = old?.localName === tag && (old.getAttribute('class') === attributes.class || !/^(details|form|input|p)$/.test(tag));
      if (!same) there = document.createElementNS(tag === 'svg' ? SVG : parent.namespaceURI, tag);
      for (const name of there.getAttributeNames()) if (!(name in attributes) && !/^(open|hidden)$/.test(name)) there.removeAttribute(name);
      for (const name in attributes) if (there.getAttribute(name) !== attributes[name]) there.setAttribute(name, attributes[name]);
      // What is kept is filled by others.
      if (!same || !('data-keep' in attributes)) patch(there, kid.kids);
    }
    if (!old) parent.append(there);
    else if (old !== there) old.replaceWith(there);
    old = next;
  }
  while (old) {
    const next = old.nextSibling;
    old.remove();
    old = next;
  }
}

/** Draws into a shadow root; in one step where there was the fallback. */
export function draw(root, r, words) {
  const { kids } = read(r, words, { kids: [], attributes: {} });
  // (`:scope` finds nothing in a shadow root.)
  const first = root.firstElementChild;
  const host = first?.matches('[part=root]');
  const into = host ? first : document.createElement('div');
  into.part = 'root';
  patch(into, kids);
  if (!host) root.replaceChildren(into);
}
