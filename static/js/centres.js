// "Use my location": asked for only when the button is pressed, rounded to about a kilometre, never stored.
(function () {
  "use strict";

  const OPTIONS = { timeout: 10000, maximumAge: 600000 }; // ms

  function start(form) {
    const button = form.querySelector("[data-locate]");
    if (!button || !navigator.geolocation) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      button.disabled = true;
      navigator.geolocation.getCurrentPosition(
        (position) => search(form, position.coords),
        () => fail(button),
        OPTIONS
      );
    });
  }

  function search(form, coords) {
    fill(form.elements.lat, coords.latitude);
    fill(form.elements.lon, coords.longitude);
    form.elements.near.value = "";
    form.submit();
  }

  // The field is disabled until then, so that an empty position is not sent.
  function fill(field, degrees) {
    field.disabled = false;
    field.value = degrees.toFixed(2);
  }

  function fail(button) {
    button.disabled = false;
    document.querySelector("[data-locate-failed]").hidden = false;
  }

  const form = document.querySelector("[data-locator]");
  if (form) start(form);
})();
