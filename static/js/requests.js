// Requests of htmx that fail are said where they were made, with "Try again". Polling goes on, less often (R71).
(function () {
  "use strict";

  const FIRST_PAUSE = 2000; // ms, doubled with every failure
  const MAX_PAUSE = 120000; // ms
  const notes = window.portalNotes;
  const failures = new WeakMap(); // by polling element: how often in a row, and when it may ask again

  function isPolling(element) {
    return (element.getAttribute("hx-trigger") || "").includes("every ");
  }

  function retry(config) {
    const { elt, triggeringEvent } = config;
    const button = elt.matches("button") ? elt : triggeringEvent && triggeringEvent.submitter;
    failures.delete(elt);
    if (button) button.click(); // htmx sends the value of a button only after a click
    else htmx.ajax(config.verb.toUpperCase(), config.path, { source: elt, target: config.target }).catch(() => {});
  }

  function fail(detail, code) {
    const config = detail.requestConfig;
    const polling = isPolling(config.elt);
    if (polling) postpone(config.elt);
    const owner = polling ? document.body : config.elt;
    notes.show(owner, { code: polling ? "stale" : code, again: () => retry(config), onPage: polling });
  }

  function postpone(element) {
    const count = failures.has(element) ? failures.get(element).count + 1 : 1;
    const pause = Math.min(FIRST_PAUSE * 2 ** count, MAX_PAUSE);
    failures.set(element, { count, until: Date.now() + pause });
  }

  // A page in place of the part that was asked for comes from something in between, such as a hotel's network.
  function isForeign(element, text) {
    const selecting = element.closest("[hx-select]");
    if (!selecting) return /^\s*<(!doctype|html)/i.test(text);
    return !new DOMParser().parseFromString(text, "text/html").querySelector(selecting.getAttribute("hx-select"));
  }

  const body = document.body;
  body.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, triggeringEvent } = event.detail.requestConfig;
    const failed = failures.get(elt);
    const resting = isPolling(elt) && document.hidden; // nobody is looking; it asks again when somebody does
    if (resting || (failed && !triggeringEvent && Date.now() < failed.until)) event.preventDefault();
    else setBusy(event.detail, true);
  });

  // A look-up while a form is filled in must not leave it for the page to sign in: what was typed would be lost. The
  // form's own button is answered with that page, and what was typed is kept.
  body.addEventListener("htmx:beforeOnLoad", (event) => {
    const { requestConfig, xhr } = event.detail;
    const form = requestConfig.verb === "get" && requestConfig.elt.closest("form");
    if (form && form.elements.form_token && xhr.getResponseHeader("HX-Redirect")) event.preventDefault();
  });

  body.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, serverResponse } = event.detail;
    if (event.detail.xhr.status === 304) event.detail.shouldSwap = false; // the page shows it already
    if (!event.detail.shouldSwap || !isForeign(requestConfig.elt, serverResponse)) return;
    event.detail.shouldSwap = false;
    event.detail.isError = true;
  });

  body.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, successful } = event.detail;
    setBusy(event.detail, false);
    if (!successful) return;
    failures.delete(requestConfig.elt);
    notes.clear(isPolling(requestConfig.elt) ? body : requestConfig.elt);
  });

  function setBusy(detail, busy) {
    const { elt, triggeringEvent, verb } = detail.requestConfig;
    const form = elt.closest("form");
    if (form && verb !== "get") notes.setBusy(form, elt.matches("button") ? elt : triggeringEvent && triggeringEvent.submitter, busy);
  }

  body.addEventListener("htmx:sendError", (event) => fail(event.detail, notes.codeOf(0)));
  body.addEventListener("htmx:timeout", (event) => fail(event.detail, "slow"));
  body.addEventListener("htmx:responseError", (event) => fail(event.detail, notes.codeOf(event.detail.xhr.status)));
})();
