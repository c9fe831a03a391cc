// The order page in plain JavaScript: the document, its sentence, parcels and timeline. One language, no live updates, no fallback.
(async () => {
  const script = document.currentScript;
  const host = document.querySelector('#order');
  const d = await (await fetch(new URL(`/v1/orders/${script.dataset.token}`, script.src))).json();
  const dates = new Intl.DateTimeFormat('en-US', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
  const times = new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });
  const make = (tag, className, ...kids) => {
    const made = Object.assign(document.createElement(tag), { className });
    made.append(...kids.filter(k => k != null));
    return made;
  };
  const names = { in_transit: 'On the way', delivered: 'Delivered', out_for_delivery: 'Out for delivery', info_received: 'Label made', exception: 'Held up' };
  const local = text => Date.parse(text.slice(0, 19) + 'Z');
  const parcels = d.shipments.map(s => make('article', 'parcel', make('h3', 'title', names[s.status] ?? s.status),
    make('ol', 'progress', ...['Ordered', 'Shipped', 'Out for delivery', 'Delivered'].map(t => make('li', 'stop', t))),
    make('ul', 'items', ...s.items.map(i => make('li', 'item', `${i.title}${i.quantity > 1 ? ` × ${i.quantity}` : ''}`))),
    make('p', 'carrier', `${s.carrier_name} ${s.tracking_number}`),
    make('ol', 'timeline', ...s.checkpoints.map(c => make('li', 'scan', c.time && `${dates.format(local(c.time))} ${times.format(local(c.time))} `, make('span', 'what', names[c.status] ?? c.status), ` ${c.location ?? ''} `, make('q', 'quote', c.message ?? ''))))));
  const root = host.attachShadow({ mode: 'open' });
  const style = make('style', '', '.headline { font-weight: 600; font-size: 1.125em; margin: 0 } .detail, .timeline { font-size: .875em } ul, ol { list-style: none; padding: 0 } .progress { display: flex; gap: 8px } .parcel { border-top: 1px solid #ccc; padding-top: 16px }');
  root.append(style, make('h2', 'headline', d.sentence.headline), make('p', 'detail', d.sentence.detail), ...parcels);
})();
