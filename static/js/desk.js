// Keys of the desk: / goes to the box and Escape leaves it, J, K and arrows move through rows, G and a letter opens a part
// of the rail, ? shows the keys, and every other single key presses the link or button that names it in data-key.
//
// A scanner types faster than a hand. So a single key acts only after a silence, and a burst that ends with Enter goes to
// the field for scans, or to the box, wherever the focus is: a scan presses nothing. Without this script each key is a
// link, a button or a field.
(function () {
  "use strict";

  const SILENCE_MS = 45; // a hand rests longer than this between two keys, a scanner does not
  const SCAN_END_MS = 200; // the Enter of a scanner comes within this after its last sign
  const GO_MS = 1200;
  const MIN_SCAN_LENGTH = 4;
  const TEXT_FIELDS = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";
  const KEYS_OFF = document.body.dataset.keys === "off"; // single keys are switched off, for this person (WCAG 2.1.4)

  const box = document.getElementById("desk-box");
  const found = document.getElementById("desk-found");
  let burst = "";
  let lastKeyAt = 0; // ms, on the clock of events
  let timer = 0;
  let goingUntil = 0;

  const isField = (element) => element.matches(TEXT_FIELDS);
  const isShown = (element) => element.getClientRects().length > 0;
  const shown = (selector, part = document) => [...part.querySelectorAll(selector)].filter(isShown);

  // --- What keys do ---

  function rows() {
    const hits = found ? shown("a[data-row]", found) : [];
    return hits.length ? hits : shown("[data-rows] a[data-row], #result_list tbody th > a");
  }

  function move(step) {
    const all = rows();
    if (!all.length) return false;
    const place = all.indexOf(document.activeElement);
    if (place === 0 && step < 0 && found && found.contains(all[0])) box.focus();
    else if (place < 0) all[step > 0 ? 0 : all.length - 1].focus();
    else all[Math.min(Math.max(place + step, 0), all.length - 1)].focus();
    return true;
  }

  function leave(event) {
    if (found && found.childElementCount) {
      found.replaceChildren();
      box.focus();
      event.preventDefault();
    } else if (isField(event.target)) event.target.blur();
    else if (location.hash === "#keys") location.hash = "content-start";
    else press("escape");
  }

  // A key pressed twice must not decide twice: a form that is being sent marks its button as busy.
  function press(key) {
    const element = shown(`[data-key="${CSS.escape(key)}"]`).find((one) => !one.disabled);
    if (!element || document.querySelector("button[aria-busy]")) return;
    if (isField(element)) element.focus();
    else element.click();
  }

  function act(key) {
    if (performance.now() < goingUntil) {
      goingUntil = 0;
      const part = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
      if (part) part.click();
    } else if (!document.dispatchEvent(new CustomEvent("desk:key", { detail: key, cancelable: true }))) {
      return; // a page took it, as the second of two keys
    } else if (key === "g") goingUntil = performance.now() + GO_MS;
    else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else press(key);
  }

  // --- One key, or a scan ---

  function collect(event) {
    if (event.timeStamp - lastKeyAt > SCAN_END_MS) burst = "";
    burst += event.key;
    lastKeyAt = event.timeStamp;
    clearTimeout(timer);
    if (burst === "/" && !KEYS_OFF && box) {
      event.preventDefault(); // Firefox would open its own search
      burst = "";
      box.focus();
      box.select();
      return;
    }
    timer = setTimeout(endBurst, SILENCE_MS);
    if (burst.length > 1) event.preventDefault(); // a space would press the button in focus
  }

  function endBurst() {
    if (burst.length > 1) return; // perhaps a scan: wait for its Enter
    const key = burst.toLowerCase();
    burst = "";
    if (key && !KEYS_OFF) act(key);
  }

  // Whether Enter ends a burst. Its signs are given back only if they are long enough for a scan.
  function takeBurst(event) {
    const signs = event.timeStamp - lastKeyAt <= SCAN_END_MS ? burst : "";
    clearTimeout(timer);
    burst = "";
    if (signs.length > 1) event.preventDefault();
    return signs.length >= MIN_SCAN_LENGTH ? signs : "";
  }

  function search(scanned) {
    const field = document.querySelector("[data-scan]") || box;
    if (!field) return;
    field.value = scanned;
    field.focus();
    field.form.requestSubmit();
  }

  // In a text field a scan stays where the person put the cursor. But its Enter must not press the first button of a form,
  // and where the page has a field for scans, it goes there.
  function listenInField(event) {
    const field = event.target;
    const isBurst = event.timeStamp - lastKeyAt < SILENCE_MS;
    if (event.key.length === 1) {
      burst = isBurst ? burst + event.key : event.key;
      lastKeyAt = event.timeStamp;
    } else if (event.key === "Enter" && field !== box && !field.matches("[data-scan]")) {
      if (event.timeStamp - lastKeyAt > SCAN_END_MS || burst.length < MIN_SCAN_LENGTH) return;
      const scanned = burst;
      burst = "";
      if (document.querySelector("[data-scan]") && field.value.endsWith(scanned)) {
        event.preventDefault();
        field.value = field.value.slice(0, -scanned.length);
        search(scanned);
      } else if (!field.matches("textarea") && field.form && field.form.method === "post") event.preventDefault();
    } else if (event.key.length > 1 && event.key !== "Shift") burst = "";
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !(event.target instanceof Element)) return;
    const typing = isField(event.target);
    if (event.key === "Escape") {
      burst = "";
      leave(event);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const moves = event.target === box || !event.target.matches(`${TEXT_FIELDS}, [type=radio]`);
      if (moves && move(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
    } else if (typing) listenInField(event);
    else if (event.key === "Enter") {
      const scanned = takeBurst(event);
      if (scanned) search(scanned);
    } else if (event.key.length === 1 && !event.repeat) collect(event);
  });

  // A link to a folded part opens it.
  function unfold() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
