// Forms that are posted: a second press does nothing, and the page is not left while the portal can't be reached (R71).
// Without this script they are ordinary forms.
(function () {
  "use strict";

  const CHECK_TIMEOUT = 8000; // ms
  const RELEASE_AFTER = 10000; // ms; then the button works again: the answer was a download, or is very late
  const notes = window.portalNotes;
  const health = document.currentScript.dataset.health;
  const busy = new Map(); // the forms that are being sent, with the button that was pressed
  const checked = new WeakSet(); // the forms that may leave the page now

  function isPost(form, submitter) {
    const method = (submitter && submitter.getAttribute("formmethod")) || form.getAttribute("method") || "get";
    return method.toLowerCase() === "post";
  }

  // The code of what is wrong, "" if the portal answers.
  async function findTrouble() {
    if (!navigator.onLine) return "offline";
    try {
      const answer = await fetch(health, { cache: "no-store", signal: AbortSignal.timeout(CHECK_TIMEOUT) });
      const state = await answer.json(); // the page of a proxy, or of a hotel's network, is not JSON
      return state.ok ? "" : "unreachable";
    } catch (error) {
      return error.name === "TimeoutError" ? "slow" : notes.codeOf(0);
    }
  }

  async function send(form, submitter) {
    const owner = notes.visibleButton(form, submitter) || form;
    notes.clear(owner);
    busy.set(form, submitter);
    notes.setBusy(form, submitter, true);
    const trouble = await findTrouble();
    if (!form.isConnected) return;
    if (trouble) {
      release(form);
      notes.show(owner, { code: trouble, again: () => form.requestSubmit(submitter) });
      return;
    }
    checked.add(form);
    form.requestSubmit(submitter);
    checked.delete(form); // a field turned out to be invalid: nothing was sent
    setTimeout(() => release(form), RELEASE_AFTER);
  }

  function release(form) {
    notes.setBusy(form, busy.get(form), false);
    busy.delete(form);
  }

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || !isPost(form, submitter) || checked.has(form)) return;
    event.preventDefault();
    if (!busy.has(form)) send(form, submitter);
  });

  // The browser's Back may show the page as it was left.
  window.addEventListener("pageshow", () => Array.from(busy.keys()).forEach(release));
})();
