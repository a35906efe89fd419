// Passkeys: shows what needs them if the browser knows them, and says so when the device gives none.
(function () {
  "use strict";

  function setHidden(selector, hidden) {
    document.querySelectorAll(selector).forEach((element) => (element.hidden = hidden));
  }

  const supported = Boolean(window.PublicKeyCredential);
  setHidden("[data-passkey]", !supported);
  setHidden("[data-passkey-missing]", supported);

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    setHidden("[data-passkey-trouble]", false);
  });
})();
