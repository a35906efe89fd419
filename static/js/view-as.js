// The time that is left to look at the portal as a member, and Escape for the way back. The page ends without it, too.
(function () {
  "use strict";

  const timer = document.querySelector("[data-left]");
  const back = document.querySelector("[data-key=escape]");
  if (!timer || !back) return;
  const until = performance.now() + Number(timer.dataset.left) * 1000;

  function show() {
    const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    const minutes = Math.floor(seconds / 60);
    timer.textContent = timer.dataset.words.replace("0:00", `${minutes}:${String(seconds % 60).padStart(2, "0")}`);
    if (!seconds) location.reload();
    else setTimeout(show, 1000);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) back.click();
  });
  show();
})();
