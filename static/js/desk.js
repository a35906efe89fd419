// The desk by keyboard: A approves, R and a number refuses, M asks for more, N takes the next, S leaves it lying.
// Without it every one of them is a button.
(() => {
  const reasons = document.querySelector('[data-reasons]'), ask = document.querySelector('[data-ask]');
  let sent = false, refusing = false;

  const press = button => {
    if (!button || sent) return;
    sent = true;
    button.click();
  };
  const choose = number => {
    const radio = reasons.querySelector(`[data-number="${number}"]`);
    if (!radio) return;
    radio.checked = true;
    press(reasons.querySelector('button[value=refuse]'));
  };

  addEventListener('pageshow', () => { sent = refusing = false; });
  document.addEventListener('keydown', event => {
    const writing = event.target.closest('textarea, select, input:not([type=radio]):not([type=checkbox])');
    if (writing) {
      if (event.key === 'Escape') writing.blur();
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && ask && ask.contains(writing)) {
        event.preventDefault();
        press(ask.querySelector('button[value=ask]'));
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (refusing && /^[1-9]$/.test(key)) {
      event.preventDefault();
      choose(key);
      return;
    }
    refusing = key === 'r' && Boolean(reasons);
    if (reasons) reasons.toggleAttribute('data-refusing', refusing);
    if (refusing) {
      event.preventDefault();
      reasons.querySelector('input[type=radio]').focus();
    } else if (key === 'm' && ask) {
      event.preventDefault();
      ask.querySelector('textarea').focus();
    } else if (/^[a-z]$/.test(key)) {
      const button = document.querySelector(`button[data-key="${key}"]`);
      if (button) {
        event.preventDefault();
        press(button);
      }
    }
  });
})();
