// "Use my location": asked for only when the button is pressed, rounded to about a kilometre, never stored.
(() => {
  const form = document.querySelector('[data-locator]'), button = form?.querySelector('[data-locate]');
  if (!button || !navigator.geolocation) return;
  button.hidden = false;
  const failed = document.querySelector('[data-locate-failed]');
  button.addEventListener('click', () => {
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      for (const [name, value] of [['lat', coords.latitude], ['lon', coords.longitude]]) {
        const field = form.elements[name]; field.disabled = false; field.value = value.toFixed(2);
      }
      form.elements.near.value = '';
      form.submit();
    }, () => { button.disabled = false; failed.hidden = false; }, { timeout: 10000, maximumAge: 600000 });
  });
})();
