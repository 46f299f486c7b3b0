// Forms that ask a passkey: data-passkey="get" signs in with the options it carries, data-passkey="create" makes a new
// one with options from data-options. What the device answers goes into the form, which is then sent like any other.
const SAID = {
  NotAllowedError: "It was cancelled, or took too long. Try again.",
  InvalidStateError: "This device has a passkey of yours already.",
  SecurityError: "Passkeys do not work at this address.",
};

function words(error) {
  if (!window.isSecureContext) return "Passkeys need https.";
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) return "This browser is too old for passkeys.";
  if (error.name === "Refused") return `${error.message[0].toUpperCase()}${error.message.slice(1)}.`;
  return SAID[error.name] ?? "It did not work. Try again.";
}

async function make(form) {
  const headers = { "X-CSRF-Token": form.elements.csrf.value, Accept: "application/json" };
  const answer = await fetch(form.dataset.options, { method: "POST", headers });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error.message), { name: "Refused" });
  form.elements.challenge.value = told.challenge;
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(told.options) });
}

function use(form) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(form.dataset.options));
  return navigator.credentials.get({ publicKey });
}

async function ask(event) {
  event.preventDefault();
  const form = event.target;
  const problem = form.querySelector("[data-passkey-problem]");
  const send = form.querySelector("button[type=submit]");
  problem.hidden = send.disabled = true;
  try {
    const credential = await (form.dataset.passkey === "create" ? make(form) : use(form));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    problem.textContent = words(error);
    problem.hidden = send.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) form.addEventListener("submit", ask);
