// Sends each chosen or dropped file at once, with progress; the form waits until all are there (R25, R71).
// Without this script the files come with the form.
(function () {
  "use strict";

  const TIMEOUT = 300000; // ms for one file
  const AT_ONCE = 2; // files: the server opens one of each person at a time
  const BUSY = 503; // the server has too many files for the moment
  const PAUSE = 3000; // ms before a file is sent again by itself
  const MAX_PAUSES = 4;
  const HTTP_REFUSED = [400, 422]; // the file is not usable: sending it again changes nothing
  const notes = window.portalNotes;
  const files = new WeakMap(); // the file of each line
  const requests = new WeakMap(); // the upload of each line
  const queued = []; // the lines whose turn has not come
  const pauses = new WeakMap(); // how often each line was sent again by itself
  let active = 0; // uploads under way
  const waiting = new Map(); // the forms that wait for their files: the button, and how to go on
  const warned = new Map(); // the forms that could not go on: the button that has the note

  function cookie(name) {
    const pair = document.cookie.split("; ").find((each) => each.startsWith(name + "="));
    return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
  }

  // The cookie first: it changes when somebody signs in again in another tab, and the field of this page does not.
  function token(box) {
    const field = box.closest("form").querySelector("[name=csrfmiddlewaretoken]");
    return cookie("__Host-csrftoken") || cookie("csrftoken") || (field ? field.value : "");
  }

  function add(box, file) {
    const line = box.querySelector("[data-upload-line]").content.firstElementChild.cloneNode(true);
    line.querySelector("[data-upload-name]").textContent = file.name;
    line.querySelector("progress").setAttribute("aria-label", `${box.dataset.sending} ${file.name}`);
    box.querySelector("[data-upload-files]").append(line);
    files.set(line, file);
    send(box, line);
  }

  function send(box, line) {
    setState(line, "sending");
    line.querySelector("progress").value = 0;
    queued.push([box, line]);
    sendNext();
  }

  function sendNext() {
    while (active < AT_ONCE && queued.length) {
      const [box, line] = queued.shift();
      if (line.isConnected) transmit(box, line);
    }
  }

  function transmit(box, line) {
    const file = files.get(line);
    const data = new FormData();
    data.append("file", file);
    data.append("purpose", box.dataset.purpose);
    data.append("name", box.dataset.name);
    const bar = line.querySelector("progress");
    const request = new XMLHttpRequest();
    requests.set(line, request);
    active += 1;
    request.addEventListener("loadend", () => {
      active -= 1;
      sendNext();
    });
    request.open("POST", box.dataset.upload);
    request.setRequestHeader("X-CSRFToken", token(box));
    request.timeout = TIMEOUT;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
      goOn(box.closest("form"));
    });
    request.addEventListener("load", () => finish(box, line, request));
    request.addEventListener("error", () => fail(box, line, notes.codeOf(0)));
    request.addEventListener("timeout", () => fail(box, line, "slow"));
    request.send(data);
  }

  function setState(line, state) {
    line.dataset.state = state;
    line.querySelector("progress").hidden = state !== "sending";
    line.querySelector("[data-upload-again]").hidden = state !== "failed";
    line.querySelector("[data-upload-why]").hidden = state === "sending";
  }

  // The answer is the line to show; a sign-in page, or nothing of ours, if something went wrong on the way.
  function finish(box, line, request) {
    const answer = document.createElement("template");
    answer.innerHTML = request.responseText.includes("upload__file") ? request.responseText : "";
    const shown = answer.content.firstElementChild;
    if (shown && request.status === 200) {
      line.replaceWith(shown);
      say(box, files.get(line).name);
      goOn(box.closest("form"));
    } else if (shown && request.status === BUSY && (pauses.get(line) || 0) < MAX_PAUSES) {
      pauses.set(line, (pauses.get(line) || 0) + 1);
      setTimeout(() => line.isConnected && send(box, line), PAUSE);
    } else if (shown) {
      const state = HTTP_REFUSED.includes(request.status) ? "refused" : "failed";
      stop(box, line, state, shown.textContent.trim());
    } else if (new URL(request.responseURL).pathname !== box.dataset.upload) {
      stop(box, line, "failed", box.dataset.signedOut);
    } else {
      fail(box, line, notes.codeOf(request.status));
    }
  }

  function fail(box, line, code) {
    stop(box, line, "failed", document.getElementById("notes").dataset[code]);
  }

  function stop(box, line, state, why) {
    line.querySelector("[data-upload-why]").textContent = why;
    setState(line, state);
    say(box, `${files.get(line).name}: ${why}`);
    goOn(box.closest("form"));
  }

  function say(box, text) {
    box.querySelector("[data-upload-say]").textContent = text;
  }

  function lines(part, state) {
    return Array.from(part.querySelectorAll(`.upload__file[data-state="${state}"]`));
  }

  function percent(sending) {
    return sending.reduce((sum, line) => sum + line.querySelector("progress").value, 0) / sending.length;
  }

  // Whether a form has to wait, or cannot go on. Then `proceed` is called as soon as it can.
  function holds(form, button, proceed) {
    if (!["sending", "failed", "refused"].some((state) => lines(form, state).length)) return false;
    waiting.set(form, { button, proceed });
    notes.setBusy(form, button, true);
    goOn(form);
    return true;
  }

  // After anything changed: shows the progress, says what failed, or lets a waiting form go on.
  function goOn(form) {
    if (!waiting.has(form)) return forgive(form);
    const { button, proceed } = waiting.get(form);
    const owner = notes.visibleButton(form, button) || form;
    const sending = lines(form, "sending");
    if (sending.length) {
      notes.show(owner, { code: "waiting", percent: percent(sending) });
      return;
    }
    waiting.delete(form);
    notes.setBusy(form, button, false);
    notes.clear(owner);
    const failed = lines(form, "failed");
    if (!failed.length && !lines(form, "refused").length) return proceed();
    warned.set(form, owner);
    if (failed.length) notes.show(owner, { code: "unsent", again: () => sendAgain(form, failed, button, proceed) });
    else notes.show(owner, { code: "refused" });
  }

  // The note at the button goes when no line is in the way any more.
  function forgive(form) {
    if (!warned.has(form) || lines(form, "failed").length || lines(form, "refused").length) return;
    notes.clear(warned.get(form));
    warned.delete(form);
  }

  function sendAgain(form, failed, button, proceed) {
    failed.filter((line) => line.isConnected).forEach((line) => send(line.closest("[data-upload]"), line));
    if (!holds(form, button, proceed)) proceed();
  }

  function remove(line) {
    const request = requests.get(line);
    const form = line.closest("form");
    line.remove();
    if (request) request.abort();
    goOn(form);
  }

  function choose(box, chosen) {
    lines(box, "refused").forEach((line) => line.remove());
    Array.from(chosen).forEach((file) => add(box, file));
    goOn(box.closest("form"));
  }

  function start(box) {
    if (box.dataset.started) return;
    box.dataset.started = "yes";
    const input = box.querySelector("input[type=file]");
    box.querySelectorAll("[data-upload-remove]").forEach((button) => (button.hidden = false));
    const take = () => {
      choose(box, input.files);
      input.value = "";
    };
    input.addEventListener("change", take);
    if (input.files.length) take(); // chosen before this script had come
    box.addEventListener("click", (event) => {
      const line = event.target.closest(".upload__file");
      if (event.target.closest("[data-upload-remove]")) remove(line);
      if (event.target.closest("[data-upload-again]")) send(box, line);
    });
    ["dragover", "dragleave", "drop"].forEach((kind) =>
      box.addEventListener(kind, (event) => {
        event.preventDefault();
        box.classList.toggle("is-over", kind === "dragover");
        if (kind === "drop") choose(box, event.dataTransfer.files);
      })
    );
  }

  // Before everything else that listens: a form that waits is not sent by anybody.
  document.addEventListener(
    "submit",
    (event) => {
      const { target: form, submitter } = event;
      if (!holds(form, submitter, () => form.requestSubmit(submitter))) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true
  );

  document.addEventListener("htmx:confirm", (event) => {
    const form = event.detail.elt.closest("form");
    if (event.detail.verb === "get" || !form || event.detail.elt === form) return;
    if (holds(form, event.detail.elt, () => event.detail.issueRequest())) event.preventDefault();
  });

  function startAll() {
    document.querySelectorAll("[data-upload]").forEach(start);
  }

  document.addEventListener("DOMContentLoaded", startAll);
  document.addEventListener("htmx:load", startAll);
})();
