// Search as you type as a combobox: htmx brings the options, this moves among them by keyboard.
// Without it the form submits and every option is a button of its own.
(() => {
  const box = document.querySelector('[data-search]');
  if (!box) return;
  const input = box.querySelector('input[name=q]'), found = document.getElementById('found-box');
  const options = () => [...found.querySelectorAll('[role=option]')];
  let at = -1;

  input.setAttribute('role', 'combobox');
  input.setAttribute('aria-autocomplete', 'list');

  const choose = place => {
    const all = options();
    at = all.length ? place : -1;
    all.forEach((option, i) => option.setAttribute('aria-selected', String(i === at)));
    if (all[at]) {
      all[at].scrollIntoView({ block: 'nearest' });
      input.setAttribute('aria-activedescendant', all[at].id);
    } else input.removeAttribute('aria-activedescendant');
  };
  const refresh = place => {
    const all = options();
    all.forEach(option => option.setAttribute('tabindex', '-1'));
    input.setAttribute('aria-expanded', String(all.length > 0));
    if (all.length) input.setAttribute('aria-controls', 'found'); else input.removeAttribute('aria-controls');
    choose(Math.min(place, all.length - 1));
  };
  refresh(-1);

  input.addEventListener('keydown', event => {
    const count = options().length;
    if (event.key === 'ArrowDown' && count) { event.preventDefault(); choose((at + 1) % count); }
    else if (event.key === 'ArrowUp' && count) { event.preventDefault(); choose((at <= 0 ? count : at) - 1); }
    else if (event.key === 'Enter' && count) { event.preventDefault(); if (at < 0) choose(0); else options()[at].click(); }
    else if (event.key === 'Escape') {
      event.preventDefault();
      if (count) found.replaceChildren(); else input.value = '';
      refresh(-1);
    }
  });
  document.body.addEventListener('htmx:afterSettle', event => {
    const part = event.detail.target;
    if (part === found) refresh(-1);
    else if (part && part.id === 'tray') {
      refresh(at);
      if (document.activeElement === document.body) document.getElementById('tray-title').focus();
    }
  });
})();
