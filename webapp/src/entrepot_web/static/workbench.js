// Comfort for forms and work lists; every page works without it.

// What was typed outlives an expired session or a server that didn't answer. Secrets
// are never kept.
const forms = [...document.querySelectorAll("form[data-keep]")];
const nameOf = (form) => `keep:${form.getAttribute("action")}`;
const fields = (form) =>
  [...form.elements].filter(
    (one) => one.name && !["hidden", "password", "submit", "button", "file"].includes(one.type),
  );
const valueOf = (one) => (["checkbox", "radio"].includes(one.type) ? one.checked : one.value);
function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) || "null");
  } catch {
    return null;
  }
}
function keep(form) {
  const values = fields(form).map((one) => [one.name, one.type === "radio" ? one.value : "", valueOf(one)]);
  sessionStorage.setItem(nameOf(form), JSON.stringify({ values, at: Date.now() }));
}
for (const form of forms) {
  const kept = read(nameOf(form));
  const typed = form.querySelector("[aria-invalid]");
  if (kept && !typed && Date.now() - kept.at < 12 * 3600 * 1000) {
    let changed = false;
    for (const [name, choice, value] of kept.values) {
      const one = fields(form).find((f) => f.name === name && (f.type !== "radio" || f.value === choice));
      if (!one || valueOf(one) === value) continue;
      if (typeof value === "boolean") one.checked = value;
      else one.value = value;
      changed = true;
    }
    const told = document.getElementById("t-kept");
    if (changed && told) {
      const note = told.content.cloneNode(true);
      form.prepend(note);
      form.querySelector("[data-forget]")?.addEventListener("click", () => {
        sessionStorage.removeItem(nameOf(form));
        location.reload();
      });
    }
  }
  form.addEventListener("input", () => keep(form));
  form.addEventListener("submit", () => {
    keep(form);
    sessionStorage.setItem("keep-sent", nameOf(form));
  });
}
// A form that was sent and isn't shown again has arrived.
const sent = sessionStorage.getItem("keep-sent");
if (sent && !forms.some((form) => nameOf(form) === sent) && !document.querySelector("[data-failed]")) {
  sessionStorage.removeItem(sent);
  sessionStorage.removeItem("keep-sent");
}

// The row that is open keeps the keyboard, so that j and k go on from it.
function resume() {
  const open = document.querySelector(".data tr.on th a");
  if (open && (document.activeElement === document.body || !document.activeElement)) {
    open.focus({ preventScroll: true });
  }
}
resume();

// Mapping: e asks for the reason to exclude, u takes the latest decision back.
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea")) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") document.querySelector("aside [data-close]")?.click();
  const why = document.querySelector("[data-bulk] #why");
  if (event.key === "e" && why) {
    const row = document.activeElement?.closest?.(".data tbody tr");
    const box = row?.querySelector(".pick input");
    if (box && !document.querySelector("tbody .pick input:checked")) {
      box.checked = true;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (document.querySelector("tbody .pick input:checked")) {
      event.preventDefault();
      why.focus();
    }
  } else if (event.key === "u") {
    document.querySelector("[data-undo]")?.click();
  }
}
document.addEventListener("keydown", onKey);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.id !== "why") return;
  event.preventDefault();
  event.target.form.querySelector("button[value=exclude]")?.click();
});

// What the server says of a field while one types is also said to readers of the page.
document.addEventListener("htmx:after:swap", (event) => {
  const told = event.target.closest?.("[data-verdict]") || event.detail?.ctx?.target?.closest?.("[data-verdict]");
  const field = told && document.getElementById(told.dataset.verdict);
  if (!field) return;
  if (told.querySelector(".error")) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
});
