// Checkout: the widget follows the form, the ways to choose from follow the widget, and what it showed goes along with the order.
const form = document.querySelector('.checkout');
const widget = form.querySelector('whereabouts-estimate');
const list = form.querySelector('.methods');
const follow = () => {
  widget.setAttribute('postal-code', form.elements.postal_code.value);
  widget.setAttribute('region', form.elements.region.value);
  widget.setAttribute('country', form.elements.country.value);
};
for (const name of ['postal_code', 'region', 'country']) form.elements[name].addEventListener('change', follow);
const chosen = () => form.querySelector('[name=method]:checked')?.value;
// What can't be had at this address can't be chosen; what was chosen stays so as long as it can.
const offer = () => {
  const open = widget.data?.options?.filter(o => o.window);
  // Nothing was told: the form stays as the server wrote it.
  if (!open) return;
  form.querySelector('[type=submit]').disabled = !open.length;
  const shown = [...list.querySelectorAll('input')].map(i => i.value);
  if (open.map(o => o.name).join() === shown.join()) return;
  const kept = open.find(o => o.name === chosen()) ?? open[0];
  list.replaceChildren(...open.map(({ name }) => {
    const label = document.createElement('label');
    const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'method', value: name, checked: name === kept.name });
    label.append(radio, ` ${name}`);
    return label;
  }));
};
const note = () => {
  const option = widget.data?.options?.find(o => o.name === chosen());
  form.elements.whereabouts_promise.value = option?.window ? JSON.stringify({ method: option.method, ...option.window, computed_at: widget.data.computed_at }) : '';
};
for (const event of ['whereabouts:ready', 'whereabouts:change']) widget.addEventListener(event, () => { offer(); note(); });
form.addEventListener('change', note);
offer();
note();
