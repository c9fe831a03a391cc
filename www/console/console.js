// Makes the console's pages quicker. Everything works without it, by plain forms and links.

// On a small screen the menu waits to be opened.
const menu = document.querySelector('.menu details');
if (menu && matchMedia('(max-width: 55.99rem)').matches) menu.open = false;

// Moments in the reader's own zone, on pages that belong to no store.
const written = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
for (const time of document.querySelectorAll('time[data-local]')) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    time.title = time.textContent;
    time.textContent = written.format(at);
  }
}

// Buttons that copy.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
    button.textContent = 'Copied';
  });
}

// Changes that can't be undone are asked about.
document.addEventListener('submit', event => {
  const text = event.submitter?.dataset.confirm;
  if (text && !confirm(text)) event.preventDefault();
});

// Fragments: a form whose answer is shown beside it as one types, and a place that asks again until it says that it is done.
// Within a body that is named: a parser would put a leading <link> into the head.
const parse = html => new DOMParser().parseFromString(`<!doctype html><body>${html}`, 'text/html');

async function fill(target, url, options) {
  const answer = await fetch(url, { ...options, headers: { ...options?.headers, 'x-fragment': '1' } });
  if (!answer.ok || answer.redirected) return false;
  target.replaceChildren(...parse(await answer.text()).body.childNodes);
  return true;
}

for (const form of document.querySelectorAll('form[data-preview]')) {
  const target = document.querySelector(form.dataset.target);
  let waiting;
  let asked = 0;
  const ask = () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = ++asked;
      const body = new URLSearchParams(new FormData(form));
      const get = form.dataset.method !== 'post';
      if (get) body.delete('csrf');
      const url = get ? `${form.dataset.preview}?${body}` : form.dataset.preview;
      const answer = await fetch(url, get ? { headers: { 'x-fragment': '1' } } : { method: 'POST', body, headers: { 'x-fragment': '1' } }).catch(() => null);
      if (mine !== asked || !answer?.ok || answer.redirected) return;
      target.replaceChildren(...parse(await answer.text()).body.childNodes);
    }, 200);
  };
  form.addEventListener('input', ask);
  form.addEventListener('change', ask);
}

for (const place of document.querySelectorAll('[data-poll]')) {
  const again = async () => {
    if (document.hidden || await fill(place, place.dataset.poll).catch(() => false)) {
      if (place.querySelector('[data-done]')) return;
    }
    setTimeout(again, 2000);
  };
  setTimeout(again, 2000);
}

// A form whose answer is a page, shown in a frame beside it as one types. A new frame each time: else every look is a step of “back”.
for (const form of document.querySelectorAll('form[data-frame]')) {
  const button = form.querySelector('[formtarget]');
  let waiting;
  const show = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const old = document.querySelector(`iframe[name="${form.dataset.frame}"]`);
      const fresh = old.cloneNode(false);
      fresh.removeAttribute('src');
      old.replaceWith(fresh);
      form.requestSubmit(button);
    }, 400);
  };
  form.addEventListener('input', show);
}
