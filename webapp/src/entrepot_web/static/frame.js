// The command palette, the help drawer, and ordering by keyboard and mouse.
const palette = document.getElementById("palette");
const paletteInput = document.getElementById("palette-input");
const hits = () => [...palette.querySelectorAll("[role=option]:not([aria-disabled])")];

function openPalette() {
  if (!palette || palette.open) return;
  paletteInput.value = "";
  palette.showModal();
  paletteInput.focus();
  paletteInput.dispatchEvent(new CustomEvent("opened"));
}
function choose(hit) {
  for (const one of hits()) one.setAttribute("aria-selected", String(one === hit));
  if (hit) {
    paletteInput.setAttribute("aria-activedescendant", hit.id);
    hit.scrollIntoView({ block: "nearest" });
  } else paletteInput.removeAttribute("aria-activedescendant");
}
const chosen = () => hits().find((one) => one.getAttribute("aria-selected") === "true");

// A plain link is followed; an action is sent as the form that its page would send.
function go(hit, apart) {
  if (!hit) return;
  if (hit.dataset.fields) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = hit.dataset.href;
    const fields = { ...JSON.parse(hit.dataset.fields), csrf_token: document.querySelector("meta[name=csrf-token]").content };
    if (hit.dataset.href === "/preferences") fields.back = location.pathname + location.search;
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  } else if (apart) window.open(hit.dataset.href, "_blank", "noopener");
  else location.assign(hit.dataset.href);
}

document.addEventListener("palette", openPalette);
if (palette) {
  const box = document.getElementById("jump");
  // By mouse the box in the bar opens the palette as well; by Tab it stays a plain search.
  box?.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || box.value) return;
    event.preventDefault();
    openPalette();
  });
  paletteInput.addEventListener("keydown", (event) => {
    const all = hits();
    const at = all.indexOf(chosen());
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      const edge = Math.abs(step) > 1;
      const next = edge ? Math.max(0, Math.min(all.length - 1, at + step)) : (at + step + all.length) % all.length;
      choose(all[next]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(chosen(), event.ctrlKey || event.metaKey);
    }
  });
  palette.addEventListener("click", (event) => {
    const hit = event.target.closest("[role=option]");
    if (hit) go(hit, event.ctrlKey || event.metaKey);
    else if (event.target === palette) palette.close();
  });
  paletteInput.addEventListener("htmx:after:swap", () => {
    choose(chosen() || hits()[0]);
    document.getElementById("live-polite").textContent = tell("found", { count: hits().length });
  });
}

// Help opens beside the page; without a script its link leads to the article.
const help = document.getElementById("help");
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-help]");
  if (!link || !help || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  link.closest("details")?.removeAttribute("open");
  help.showModal();
  const body = document.getElementById("help-body");
  if (!body.children.length) body.dispatchEvent(new CustomEvent("opened"));
  body.focus();
});
help?.addEventListener("click", (event) => {
  if (event.target === help) help.close();
});

// Cards are ordered with Alt and the arrows, or by dragging; buttons do the same.
const list = document.querySelector("[data-order]");
if (list) {
  const items = () => [...list.querySelectorAll("[data-key]")];
  const send = () => {
    const button = document.createElement("button");
    Object.assign(button, { type: "submit", name: "do", value: `order:${items().map((one) => one.dataset.key).join(",")}`, hidden: true });
    const form = list.closest("form");
    form.append(button);
    const data = new FormData(form, button);
    button.remove();
    fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(() => location.reload());
  };
  const told = (item) => {
    const all = items();
    const name = item.querySelector("strong").textContent;
    all.forEach((one, at) => one.setAttribute("aria-label", tell("moved", { name: one.querySelector("strong").textContent, at: at + 1, of: all.length })));
    document.getElementById("live-polite").textContent = tell("moved", { name, at: all.indexOf(item) + 1, of: all.length });
  };
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest("[data-key]");
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!item || event.target !== item || !step) return;
    event.preventDefault();
    const other = items()[items().indexOf(item) + step];
    if (!other) return;
    if (!event.altKey) { other.focus(); return; }
    other[step < 0 ? "before" : "after"](item);
    item.focus();
    told(item);
    send();
  });
  let dragged = null;
  for (const item of items()) {
    item.querySelector(".grip").addEventListener("pointerdown", () => { item.draggable = true; });
    item.addEventListener("dragstart", (event) => {
      dragged = item;
      event.dataTransfer.effectAllowed = "move";
    });
    item.addEventListener("dragend", () => {
      item.draggable = false;
      dragged = null;
      told(item);
      send();
    });
  }
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-key]");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  list.querySelector("[data-moved]")?.focus();
}
