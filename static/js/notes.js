// Short messages beside a button or a field: a request failed, a form waits. The texts are in components/notes.html.
(function () {
  "use strict";

  const source = document.getElementById("notes");
  const shown = new WeakMap(); // the note of each element

  function show(owner, options) {
    const note = shown.get(owner) || source.content.firstElementChild.cloneNode(true);
    const fails = options.percent === undefined;
    note.setAttribute("role", fails ? "alert" : "status");
    note.dataset.tone = fails ? "error" : "";
    note.querySelectorAll("svg").forEach((icon) => icon.toggleAttribute("hidden", !fails));
    note.querySelector("[data-note-actions]").hidden = !options.again;
    note.querySelector("[data-note-again]").onclick = () => {
      clear(owner);
      options.again();
    };
    const progress = note.querySelector("[data-note-progress]");
    progress.hidden = fails;
    progress.value = options.percent || 0;
    if (!note.isConnected) place(note, owner, Boolean(options.onPage));
    // An alert is read out when its text changes, so it is set after the note is in the page.
    const text = note.querySelector("[data-note-text]");
    const words = source.dataset[options.code] || source.dataset.failed;
    if (text.textContent !== words) text.textContent = words;
    progress.setAttribute("aria-label", words);
    shown.set(owner, note);
  }

  function clear(owner) {
    const note = shown.get(owner);
    if (note) note.remove();
    shown.delete(owner);
  }

  // Above the row of buttons of a form, below a field, or at the top of the page.
  function place(note, owner, onPage) {
    const main = document.querySelector("main");
    const row = owner.closest(".form-foot, .actions, .submit-row") || owner.querySelector(".form-foot, .submit-row");
    const list = owner.closest("ul, ol");
    if (onPage && main) (main.querySelector(".wrap") || main).prepend(note);
    else if (row) row.before(note);
    else if (owner.matches("input, select, textarea")) (owner.closest(".input-row") || owner).after(note);
    else if (list && !owner.matches(".panel")) list.before(note);
    else if (owner.matches("form")) owner.before(note);
    else (owner.closest("p") || owner).after(note);
    note.scrollIntoView({ block: "nearest" });
  }

  // Why a request failed: the status of its answer, 0 without one.
  function codeOf(status) {
    if (status === 429) return "often";
    if (status === 413) return "large";
    if (status >= 400 && status < 500) return "outdated"; // an expired form, or something that is gone
    if (status >= 500 && ![502, 503, 504].includes(status)) return "failed";
    return navigator.onLine ? "unreachable" : "offline";
  }

  // Enter presses a hidden button that repeats the main one: what is shown is shown at the visible one.
  function visibleButton(form, button) {
    if (button && button.tabIndex >= 0) return button;
    return form.querySelector(".btn--primary, .button.default, input.default") || button;
  }

  function setBusy(form, button, busy) {
    const visible = visibleButton(form, button);
    if (!visible) return;
    if (busy) visible.setAttribute("aria-busy", "true");
    else visible.removeAttribute("aria-busy");
  }

  window.portalNotes = { show, clear, codeOf, visibleButton, setBusy };
})();
