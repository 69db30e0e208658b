// Makes or uses a passkey for a form with data-passkey: "create" or "get". The options are in
// data-options; the answer goes into the hidden field, and the form is sent.
(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const listed = (credentials) =>
    (credentials || []).map((credential) => ({ ...credential, id: bytes(credential.id) }));

  const ask = async (kind, given) => {
    const options = { ...given, challenge: bytes(given.challenge) };
    if (kind === "create") {
      options.user = { ...given.user, id: bytes(given.user.id) };
      options.excludeCredentials = listed(given.excludeCredentials);
      return navigator.credentials.create({ publicKey: options });
    }
    options.allowCredentials = listed(given.allowCredentials);
    return navigator.credentials.get({ publicKey: options });
  };

  const written = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[data-passkey-button]");
    const problem = form.querySelector("[data-passkey-problem]");
    if (!window.PublicKeyCredential) {
      button.disabled = true;
      problem.textContent = form.dataset.missing;
      problem.hidden = false;
      continue;
    }
    button.addEventListener("click", async () => {
      problem.hidden = true;
      try {
        const options = JSON.parse(form.dataset.options);
        const credential = await ask(form.dataset.passkey, options.publicKey);
        form.elements.passkey.value = JSON.stringify(written(credential));
        form.submit();
      } catch {
        problem.textContent = form.dataset.failed;
        problem.hidden = false;
      }
    });
  }
})();
