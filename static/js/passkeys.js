// Passkeys: shows what needs them where the browser has them, and says when the device gave none.
(() => {
  const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
  const there = Boolean(window.PublicKeyCredential);
  each('[data-passkey]', (element) => { element.hidden = !there; });
  each('[data-passkey-missing]', (element) => { element.hidden = there; });
  document.addEventListener('allauth.error', (event) => {
    event.preventDefault();
    each('[data-passkey-trouble]', (element) => { element.hidden = false; });
  });
})();
