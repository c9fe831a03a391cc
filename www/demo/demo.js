// Checkout: the widget follows the form, and what it showed goes along with the order.
const form = document.querySelector('.checkout');
const widget = form.querySelector('whereabouts-estimate');
const follow = () => {
  widget.setAttribute('postal-code', form.elements.postal_code.value);
  widget.setAttribute('region', form.elements.region.value);
  widget.setAttribute('country', form.elements.country.value);
};
for (const name of ['postal_code', 'region', 'country']) form.elements[name].addEventListener('change', follow);
const note = () => {
  const method = form.elements.method.value.toLowerCase();
  const option = widget.data?.options.find(o => o.method === method);
  form.elements.whereabouts_promise.value = option?.window ? JSON.stringify({ method, ...option.window, computed_at: widget.data.computed_at }) : '';
};
for (const event of ['whereabouts:ready', 'whereabouts:change']) widget.addEventListener(event, note);
form.addEventListener('change', note);
note();
