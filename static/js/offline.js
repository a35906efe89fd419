// Members' pages without a connection: starts the service worker, and keeps dashboard and card on this device if the
// member chose it (R41). Without this script every page is an ordinary page.
(function () {
  "use strict";

  const KEPT = "kept"; // the cache that templates/offline/sw.js reads
  const CHOICE = "/offline/choice"; // in it: whose pages may be kept here. No address of the portal
  const { worker, owner, pages } = document.currentScript.dataset;
  const PAGES = pages.split(" ");

  async function whose() {
    const choice = await caches.match(CHOICE, { cacheName: KEPT });
    return choice ? choice.text() : "";
  }

  // The portal makes a copy of each page, without anything that works only with a connection.
  async function keep() {
    const answers = await Promise.all(
      PAGES.map((page) => fetch(`/offline${page}`, { cache: "no-store", redirect: "manual" }))
    );
    if (answers.some((answer) => answer.type === "opaqueredirect")) return caches.delete(KEPT); // signed out
    const cache = await caches.open(KEPT);
    for (const [index, answer] of answers.entries()) {
      if (answer.ok && answer.headers.get("X-Kept-For") === owner) await cache.put(PAGES[index], answer);
      else if (answer.status < 500) await cache.delete(PAGES[index], { ignoreVary: true });
    }
  }

  async function choose(isChosen) {
    await caches.delete(KEPT);
    if (!isChosen) return;
    await (await caches.open(KEPT)).put(CHOICE, new Response(owner));
    try {
      await keep();
      if (!(await caches.match(PAGES[0], { cacheName: KEPT, ignoreVary: true }))) throw new Error("nothing was kept");
    } catch (error) {
      await caches.delete(KEPT);
      throw error;
    }
  }

  function startSwitch(panel, isChosen) {
    const input = panel.querySelector("input");
    const said = panel.querySelector("[role=status]");
    input.checked = isChosen;
    panel.hidden = false;
    input.addEventListener("change", async () => {
      input.disabled = true;
      try {
        await choose(input.checked);
        said.textContent = input.checked ? said.dataset.kept : said.dataset.removed;
      } catch {
        input.checked = false;
        said.textContent = said.dataset.trouble;
      }
      input.disabled = false;
    });
  }

  // The worker before this one belonged to the card alone, and kept it without being asked.
  async function startWorker() {
    for (const each of await navigator.serviceWorker.getRegistrations()) {
      if (new URL(each.scope).pathname !== "/") await each.unregister();
    }
    await navigator.serviceWorker.register(worker);
    await navigator.serviceWorker.ready;
    document.documentElement.setAttribute("data-works-offline", "");
  }

  async function start() {
    const mine = await whose();
    if (mine && mine !== owner) await caches.delete(KEPT); // somebody else was signed in here
    const panel = document.querySelector("[data-keep]");
    if (panel) startSwitch(panel, mine === owner);
    if (mine === owner && PAGES.includes(location.pathname)) await keep();
  }

  if (!navigator.serviceWorker || !window.caches) return;
  window.addEventListener("load", () => {
    start().catch(() => {}); // no connection, or no room on the device
    startWorker().catch(() => {});
  });
})();
