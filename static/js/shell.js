// Keys of the desk: / goes to the box, Escape leaves it, arrows move through rows, G and a letter opens a part of the
// rail. A scanner types faster than a hand and ends with Enter: what it types outside a field goes to the box.
// Without this script each of them is a link or a field.
(function () {
  "use strict";

  const SILENCE_MS = 45; // a hand rests longer than this between two keys, a scanner does not
  const GO_MS = 1200;
  const MIN_SCAN_LENGTH = 4;
  const TEXT_FIELDS = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";

  const box = document.getElementById("desk-box");
  const found = document.getElementById("desk-found");
  const hasOwnKeys = document.querySelector("button[data-key]") !== null; // pages whose letters decide something
  let burst = "";
  let timer = 0;
  let goingUntil = 0;
  if (!box || !found) return;

  function rows() {
    const hits = [...found.querySelectorAll("a[data-row]")];
    return hits.length ? hits : [...document.querySelectorAll("[data-rows] a[data-row]")].filter((row) => row.offsetParent);
  }

  function move(event) {
    const all = rows();
    if (!all.length) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    const place = all.indexOf(document.activeElement) + step;
    if (place < 0 && found.contains(all[0])) box.focus();
    else all[Math.min(Math.max(place, 0), all.length - 1)].focus();
  }

  function leave(event) {
    if (found.childElementCount) {
      found.replaceChildren();
      box.focus();
      event.preventDefault();
    } else if (event.target.matches(TEXT_FIELDS)) event.target.blur();
  }

  function press(key) {
    if (key === "/") {
      box.focus();
      box.select();
    } else if (Date.now() < goingUntil) {
      goingUntil = 0;
      const part = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
      if (part) part.click();
    } else if (key === "g" && !hasOwnKeys) goingUntil = Date.now() + GO_MS;
  }

  // One key acts after a silence; several without one are a scan, which waits for its Enter.
  function listen(event) {
    clearTimeout(timer);
    burst += event.key;
    if (event.key === "/" && burst === "/") event.preventDefault(); // Firefox would open its own search
    timer = setTimeout(() => {
      if (burst.length === 1) press(burst.toLowerCase());
      burst = "";
    }, SILENCE_MS);
  }

  function takeScan(event) {
    const scanned = burst;
    clearTimeout(timer);
    burst = "";
    if (scanned.length < MIN_SCAN_LENGTH) return;
    event.preventDefault();
    box.value = scanned;
    box.form.requestSubmit();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches(TEXT_FIELDS);
    if (event.key === "Escape") leave(event);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (event.target === box || !typing) move(event);
    } else if (typing) return;
    else if (event.key === "Enter") takeScan(event);
    else if (event.key.length === 1 && !event.repeat) listen(event);
  });

  // A link to a folded part opens it.
  function unfold() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
