// The desk by keyboard: A approves, R and a number refuses, M asks for more, N takes the next, S skips this one.
// Without this script each of them is a button.
(function () {
  "use strict";

  const TEXT_FIELDS = "textarea, select, input:not([type=radio]):not([type=checkbox])";
  const reasons = document.querySelector("[data-reasons]");
  const question = document.querySelector("[data-ask]");
  let refusing = false; // R was pressed: the next key is the number of a reason

  // A key pressed twice must not decide twice: a form that is being sent marks its button as busy.
  function press(button) {
    if (button && !document.querySelector("button[aria-busy]")) button.click();
  }

  function setRefusing(value) {
    refusing = value;
    if (reasons) reasons.toggleAttribute("data-refusing", value);
  }

  function refuse(number) {
    const reason = reasons.querySelector(`[data-number="${number}"]`);
    if (!reason) return;
    reason.checked = true;
    press(reasons.querySelector("button[value=refuse]"));
  }

  // Escape leaves the field, Ctrl+Enter sends the question.
  function pressInField(event, field) {
    if (event.key === "Escape") field.blur();
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (sends && question && question.contains(field)) {
      event.preventDefault();
      press(question.querySelector("button[value=ask]"));
    }
  }

  function pressOnPage(event) {
    const key = event.key.toLowerCase();
    if (refusing && /^[1-9]$/.test(key)) {
      event.preventDefault();
      refuse(key);
      return;
    }
    setRefusing(key === "r" && Boolean(reasons));
    const button = /^[a-z]$/.test(key) && document.querySelector(`button[data-key="${key}"]`);
    if (refusing) reasons.querySelector("input[type=radio]").focus();
    else if (key === "m" && question) question.querySelector("textarea").focus();
    else if (button) press(button);
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest(TEXT_FIELDS);
    if (field) pressInField(event, field);
    else if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) pressOnPage(event);
  });

  // The browser's Back shows the page as it was left.
  window.addEventListener("pageshow", () => {
    refusing = false;
  });
})();
