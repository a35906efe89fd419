// The pages that are shown without a connection: links to what is kept on this device, and back once it works again.
(function () {
  "use strict";

  const PAUSE = 5000; // ms
  const { health } = document.currentScript.dataset;

  async function isKept(path) {
    const copy = await caches.match(path, { cacheName: "kept", ignoreVary: true });
    return Boolean(copy) && Number(copy.headers.get("X-Kept-Until")) > Date.now();
  }

  async function showKept(link) {
    if (!(await isKept(link.getAttribute("href")))) return;
    link.hidden = false;
    document.querySelectorAll("[data-anything-kept]").forEach((element) => (element.hidden = false));
  }

  // In the time of the device, which may be far from that of the portal.
  function showTime(element) {
    const moment = new Date(element.dateTime);
    const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const day = moment.toLocaleDateString(language, { day: "numeric", month: "long" });
    element.textContent = `${day}, ${moment.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" })}`;
  }

  // The browser may be online long before the portal can be reached, and the other way round.
  async function isBack() {
    try {
      return (await fetch(health, { cache: "no-store", signal: AbortSignal.timeout(PAUSE) })).ok;
    } catch {
      return false;
    }
  }

  async function comeBack() {
    if (await isBack()) location.reload();
  }

  async function keepTrying() {
    await comeBack();
    setTimeout(keepTrying, PAUSE);
  }

  window.addEventListener("online", comeBack);
  if (document.querySelector("[data-comes-back]")) setTimeout(keepTrying, PAUSE);
  document.querySelectorAll("time[data-as-of]").forEach(showTime);
  if (window.caches) document.querySelectorAll("a[data-kept]").forEach((link) => showKept(link).catch(() => {}));
})();
