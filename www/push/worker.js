// The worker that shows messages about an order. Served at /push/worker.js; a store may place it on its own origin, beside a page of its own.
const shown = async event => {
  let message = {};
  try { message = event.data.json(); } catch { /* a message that can't be read is shown as nothing but news */ }
  const { title = 'Whereabouts', body = '', url = '', tag, lang, dir } = message;
  // Open pages hear of it too.
  for (const page of await self.clients.matchAll({ includeUncontrolled: true })) page.postMessage({ whereabouts: message });
  await self.registration.showNotification(title, { body, tag, lang, dir, renotify: Boolean(tag), data: { url } });
};
self.addEventListener('push', event => event.waitUntil(shown(event)));
/** The order's page: the one that is open already, else a new one. */
const opened = async url => {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find(p => p.url === url);
  await (page ? page.focus() : self.clients.openWindow(url));
};
self.addEventListener('notificationclick', event => {
  event.notification.close();
  const { url } = event.notification.data ?? {};
  if (/^https?:/.test(url)) event.waitUntil(opened(url));
});
// A new worker takes over at once: it keeps nothing.
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
