// Keys, live changes and what must be told by the clock; everything else is in the pages.
const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = csrf; });

// --- keys: what has data-key is clicked, or gets the focus if one writes into it ---
const rows = () => [...document.querySelectorAll("[data-row]")];
let at = -1;
function move(by) {
  const all = rows();
  if (!all.length) return;
  all[at]?.classList.remove("at");
  at = Math.max(0, Math.min(all.length - 1, at + by));
  all[at].classList.add("at");
  all[at].scrollIntoView({ block: "nearest" });
  all[at].querySelector("a")?.focus({ preventScroll: true });
}
function writes(element) {
  return element instanceof HTMLElement && (element.matches("textarea, select, input:not([type=checkbox])") || element.isContentEditable);
}
// While an answer is on its way, keys wait for what the page then is (f and z at once), and responses
// that were asked for before it are not shown: they must not overwrite what comes back.
const posting = new Set();
const isPosting = () => [...posting].some((each) => each.isConnected);
let early = [], refreshLater = false, posts = 0, postsWhenAsked = 0;
function refresh() {
  refreshLater = isPosting();
  if (!refreshLater) document.body.dispatchEvent(new CustomEvent("responses"));
}
document.addEventListener("htmx:confirm", (event) => {
  if (event.detail.verb === "post") { posting.add(event.detail.elt); posts += 1; }
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "refresh") postsWhenAsked = posts;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.requestConfig.elt.id !== "refresh" || postsWhenAsked === posts) return;
  event.detail.shouldSwap = false;
  refreshLater = true;
});
// What was refused is told where one looks, in the words of the page that the server made of it.
document.addEventListener("htmx:responseError", (event) => {
  const made = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  tell(made.querySelector("h1")?.textContent ?? live?.dataset.offline ?? "");
});
document.addEventListener("htmx:sendError", () => tell(live?.dataset.offline ?? ""));
function tell(words) {
  const line = document.getElementById("refused") ?? document.createElement("p");
  Object.assign(line, { id: "refused", className: "problem notice", role: "alert", textContent: words });
  document.getElementById("main").prepend(line);
  line.scrollIntoView({ block: "nearest" });
}
document.addEventListener("htmx:afterRequest", (event) => {
  posting.delete(event.detail.requestConfig.elt);
  if (isPosting()) return;
  const keys = early;
  early = [];
  for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  if (refreshLater) refresh();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && writes(event.target)) { event.target.blur(); return; }
  if (writes(event.target) || document.querySelector("dialog[open]")) return;
  if (isPosting()) { early.push(event.key); event.preventDefault(); return; }
  const here = rows()[at];
  let handled = true;
  if (event.key === "?") document.getElementById("keys")?.showModal();
  else if (event.key === "j" || event.key === "ArrowDown") move(1);
  else if (event.key === "k" || event.key === "ArrowUp") move(-1);
  else if (event.key === "x" && here) here.querySelector('[data-key="x"]')?.click();
  else if (event.key === "Enter" && (here || event.target.closest("a, button, summary"))) handled = false;
  else {
    const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not([data-row] *)`);
    if (!wanted || wanted.hidden) handled = false;
    else if (writes(wanted)) wanted.focus();
    else wanted.click();
  }
  if (handled) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches('[name="alert"]')) select();
  if (event.target.matches("[data-step]")) ticked(event.target);
});

// --- several at once ---
const bulk = document.getElementById("bulk");
function select() {
  const chosen = document.querySelectorAll('[name="alert"]:checked');
  bulk.hidden = chosen.length === 0;
  const words = bulk.querySelector("[data-selected]");
  words.textContent = words.dataset.selected.replace("{}", chosen.length);
}
bulk?.addEventListener("submit", (event) => {
  const chosen = [...document.querySelectorAll('[name="alert"]:checked')].map((each) => each.value);
  const words = bulk.dataset.confirm.replace("{}", chosen.length).replace("{}", bulk.dataset.undo);
  if (!window.confirm(words)) { event.preventDefault(); return; }
  for (const value of chosen) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "alert", value });
    bulk.append(field);
  }
});

// --- live: nothing moves under the hand; what is new is told, and shown when asked for ---
const live = document.getElementById("live");
const news = document.getElementById("news");
if (live) {
  const source = new EventSource(`/live?after=${document.body.dataset.newest}`);
  source.addEventListener("open", () => { live.textContent = live.dataset.live; live.classList.remove("offline"); });
  source.addEventListener("error", () => { live.textContent = live.dataset.offline; live.classList.add("offline"); });
  source.addEventListener("changed", async () => {
    refresh();
    if (!news) return;
    const query = news.dataset.query;
    const answer = await fetch(`/queue/news?${query}&after=${document.body.dataset.newest}`);
    if (!answer.ok) return;
    const { count } = await answer.json();
    news.hidden = count === 0;
    news.textContent = (count === 1 ? news.dataset.one : news.dataset.many).replace("{}", count >= 1000 ? "999+" : count);
  });
  window.addEventListener("pagehide", () => source.close());
}
news?.addEventListener("click", () => window.location.reload());

// --- clocks ---
function tick() {
  for (const each of document.querySelectorAll("[data-due]")) {
    const left = Math.ceil((Number(each.dataset.due) - Date.now()) / 1000);
    each.textContent = each.dataset.text.replace("{}", Math.max(0, left));
  }
}
setInterval(tick, 500);

// --- a runbook's ticks: this browser's, until the alert is over ---
const alertId = document.querySelector("[data-alert]")?.dataset.alert;
const ticksKey = alertId && `ticks ${alertId}`;
function ticked(box) {
  const ticks = new Set(JSON.parse(sessionStorage.getItem(ticksKey) ?? "[]"));
  if (box.checked) ticks.add(box.dataset.step); else ticks.delete(box.dataset.step);
  sessionStorage.setItem(ticksKey, JSON.stringify([...ticks]));
}
if (ticksKey) {
  const ticks = new Set(JSON.parse(sessionStorage.getItem(ticksKey) ?? "[]"));
  for (const box of document.querySelectorAll("[data-step]")) box.checked = ticks.has(box.dataset.step);
}
