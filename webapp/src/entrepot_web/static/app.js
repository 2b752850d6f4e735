// The console's own script. Every page works without it; it adds comfort only.
const root = document.documentElement;
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content;
// Texts in the reader's language; the page carries them.
const words = JSON.parse(meta("words") || "{}");
const tell = (key, values = {}) =>
  (words[key] || key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

// Forgery protection for requests that htmx sends.
document.addEventListener("htmx:config:request", (event) => {
  const request = event.detail.ctx.request;
  if ((request.method || "GET").toUpperCase() !== "GET") {
    request.headers["X-CSRFToken"] = meta("csrf-token");
  }
});

// A search acts a quarter of a second after the last letter, with Enter at once. Who types
// on replaces the address: Back leads to the list as it was before.
const searched = new WeakMap();
let pause;
document.addEventListener("input", (event) => {
  const box = event.target.closest?.("[data-search]");
  if (!box?.form?.matches("[hx-get]")) return;
  clearTimeout(pause);
  if (box.value.trim().length !== 1) pause = setTimeout(() => box.form.requestSubmit(), 250);
});
document.addEventListener("submit", (event) => {
  clearTimeout(pause);
  const form = event.target;
  if (form.contains(document.activeElement?.closest("[data-search]"))) searched.set(form, (searched.get(form) ?? 0) + 1);
}, true);
document.addEventListener("focusout", (event) => searched.delete(event.target.form));
document.addEventListener("htmx:config:request", (event) => {
  const ctx = event.detail.ctx;
  if ((searched.get(ctx.sourceElement) ?? 0) > 1) Object.assign(ctx, { push: null, replace: "true" });
});

// The one way in which regions follow what runs: each asks again after as many seconds
// as its data-live says (one by default), never in a hidden tab, never twice at once.
// The browser sends the entity tag along; an unchanged region is not swapped.
const asked = new WeakMap();
setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const region of document.querySelectorAll("[data-live]")) {
    const every = (Number(region.dataset.live) || 1) * 1000;
    if (Date.now() - (asked.get(region) ?? 0) < every - 50) continue;
    if (region.classList.contains("htmx-request")) continue;
    if (asked.has(region) || every < 5000) region.dispatchEvent(new CustomEvent("live"));
    asked.set(region, Date.now());
  }
}, 1000);
// A server fault keeps the old content and says so above it.
function fault(text) {
  const banner = document.getElementById("fault");
  if (!banner) return;
  banner.querySelector("[data-text]").textContent = text;
  banner.hidden = false;
}
document.addEventListener("htmx:response:error", (event) => {
  const response = event.detail.ctx.response;
  if (response && response.status >= 500) {
    const trace = response.headers?.get?.("X-Trace-Id");
    fault(tell("fault", { status: `${response.status}${trace ? `, ${trace}` : ""}` }));
  }
});
document.addEventListener("htmx:error", () => {
  fault(tell("away"));
});

// Filters act when changed; the button that does it without a script disappears.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.matches?.("[data-submit]")) field.form.requestSubmit();
  const all = field.closest?.("[data-pick-all]");
  if (all) {
    const table = all.closest("table");
    for (const box of table.querySelectorAll("tbody .pick input")) box.checked = all.checked;
  }
  if (field.closest?.(".pick")) countPicked();
});

function countPicked() {
  for (const bar of document.querySelectorAll("[data-bulk]")) {
    const form = bar.closest("form");
    const boxes = [...form.querySelectorAll("tbody .pick input")];
    const picked = boxes.filter((box) => box.checked).length;
    bar.querySelector("[data-picked]").textContent = picked;
    bar.hidden = picked === 0;
    const head = form.querySelector("[data-pick-all]");
    if (head) {
      head.checked = picked > 0 && picked === boxes.length;
      head.indeterminate = picked > 0 && picked < boxes.length;
    }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (!button) {
    closeMenus(event.target);
    return;
  }
  const action = button.dataset.action;
  if (action === "menu") {
    const side = document.querySelector(".side");
    const open = side.toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(open));
  } else if (action === "open-dialog") {
    document.getElementById(button.getAttribute("aria-controls")).showModal();
  } else if (action === "close-dialog") {
    button.closest("dialog").close();
  } else if (action === "copy") {
    navigator.clipboard.writeText(button.dataset.text).then(() => say(tell("copied")));
  } else if (action === "dismiss") {
    button.closest("[data-dismiss]").hidden = true;
  }
});

function closeMenus(target) {
  for (const menu of document.querySelectorAll("details.menu[open], details.filter[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
}
document.addEventListener("input", (event) => {
  const box = event.target.closest?.("[data-filter-options]");
  if (!box) return;
  const wanted = box.value.trim().toLowerCase();
  for (const option of box.parentElement.querySelectorAll(".filter-options label")) {
    option.hidden = !option.textContent.toLowerCase().includes(wanted);
  }
  mark("chosen", wanted, [...box.parentElement.querySelectorAll(".filter-options")]);
});
document.addEventListener("dblclick", (event) => {
  if (event.target.closest("a, button, input, select, label")) return;
  event.target.closest(".data tbody tr")?.querySelector("th a")?.click();
});

function say(text) {
  const region = document.getElementById("live-polite");
  if (region) region.textContent = text;
}

// Keyboard: / searches, Ctrl K jumps, j and k walk rows, Escape closes menus.
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
const rows = () => [...document.querySelectorAll(".data tbody tr")];
const handle = (row) => row.querySelector("th a") || row.querySelector(".pick input") || row.querySelector("a");
const rowOf = (element) => element?.closest?.(".data tbody tr");
function walk(step) {
  const all = rows().filter(handle);
  if (all.length === 0) return;
  const now = all.indexOf(rowOf(document.activeElement));
  handle(all[Math.max(0, Math.min(all.length - 1, now + step))]).focus();
}
function pick(row) {
  const box = row?.querySelector(".pick input");
  if (box) { box.checked = !box.checked; countPicked(); }
}
// Accepts the picked suggestions; with none picked, the one of the focused row.
function accept() {
  const button = document.querySelector("[data-bulk] button[value=accept]");
  if (!button) return;
  if (!button.form.querySelector(".pick input:checked")) pick(rowOf(document.activeElement));
  if (button.form.querySelector("tbody .pick input:checked")) button.click();
}
const MODULES = { b: "/notices", d: "/", c: "/customers", s: "/subscriptions", n: "/connections", y: "/sync-runs", m: "/mapping/customers", r: "/reconciliation" };
const KEYS = {
  j: () => walk(1),
  k: () => walk(-1),
  ArrowDown: () => rowOf(document.activeElement) && walk(1),
  ArrowUp: () => rowOf(document.activeElement) && walk(-1),
  x: () => pick(rowOf(document.activeElement)),
  e: () => rowOf(document.activeElement)?.querySelector("[aria-expanded], [data-expand]")?.click(),
  a: accept,
  c: () => rowOf(document.activeElement)?.querySelector("[data-choose]")?.click(),
  "[": () => document.querySelector("a[rel=prev]")?.click(),
  "]": () => document.querySelector("a[rel=next]")?.click(),
  h: () => document.querySelector("[data-help]")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};
let going = 0;
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("palette"));
    return;
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open], details.filter[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (meta("shortcuts") === "off" && event.key.length === 1) return;
  if (event.key === "Enter" && event.target.matches?.(".pick input")) {
    // Enter opens the row; it must not send the form around the list.
    event.preventDefault();
    rowOf(event.target)?.querySelector("th a, [data-choose]")?.click();
    return;
  }
  const module = Date.now() - going < 1500 ? MODULES[event.key] : undefined;
  going = event.key === "g" ? Date.now() : 0;
  if (event.key === "/") {
    const box = document.querySelector("[data-search]") || document.getElementById("jump");
    if (box) { event.preventDefault(); box.focus(); }
  } else if (module) {
    const link = document.querySelector(`nav.nav a[href="${module}"], a.bell[href="${module}"]`);
    if (link) link.click();
  } else KEYS[event.key]?.();
});

// A page from the back/forward cache must not outlive the session.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  fetch("/session", { cache: "no-store" }).then((answer) => {
    if (answer.status === 401) location.reload();
  });
});

// What was searched for is marked in the rows that were found, letter by letter as the
// server compares: without case and accents. Only painted; the page stays as it is.
const folded = (text) => Array.from({ length: text.length }, (_, at) => text[at].normalize("NFD")[0].toLowerCase()[0]).join("");
function* places(body, wanted) {
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = folded(texts.currentNode.data);
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const place = new Range();
      place.setStart(texts.currentNode, at);
      place.setEnd(texts.currentNode, at + wanted.length);
      yield place;
    }
  }
}
function mark(name, text, bodies) {
  if (!CSS.highlights) return;
  const wanted = folded((text || "").trim().replace(/\s+/g, " "));
  const found = wanted ? bodies.flatMap((body) => [...places(body, wanted)]) : [];
  CSS.highlights.set(name, new Highlight(...found));
}
const markRows = () =>
  mark("found", document.querySelector("[data-search]")?.defaultValue, [...document.querySelectorAll("#results .data tbody")]);

function ready() {
  root.classList.add("js");
  for (const extra of document.querySelectorAll("[data-nojs]")) extra.hidden = true;
  for (const extra of document.querySelectorAll("[data-needs-js]")) extra.hidden = false;
  countPicked();
  markRows();
}
document.addEventListener("htmx:after:swap", () => {
  ready();
  const told = document.querySelector("#results .pager span, #results .empty h3");
  if (told && document.activeElement?.matches("[data-search]")) say(told.textContent);
});
ready();
