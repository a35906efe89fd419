// The card's page: readable without a signal, bright and awake while it is shown. It works without this file.
(() => {
  const d = document, nav = navigator, page = d.querySelector('[data-card]');
  if (!page) return;

  nav.serviceWorker?.register(page.dataset.worker).then(
    () => nav.serviceWorker.ready).then(() => page.setAttribute('data-kept', ''), () => {});

  // The screen stays on while the card is looked at.
  const wake = () => { if (d.visibilityState === 'visible') nav.wakeLock?.request('screen').catch(() => {}); };
  d.addEventListener('visibilitychange', wake);
  wake();

  // The browser's own question, at the press of our button.
  const button = d.querySelector('[data-install]');
  addEventListener('beforeinstallprompt', e => { if (!button) return;
    e.preventDefault(); button.hidden = false;
    button.addEventListener('click', () => { e.prompt(); button.hidden = true; }, { once: true }); });
})();
