// Sends each chosen or dropped file at once, with progress. Without this script the files come with the form.
(function () {
  "use strict";

  function cookie(name) {
    const found = document.cookie.split("; ").find((each) => each.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  function token(box) {
    const field = box.closest("form").querySelector("[name=csrfmiddlewaretoken]");
    return field ? field.value : cookie("csrftoken");
  }

  function send(box, file) {
    const list = box.querySelector("[data-upload-files]");
    const line = document.createElement("li");
    line.className = "upload__file";
    const name = document.createElement("bdi");
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.max = 100;
    bar.setAttribute("aria-label", box.dataset.sending + " " + file.name);
    line.append(name, bar);
    list.append(line);

    const data = new FormData();
    data.append("file", file);
    data.append("purpose", box.dataset.purpose);
    data.append("name", box.dataset.name);
    const request = new XMLHttpRequest();
    request.open("POST", box.dataset.upload);
    request.setRequestHeader("X-CSRFToken", token(box));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
    });
    request.addEventListener("load", () => {
      const type = request.getResponseHeader("Content-Type") || "";
      const fragment = document.createElement("template");
      fragment.innerHTML =
        type.includes("text/html") && request.responseText.includes("upload__file") ? request.responseText : "";
      const answer = fragment.content.firstElementChild;
      if (answer) line.replaceWith(answer);
      else fail();
      say(box, answer ? answer.textContent.trim() : box.dataset.failed);
    });
    request.addEventListener("error", fail);
    request.addEventListener("timeout", fail);
    request.timeout = 120000;
    request.send(data);

    function fail() {
      bar.remove();
      line.append(" ", box.dataset.failed);
      line.classList.add("upload__file--bad");
      say(box, box.dataset.failed);
    }
  }

  function say(box, text) {
    box.querySelector("[data-upload-say]").textContent = text;
  }

  function start(box) {
    if (box.dataset.started) return;
    box.dataset.started = "yes";
    const input = box.querySelector("input[type=file]");
    box.querySelectorAll("[data-upload-remove]").forEach((button) => (button.hidden = false));
    input.addEventListener("change", () => {
      Array.from(input.files).forEach((file) => send(box, file));
      input.value = "";
    });
    box.addEventListener("click", (event) => {
      const button = event.target.closest("[data-upload-remove]");
      if (button) button.closest("li").remove();
    });
    ["dragover", "dragleave", "drop"].forEach((kind) =>
      box.addEventListener(kind, (event) => {
        event.preventDefault();
        box.classList.toggle("is-over", kind === "dragover");
        if (kind === "drop") Array.from(event.dataTransfer.files).forEach((file) => send(box, file));
      })
    );
  }

  function startAll() {
    document.querySelectorAll("[data-upload]").forEach(start);
  }

  document.addEventListener("DOMContentLoaded", startAll);
  document.addEventListener("htmx:load", startAll);
})();
