
// Passkeys: the forms are hidden until it is known that this browser has them, here.
const binary = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0));
const plain = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const answers = {
  async create(asked) {
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: binary(asked.challenge), timeout: asked.timeout, attestation: 'none',
        rp: { id: asked.rp, name: 'Whereabouts' },
        user: { id: binary(asked.handle), name: asked.name, displayName: asked.display },
        pubKeyCredParams: asked.algorithms.map(alg => ({ type: 'public-key', alg })),
        excludeCredentials: asked.there.map(id => ({ type: 'public-key', id: binary(id) })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      },
    });
    const { response } = made;
    return { client: response.clientDataJSON, authenticator: response.getAuthenticatorData(), key: response.getPublicKey() };
  },
  async get(asked) {
    const shown = await navigator.credentials.get({ publicKey: { challenge: binary(asked.challenge), timeout: asked.timeout, rpId: asked.rp, userVerification: 'required' } });
    const { response } = shown;
    return { credential: shown.rawId, client: response.clientDataJSON, authenticator: response.authenticatorData, signature: response.signature };
  },
};

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (location.hostname !== form.dataset.host) {
    const link = document.createElement('a');
    link.href = `${form.dataset.origin}${location.pathname}`;
    link.textContent = link.href;
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.append('Passkeys work at ', link, '.');
    form.before(hint);
    continue;
  }
  if (!globalThis.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const wrong = form.querySelector('[role=alert]');
    const button = form.querySelector('button');
    wrong.textContent = '';
    button.disabled = true;
    try {
      const answer = await fetch(form.dataset.ask, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      const asked = await answer.json().catch(() => ({ error: 'This page is too old. Reload it and try again.' }));
      if (!answer.ok) throw new Error(asked.error);
      for (const [name, value] of Object.entries(await answers[form.dataset.passkey](asked))) form.elements[name].value = plain(value);
      // It was asked for, and is no longer needed.
      if (form.elements.proof) form.elements.proof.value = '';
      form.submit();
    } catch (error) {
      wrong.textContent = error.name === 'InvalidStateError' ? 'This device has a passkey here already.'
        : error.name === 'NotAllowedError' ? 'Nothing was done: it was cancelled, or took too long.' : error.message;
      button.disabled = false;
    }
  });
}
