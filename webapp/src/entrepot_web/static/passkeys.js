// Passkeys: the browser's part. Forms that need it stay hidden without it.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function send(form, path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrf_token.value },
    body: JSON.stringify(body),
  });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.problem || "");
  return found;
}

function plain(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
}

async function signIn(form) {
  const options = await send(form, "/login/passkey/options", {});
  options.challenge = bytes(options.challenge);
  options.allowCredentials = [];
  const credential = await navigator.credentials.get({ publicKey: options });
  return send(form, "/login/passkey", { credential: plain(credential), next: form.dataset.next });
}

async function add(form) {
  const options = await send(form, "/account/passkeys/options", {});
  options.challenge = bytes(options.challenge);
  options.user.id = bytes(options.user.id);
  for (const known of options.excludeCredentials || []) known.id = bytes(known.id);
  const credential = await navigator.credentials.create({ publicKey: options });
  return send(form, "/account/passkeys", { credential: plain(credential), name: form.elements.name.value });
}

for (const [selector, work] of [["[data-passkey-sign-in]", signIn], ["[data-passkey-add]", add]]) {
  for (const form of document.querySelectorAll(selector)) {
    form.hidden = !window.PublicKeyCredential;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const problem = form.querySelector("[data-problem]");
      const button = form.querySelector("button");
      problem.hidden = true;
      button.disabled = true;
      try {
        location.assign((await work(form)).next);
      } catch (error) {
        problem.textContent = (error.name === "Error" && error.message) || form.dataset.fault;
        problem.hidden = false;
        button.disabled = false;
      }
    });
  }
}
