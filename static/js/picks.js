// Says how many drafts are picked and what they are worth. Without this script the bar says only what it does.
(function () {
  "use strict";

  // On the document, because filtering brings other cards.
  document.addEventListener("change", (event) => {
    const form = event.target.closest(".picks");
    if (form) say(form);
  });
  // Back restores the ticks after the script has run.
  window.addEventListener("pageshow", () => document.querySelectorAll(".picks").forEach(say));

  function say(form) {
    const text = form.querySelector("[data-picked]");
    const picked = Array.from(form.querySelectorAll("[name=pick]:checked"));
    const points = picked.reduce((sum, box) => sum + Number(box.dataset.points), 0);
    const number = new Intl.NumberFormat(document.documentElement.lang);
    text.textContent = text.dataset.words.replace("%n", number.format(picked.length)).replace("%p", number.format(points));
  }
})();
