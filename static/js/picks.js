// Says how many drafts are picked and what they are worth. Without this script the bar says only what it does.
(function () {
  "use strict";

  document.querySelectorAll(".picks").forEach((form) => {
    form.addEventListener("change", () => say(form));
    window.addEventListener("pageshow", () => say(form)); // Back restores the ticks after the script has run
  });

  function say(form) {
    const text = form.querySelector("[data-picked]");
    const picked = Array.from(form.querySelectorAll("[name=pick]:checked"));
    const points = picked.reduce((sum, box) => sum + Number(box.dataset.points), 0);
    const number = new Intl.NumberFormat(document.documentElement.lang);
    text.textContent = text.dataset.words.replace("%n", number.format(picked.length)).replace("%p", number.format(points));
  }
})();
