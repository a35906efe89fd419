// Reads a photo of a label as soon as it is chosen. Without this script the button beside the field does.
(function () {
  "use strict";

  document.querySelectorAll("[data-scan]").forEach((row) => {
    const input = row.querySelector("input[type=file]");
    const button = row.querySelector("button");
    // The label stands for the field, and choosing stands for the button.
    row.dataset.scan = "ready";
    row.querySelector("label").classList.add("btn", "btn--s");
    input.classList.replace("input", "sr");
    button.hidden = true;
    input.addEventListener("change", () => {
      if (input.files.length) button.click();
    });
    if (input.files.length) button.click(); // chosen before this script had come
  });
})();
