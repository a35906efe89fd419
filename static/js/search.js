// Product search as a combobox: htmx brings the options, this moves among them by keyboard.
// Without this script the form submits, and every option is a button of its own.
(function () {
  "use strict";

  function start(box) {
    const input = box.querySelector("input[name=q]");
    const results = document.getElementById("found-box");
    let active = -1; // the index of the chosen option, -1 for none

    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.addEventListener("keydown", pressKey);
    document.body.addEventListener("htmx:afterSettle", (event) => settle(event.detail.target));
    document.body.addEventListener("htmx:afterRequest", (event) => empty(event.detail));
    refresh(-1);

    function options() {
      return Array.from(results.querySelectorAll("[role=option]"));
    }

    function choose(index) {
      const all = options();
      active = all.length ? index : -1;
      all.forEach((option, i) => option.setAttribute("aria-selected", String(i === active)));
      if (all[active]) {
        all[active].scrollIntoView({ block: "nearest" });
        input.setAttribute("aria-activedescendant", all[active].id);
      } else {
        input.removeAttribute("aria-activedescendant");
      }
    }

    // After the options have changed. They leave the tab order: the arrow keys reach them.
    function refresh(index) {
      const all = options();
      all.forEach((option) => option.setAttribute("tabindex", "-1"));
      input.setAttribute("aria-expanded", String(all.length > 0));
      if (all.length) input.setAttribute("aria-controls", "found");
      else input.removeAttribute("aria-controls");
      choose(Math.min(index, all.length - 1));
    }

    function pressKey(event) {
      const count = options().length;
      if (event.key === "ArrowDown" && count) choose((active + 1) % count);
      else if (event.key === "ArrowUp" && count) choose((active <= 0 ? count : active) - 1);
      else if (event.key === "Enter" && count) pick();
      else if (event.key === "Escape") clear(count);
      else return;
      event.preventDefault();
    }

    // The first Enter chooses the best match, the second one takes it.
    function pick() {
      if (active < 0) choose(0);
      else options()[active].click();
    }

    // The first Escape closes the list, the second one empties the field.
    function clear(count) {
      if (count) results.replaceChildren();
      else input.value = "";
      refresh(-1);
    }

    // After a pick the box is empty, so that the next words don't join the old ones. The options stay.
    function empty(detail) {
      if (!detail.successful || !results.contains(detail.requestConfig.elt)) return;
      if (!document.querySelector("#tray [data-tone=error]")) input.value = "";
    }

    function settle(target) {
      if (target === results) {
        refresh(-1);
      } else if (target && target.id === "tray") {
        refresh(active);
        // The button that was pressed is gone, and the focus with it.
        if (document.activeElement === document.body) document.getElementById("tray-title").focus();
      }
    }
  }

  const box = document.querySelector("[data-search]");
  if (box) start(box);
})();
