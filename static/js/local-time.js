// A time of another time zone, said in the reader's own too, if their clock shows another one.
(function () {
  "use strict";

  const FIELDS = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

  function show(root) {
    root.querySelectorAll("[data-local-time]").forEach((line) => {
      const moment = new Date(line.dataset.localTime);
      const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang; // day first
      const here = moment.toLocaleString(language, FIELDS);
      const there = moment.toLocaleString(language, { ...FIELDS, timeZone: line.dataset.zone });
      if (here === there) return;
      line.querySelector("[data-here]").textContent = here;
      line.hidden = false;
    });
  }

  show(document);
  document.addEventListener("htmx:afterSettle", () => show(document));
  document.addEventListener("htmx:oobAfterSwap", () => show(document));
})();
