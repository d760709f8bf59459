// Draws a tree of plain data and patches what is there, so that focus, text selection and scroll positions stay.
// Text becomes text nodes and attributes come from a list: nothing that a job says can become HTML.

const TAGS = new Set(("a article b br button caption code dd details div dl dt em figure footer h1 h2 h3 h4 header i input label li nav " +
  "ol p pre s section small span strong sub summary sup table tbody td tfoot th thead time tr u ul").split(" "));
const PLAIN = new Set(("title role tabindex colspan rowspan scope lang dir for open").split(" "));
const STYLES = {w: "width", l: "left", h: "height"};
const OUTSIDE = /^https?:\/\//i;

const MINUTE = 60, HOUR = 3600, DAY = 86400;
const two = (number) => String(number).padStart(2, "0");

function duration(seconds, whole) {
  const s = Math.max(0, seconds);
  if (s < 0.0005) return whole ? "0 s" : "at once";
  if (!whole && s < 0.01) return `${(s * 1000).toFixed(1)} ms`;
  if (!whole && s < 1) return `${Math.round(s * 1000)} ms`;
  if (!whole && s < 10) return `${s.toFixed(1)} s`;
  const n = whole ? Math.floor(s) : Math.round(s);
  if (n < MINUTE) return `${n} s`;
  if (n < HOUR) return `${Math.floor(n / MINUTE)} min ${two(n % MINUTE)} s`;
  if (n < DAY) return `${Math.floor(n / HOUR)} h ${two(Math.floor(n % HOUR / MINUTE))} min`;
  return `${Math.floor(n / DAY)} d ${Math.floor(n % DAY / HOUR)} h`;
}

function roughly(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min`;
  if (s < DAY) return `${Math.floor(s / HOUR)} h`;
  return `${Math.floor(s / DAY)} d`;
}

const full = new Intl.DateTimeFormat("en-GB", {dateStyle: "full", timeStyle: "long"});
const day = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short"});

function clock(at, now) {
  const moment = new Date(at), today = new Date(now);
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
  if (moment.toDateString() === today.toDateString()) return time;
  const year = moment.getFullYear() === today.getFullYear() ? "" : ` ${moment.getFullYear()}`;
  return `${day.format(moment)}${year} ${time.slice(0, 5)}`;
}

function timeText(mode, at, now) {
  const passed = (now - at) / 1000;
  switch (mode) {
    case "ago": return passed < 1 ? "just now" : `${roughly(passed)} ago`;
    case "for": return duration(passed, true);
    case "left": return duration(-passed, true);
    case "date": return `${day.format(new Date(at))} ${new Date(at).getFullYear()}`;
    default: return clock(at, now);
  }
}

function setText(node, text) { if (node.textContent !== text) node.textContent = text; }

function tick(element, now) {
  const {t, at, until, length} = element.dataset;
  if (t) setText(element, timeText(t, Number(at), now));
  if (until) {
    const left = (Number(until) - now) / 1000, total = Number(length);
    element.style.setProperty("--part", String(Math.max(0, Math.min(1, left / total))));
    element.classList.toggle("out", left <= 0);
    const word = element.querySelector(".word");
    if (word) setText(word, left > 0 ? `lease for ${duration(left, true)}` : `lease ran out ${roughly(-left)} ago`);
  }
}

function href(base, page, query) {
  const text = new URLSearchParams(Object.entries(query || {})).toString();
  return `${base}${page}${text ? `?${text}` : ""}`;
}

function attributes(element, given, state) {
  const wanted = new Map();
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (PLAIN.has(name) || name.startsWith("aria-")) {
      // What a viewer opened or closed stays so.
      if (name !== "open" || !element.isConnected) wanted.set(name, value === true ? "" : String(value));
    } else if (name in STYLES) element.style[STYLES[name]] = `${Number(value)}%`;
    else if (name === "t") { wanted.set("data-t", value); wanted.set("data-at", given.at); }
    else if (name === "until") { wanted.set("data-until", value); wanted.set("data-length", given.length); }
    else if (name === "go") wanted.set("href", href(state.base, value, given.q));
    else if (name === "out" && OUTSIDE.test(value)) {
      wanted.set("href", value); wanted.set("target", "_blank"); wanted.set("rel", "noreferrer noopener");
    } else if (name === "disabled") wanted.set("disabled", "");
  }
  if (given.t && !given.title) wanted.set("title", full.format(new Date(Number(given.at))));
  if (element.tagName === "BUTTON") wanted.set("type", "button");
  for (const {name} of [...element.attributes]) {
    const kept = name === "class" || name === "style" || (name === "open" && element.isConnected);
    if (!kept && !wanted.has(name)) element.removeAttribute(name);
  }
  for (const [name, value] of wanted) if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  element.given = given;
}

function build(data, state) {
  if (!Array.isArray(data)) return document.createTextNode(String(data ?? ""));
  const [tag] = data[0].split(".");
  const element = document.createElement(TAGS.has(tag) ? tag : "span");
  fill(element, data, state);
  return element;
}

function fill(element, data, state) {
  const [head, second] = data;
  const hasAttributes = second !== null && typeof second === "object" && !Array.isArray(second);
  const given = hasAttributes ? second : {};
  const names = head.split(".").slice(1).join(" ");
  if (element.className !== names && !given.until) element.className = names;
  else if (given.until && !element.className) element.className = names;
  element.made = head;
  attributes(element, given, state);
  if (element.tagName === "INPUT") {
    element.type = "checkbox";
    element.checked = given.pick === "*" ? state.all.length > 0 && state.all.every((id) => state.picked.has(id)) : state.picked.has(given.pick);
    return;
  }
  if (given.copy !== undefined && !element.childNodes.length) {
    element.append(Object.assign(document.createElement("i"), {textContent: "content_copy"}));
    element.setAttribute("aria-label", given["aria-label"] || "Copy");
    return;
  }
  if (given.copy !== undefined) return;
  // What ticks writes its own text.
  if (!given.t) children(element, data.slice(hasAttributes ? 2 : 1), state);
}

// Rows stay where they are while the viewer points at one, or has moved the keyboard's focus to one.
const hovers = matchMedia("(hover: hover)");
const isHeld = (list) => (hovers.matches && list.matches(":hover")) || (document.hasFocus() && list.querySelector(":focus-visible") !== null);

function hold(list, wanted, state) {
  const known = new Map([...list.children].map((row) => [row.given?.k, row]));
  const fresh = wanted.filter((data) => data !== null && !known.has(data[1]?.k));
  for (const data of wanted) {
    const row = data && known.get(data[1]?.k);
    if (!row) continue;
    if (row.made === data[0]) fill(row, data, state);
    else row.replaceWith(build(data, state));
  }
  list.waiting = wanted;
  state.held.add(list);
  if (fresh.length) (list.closest("table") || list).setAttribute("data-news", `${fresh.length} new`);
}

function letGo(state) {
  for (const list of state.held) {
    if (list.isConnected && isHeld(list)) continue;
    state.held.delete(list);
    if (list.waiting && list.isConnected) children(list, list.waiting, state);
  }
}

function children(parent, wanted, state) {
  if (parent.given?.hold) {
    // Another question has another answer at once.
    const isSame = parent.holds === parent.given.hold;
    parent.holds = parent.given.hold;
    if (isSame && parent.children.length && isHeld(parent)) { hold(parent, wanted, state); return; }
    parent.waiting = undefined;
    (parent.closest("table") || parent).removeAttribute("data-news");
  }
  const before = [...parent.childNodes];
  const keyed = new Map(before.filter((node) => node.given?.k).map((node) => [node.given.k, node]));
  let at = 0;
  for (const data of wanted) {
    if (data === null || data === undefined) continue;
    const key = Array.isArray(data) && data[1] && !Array.isArray(data[1]) ? data[1].k : undefined;
    let node = key === undefined ? before[at] : keyed.get(key);
    if (node && key === undefined && node.given?.k !== undefined) node = undefined;
    const fits = node && (Array.isArray(data) ? node.made === data[0] : node.nodeType === Node.TEXT_NODE);
    if (!fits) node = build(data, state);
    else if (Array.isArray(data)) fill(node, data, state);
    else setText(node, String(data));
    if (parent.childNodes[at] !== node) parent.insertBefore(node, parent.childNodes[at] || null);
    at += 1;
  }
  while (parent.childNodes.length > at) parent.lastChild.remove();
}

async function copy(button, text) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = Object.assign(document.createElement("textarea"), {value: text});
    document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
  }
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1200);
}

function listen(root, state) {
  root.addEventListener("click", (event) => {
    const element = event.composedPath().find((one) => one.given && (one.given.go || one.given.copy !== undefined || one.given.act));
    if (!element || element.disabled) return;
    const {go, q, copy: text, act, v} = element.given;
    if (text !== undefined) { event.preventDefault(); copy(element, text); return; }
    if (act) { event.preventDefault(); state.trigger("act", {act, v: v ?? null}); return; }
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    // As if the viewer had gone there by the browser's own buttons: one entry in its history, and no detour.
    history.pushState({}, "", element.href);
    window.dispatchEvent(new PopStateEvent("popstate"));
  });
  root.addEventListener("change", (event) => {
    const {pick} = event.target.given || {};
    if (pick === undefined) return;
    for (const id of pick === "*" ? state.all : [pick]) event.target.checked ? state.picked.add(id) : state.picked.delete(id);
    state.changedAt = Date.now();
    state.set("picked", {ids: [...state.picked], at: state.changedAt});
  });
}

function watchVisibility(root, state) {
  const tell = () => {
    if (state.hidden !== document.hidden) { state.hidden = document.hidden; state.set("hidden", document.hidden); }
  };
  document.addEventListener("visibilitychange", tell);
  tell();
  return () => document.removeEventListener("visibilitychange", tell);
}

const decoder = new TextDecoder();
// How far the server's clock is ahead of the viewer's; one tree of the page says it for all.
let skew = 0;

export default function ({data: bytes, parentElement, setStateValue, setTriggerValue}) {
  const data = JSON.parse(decoder.decode(bytes));
  let root = [...parentElement.children].find((one) => one.className === "view");
  if (!root) {
    root = document.createElement("div");
    root.className = "view";
    root.state = {picked: new Set(), all: [], hidden: false, held: new Set()};
    parentElement.append(root);
    listen(root, root.state);
  }
  const {state} = root;
  state.set = setStateValue;
  state.trigger = setTriggerValue;
  state.base = data.base;
  state.all = data.all || [];
  // An answer to an earlier change must not undo a later one.
  if (data.picked && (data.pickedAt || 0) >= (state.changedAt || 0)) state.picked = new Set(data.picked);
  if (data.now) skew = data.now - Date.now();
  children(root, [data.node], state);
  const ticking = () => {
    const now = Date.now() + skew;
    letGo(state);
    for (const element of root.querySelectorAll("[data-t], [data-until]")) tick(element, now);
  };
  ticking();
  const timer = setInterval(ticking, 500);
  const forget = data.watch ? watchVisibility(root, state) : () => {};
  return () => { clearInterval(timer); forget(); };
}
