// The page that asks whether this browser may be told. On the API's origin it stands at /push/{token}; a store may have its own:
//   <div id="push"></div><script async src="https://whereabouts.example/push/page.js" data-worker="/worker.js"></script>
// opened with the token behind `#`.
(async () => {
  const script = document.currentScript;
  const api = new URL(script.src).origin;
  const place = document.getElementById('push');
  const token = place.dataset.token ?? location.hash.slice(1);
  const address = `${api}/v1/orders/${encodeURIComponent(token)}/push`;
  const language = document.documentElement.lang || navigator.language;
  const line = tag => place.appendChild(document.createElement(tag));
  const status = line('p');
  status.setAttribute('role', 'status');
  const button = document.createElement('button');
  button.type = 'button';
  const send = async (path, subscription) => {
    const answer = await fetch(address + path, { method: 'POST', credentials: 'omit', body: JSON.stringify(subscription), headers: { 'content-type': 'application/json', 'accept-language': language } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.status === 200 ? answer.json() : undefined;
  };
  let words = { lost: '' };
  try {
    const answer = await fetch(address, { credentials: 'omit', headers: { 'accept-language': language } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const offer = await answer.json();
    words = offer.words;
    if (!place.dataset.token) place.insertBefore(Object.assign(document.createElement('p'), { textContent: words.text }), status);
    if (!('serviceWorker' in navigator) || !('PushManager' in globalThis)) { status.textContent = words.unsupported; return; }
    const key = Uint8Array.from(atob(offer.key.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0));
    const worker = script.dataset.worker ?? '/push/worker.js';
    const registration = await navigator.serviceWorker.register(worker, { scope: new URL('.', new URL(worker, location.href)).pathname });
    let subscription = await registration.pushManager.getSubscription();
    // Another server's, or an old key's: it would hear nothing.
    const same = s => { const k = new Uint8Array(s.options?.applicationServerKey ?? []); return k.length === key.length && k.every((b, n) => b === key[n]); };
    if (subscription && !same(subscription)) { await subscription.unsubscribe(); subscription = null; }
    // One subscription serves all orders of this browser: whether this one is among them, the server knows.
    let on = subscription ? (await send('/state', subscription)).on : false;
    const draw = () => { button.textContent = on ? words.off : words.on; };
    draw();
    place.append(button);
    button.onclick = async () => {
      button.disabled = true;
      try {
        if (on) {
          await send('/end', subscription);
          on = false;
          status.textContent = words.ended;
        } else if (await Notification.requestPermission() !== 'granted') {
          status.textContent = words.denied;
        } else {
          await navigator.serviceWorker.ready;
          subscription ??= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
          await send('', subscription);
          on = true;
          status.textContent = words.done;
        }
      } catch (e) {
        // What it was is for whoever looks after the store.
        console.error(e);
        status.textContent = e.name === 'NotAllowedError' ? words.denied : words.lost;
      }
      button.disabled = false;
      draw();
    };
    // What arrives while the page is open is said here as well.
    navigator.serviceWorker.onmessage = ({ data }) => { if (data?.whereabouts?.title) status.textContent = [data.whereabouts.title, data.whereabouts.body].join(' · '); };
  } catch {
    status.textContent = words.lost || 'Not available';
  }
})();
