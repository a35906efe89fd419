// Cases by keyboard: X picks the row in focus, Ctrl and Enter send what is being written. Without this script the row has
// a box to tick, and the answer a button.
(function () {
  "use strict";

  document.addEventListener("desk:key", (event) => {
    const row = event.detail === "x" && document.activeElement.closest(".d-inbox");
    const box = row && row.querySelector("input[type=checkbox]");
    if (!box) return;
    event.preventDefault();
    box.checked = !box.checked;
  });

  document.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat;
    const form = sends && event.target.closest(".d-reply");
    if (!form || form.querySelector("button[aria-busy]")) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector(".d-btn--primary"));
  });
})();
