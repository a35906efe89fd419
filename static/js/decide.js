// Decisions by keyboard: A approves, R and a number refuses, M and a number asks for more, N skips, U takes the last one
// back. The next registrations are in the page already, so the next one is shown at once, and the decision is sent
// meanwhile. Without this script each decision is a form that opens the next page.
(function () {
  "use strict";

  const SLACK_MS = 2500; // the portal applies a decision a little after its time
  const place = document.querySelector("[data-decide]");
  const passed = new Set(); // keys of what was shown already
  let ahead = []; // items that are loaded, the next one first
  let mode = ""; // R or M was pressed: the next key is a number
  let timer = 0;

  const current = () => place.querySelector("[data-item]");
  const keyOf = (item) => item.dataset.item;

  function parse(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.querySelector("[data-item]");
  }

  // --- What is shown, and what is loaded ahead ---

  function load(item) {
    const known = [...ahead, current()].map(keyOf);
    if (!item || known.includes(keyOf(item)) || passed.has(keyOf(item))) return;
    item.querySelectorAll("img").forEach((picture) => {
      new Image().src = picture.getAttribute("src"); // inside a template .src has no address to begin from
    });
    ahead.push(item);
  }

  function show(item) {
    const old = current();
    const line = old.querySelector("[data-held]");
    item.querySelector("[data-held]").replaceChildren(...line.childNodes);
    setMode("");
    old.replaceWith(item);
    history.replaceState(null, "", item.dataset.url);
    document.title = item.dataset.title;
    const take = item.querySelector("button[value=take]");
    if (take) take.remove(); // the decision about the last one, which is sent now, assigns this one
    item.focus({ preventScroll: true });
    scrollTo(0, 0);
    return old;
  }

  function showNext() {
    const next = ahead.shift();
    if (next) passed.add(keyOf(current()));
    return next ? show(next) : null;
  }

  // Put an item back in front, as it was or as the portal sent it again.
  function putBack(item) {
    ahead = ahead.filter((one) => keyOf(one) !== keyOf(item));
    passed.delete(keyOf(item));
    if (keyOf(current()) === keyOf(item)) show(item);
    else ahead.unshift(show(item));
  }

  function complain(text) {
    const note = document.createElement("p");
    note.className = "d-flag";
    note.dataset.tone = "late";
    note.setAttribute("role", "alert");
    note.textContent = text;
    current().querySelector("[data-problems]").replaceChildren(note);
  }

  // --- The line to take one back ---

  function showLine(html) {
    const line = current().querySelector("[data-held]");
    const template = document.createElement("template");
    template.innerHTML = html;
    line.replaceChildren(template.content);
    watchLine();
  }

  // Ask what became of it when its time is over: applied, or dropped because something had changed.
  function watchLine() {
    clearTimeout(timer);
    const toast = document.querySelector("[data-toast]");
    if (!toast) return;
    const seconds = Number(toast.dataset.seconds);
    toast.querySelector(".d-toast__left").style.animationDuration = `${seconds}s`;
    if (place) timer = setTimeout(refreshLine, seconds * 1000 + SLACK_MS);
  }

  async function refreshLine() {
    try {
      const answer = await fetch(place.dataset.toastUrl, { headers: { "HX-Request": "true" } });
      if (answer.ok && !answer.redirected) showLine(await answer.text());
    } catch {
      timer = setTimeout(refreshLine, SLACK_MS); // the portal does not answer now
    }
  }

  // --- Sending ---

  function describe(body) {
    body.append("shown", keyOf(current()));
    body.append("loaded", ahead.map(keyOf).join());
    body.append("passed", [...passed].join());
    return body;
  }

  async function send(url, body) {
    const answer = await fetch(url, { method: "POST", body, keepalive: true, redirect: "error" });
    const isOurs = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    if (!isOurs) throw new Error(`unexpected answer ${answer.status}`);
    return answer.json();
  }

  async function decide(form, button) {
    const body = new FormData(form, button);
    const decided = showNext();
    try {
      const answer = await send(form.action, describe(body));
      if (answer.item) putBack(parse(answer.item));
      if (answer.toast !== undefined) showLine(answer.toast);
      (answer.items || []).map(parse).forEach(load);
      if ((answer.gone || []).includes(Number(keyOf(current()))) && showNext()) complain(place.dataset.taken);
    } catch {
      putBack(decided);
      complain(place.dataset.lost);
    }
  }

  async function undo(form) {
    try {
      const answer = await send(form.action, describe(new FormData(form)));
      if (answer.url) location.assign(answer.url);
      if (answer.item) putBack(parse(answer.item));
      showLine(answer.toast);
      if (answer.problem) complain(answer.problem);
    } catch {
      complain(place.dataset.lost);
    }
  }

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (!place) return;
    const isDecision = form.matches("[data-decision]") && submitter && submitter.value !== "take";
    if (submitter && submitter.dataset.presses && !isChosen(submitter.dataset.presses)) {
      event.preventDefault();
      setMode(submitter.dataset.presses);
    } else if (isDecision && ahead.length) {
      event.preventDefault();
      decide(form, submitter);
    } else if (form.matches("[data-undo]")) {
      event.preventDefault();
      undo(form);
    } else if (submitter) submitter.setAttribute("aria-busy", "true"); // no second press while the page is left
  });

  // --- Keys ---

  function setMode(key) {
    mode = key;
    document.querySelectorAll("[data-mode]").forEach((group) => {
      group.toggleAttribute("data-active", group.dataset.mode === key);
    });
  }

  function pressButton(key) {
    const button = document.querySelector(`[data-presses="${key}"]`);
    if (button && !document.querySelector("button[aria-busy]")) button.click();
  }

  // Whether a reason, or a question, is chosen or written.
  function isChosen(key) {
    const group = document.querySelector(`[data-mode="${key}"]`);
    const text = group.querySelector("textarea");
    return Boolean(group.querySelector(":checked") || (text && text.value.trim()));
  }

  // R or M: with a reason chosen it decides, else the next number does. M twice leads to the own words.
  function begin(key) {
    const group = document.querySelector(`[data-mode="${key}"]`);
    if (!group) return;
    const text = group.querySelector("textarea");
    if (isChosen(key)) pressButton(key);
    else if (mode === key && text) {
      text.closest("details").open = true;
      text.focus();
    } else setMode(key);
  }

  function choose(number) {
    const choice = document.querySelector(`[data-mode="${mode}"] [data-number="${number}"]`);
    if (!choice) return;
    choice.checked = true;
    pressButton(mode);
  }

  document.addEventListener("desk:key", (event) => {
    const key = event.detail;
    if (mode && /^[1-9]$/.test(key)) choose(key);
    else if (key === "r" || key === "m") begin(key);
    else {
      setMode("");
      return;
    }
    event.preventDefault();
  });

  // Ctrl+Enter in a text sends it.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches("textarea")) return;
    const button = event.target.form.querySelector("[data-sends]");
    if (!button || document.querySelector("button[aria-busy]")) return;
    event.preventDefault();
    button.click();
  });

  // The browser's Back shows the page as it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  document.querySelectorAll("template[data-next]").forEach((template) => {
    load(template.content.querySelector("[data-item]"));
    template.remove();
  });
  watchLine();
})();
