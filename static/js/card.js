// The card's page: the screen stays on, and it can be installed. Without this script it is an ordinary page.
(function () {
  "use strict";

  // The browser takes the lock away whenever the page is hidden, so it is asked for again when it is shown.
  function keepScreenOn() {
    const visible = document.visibilityState === "visible";
    if (visible && navigator.wakeLock) navigator.wakeLock.request("screen").catch(() => {});
  }

  // The browser's own question about installing waits for a press of our button.
  function offerInstall(event) {
    const button = document.querySelector("[data-install]");
    if (!button) return;
    event.preventDefault();
    button.hidden = false;
    button.addEventListener("click", () => install(button, event), { once: true });
  }

  function install(button, event) {
    event.prompt();
    button.hidden = true;
  }

  if (!document.querySelector("[data-card]")) return;
  keepScreenOn();
  document.addEventListener("visibilitychange", keepScreenOn);
  window.addEventListener("beforeinstallprompt", offerInstall);
})();
