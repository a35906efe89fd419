// The contact sheet by keyboard: X chooses the frame in hand, and the button says how many are chosen. Without this script
// each frame has a box to tick, and the button approves what is ticked.
(function () {
  "use strict";

  const sheet = document.querySelector("[data-sheet]");
  const count = document.querySelector("[data-chosen]");

  function say() {
    const chosen = sheet.querySelectorAll("[name=chosen]:checked").length;
    if (!count) return;
    count.textContent = chosen;
    count.hidden = !chosen;
  }

  document.addEventListener("desk:key", (event) => {
    const frame = event.detail === "x" && document.activeElement.closest(".d-frame");
    const box = frame && frame.querySelector("[name=chosen]");
    if (!box) return;
    event.preventDefault();
    box.click();
  });

  sheet.addEventListener("change", say);
  sheet.addEventListener("submit", (event) => {
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true"); // no second press while the page is left
  });
  addEventListener("pageshow", say); // the browser's Back keeps what was ticked
})();
