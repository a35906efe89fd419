// Push messages on this device: asks the browser for permission and an address, and sends both with the form (R56).
(function () {
  "use strict";

  const section = document.querySelector("[data-push]");
  if (!section || !navigator.serviceWorker || !window.PushManager || !window.Notification) return;
  const form = section.querySelector("form");

  function bytes(text) {
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  }

  // A subscription with another key than ours is of no use any more.
  async function subscribe(manager) {
    const options = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) };
    try {
      return await manager.subscribe(options);
    } catch (error) {
      const old = error.name === "InvalidStateError" && (await manager.getSubscription());
      if (!old) throw error;
      await old.unsubscribe();
      return manager.subscribe(options);
    }
  }

  async function save() {
    const { pushManager } = await navigator.serviceWorker.ready;
    if (form.querySelector("[name=kinds]:checked")) {
      const { endpoint, keys } = (await subscribe(pushManager)).toJSON();
      Object.entries({ endpoint, ...keys }).forEach(([name, value]) => {
        if (form.elements[name]) form.elements[name].value = value;
      });
    } else {
      await (await pushManager.getSubscription())?.unsubscribe();
    }
    form.requestSubmit();
  }

  section.hidden = false;
  document.querySelector("[data-push-missing]").hidden = true;
  section.querySelector("[data-push-save]").addEventListener("click", () => {
    save().catch(() => (section.querySelector("[data-push-trouble]").hidden = false));
  });
})();
