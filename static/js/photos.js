// Sends of each chosen or dropped photo only the pieces that hold its metadata, and shows what took it (R16, R25).
// Without this script the photos come whole with the form.
(function () {
  "use strict";

  const PIECE = 256 * 1024; // bytes: the metadata of a photo stand at its beginning, or where the server says
  const AT_ONCE = 20; // photos of one request
  const MAX_PHOTOS = 400;

  const form = document.querySelector("[data-photos]");
  if (!form) return;
  const input = form.querySelector("input[type=file]");
  const box = form.querySelector("[data-originals]");
  const progress = form.querySelector("[data-photos-progress]");
  const status = form.querySelector("[data-photos-status]");
  const why = form.querySelector("[data-photos-why]");
  const found = form.querySelector("[data-photos-found]");
  let waiting = Promise.resolve(); // the photos chosen before

  form.querySelector("[data-photos-send]").hidden = true;
  box.dataset.started = "";

  function words(text, values) {
    return text.replace(/\{(\w+)\}/g, (_whole, name) => values[name]);
  }

  function say(problem) {
    why.textContent = problem;
    why.hidden = !problem;
  }

  async function ask(photos, offsets) {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    for (const seen of form.querySelectorAll("[name=seen]")) data.append("seen", seen.value);
    photos.forEach((photo, place) => {
      const head = photo.slice(0, PIECE);
      const pieces = [[0, head]];
      if (offsets) {
        const offset = Math.max(offsets[place], head.size);
        pieces.push([offset, photo.slice(offset, offset + PIECE)]);
      }
      data.append("photos", new File(pieces.map(([, part]) => part), photo.name));
      data.append("photos_layout", pieces.map(([start, part]) => `${start}:${part.size}`).join() + `/${photo.size}`);
    });
    const response = await fetch(form.dataset.photos, { method: "POST", body: data, headers: { Accept: "application/json" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.why || "");
    found.innerHTML = answer.html; // our own template, escaped by Django
    return answer;
  }

  async function readAll(files) {
    const photos = [...files].filter((file) => file.size).slice(0, MAX_PHOTOS);
    let known = 0;
    say("");
    progress.hidden = false;
    progress.max = photos.length;
    try {
      for (let start = 0; start < photos.length; start += AT_ONCE) {
        progress.value = start;
        status.textContent = words(form.dataset.reading, { n: start + 1, all: photos.length });
        const batch = photos.slice(start, start + AT_ONCE);
        const answer = await ask(batch);
        known += answer.found;
        const places = Object.keys(answer.missing).map(Number);
        if (places.length) {
          const more = await ask(places.map((place) => batch[place]), places.map((place) => answer.missing[place]));
          known += more.found;
        }
      }
      status.textContent = words(form.dataset.read, { found: known, all: photos.length });
    } catch (error) {
      status.textContent = "";
      say((error instanceof TypeError || error instanceof SyntaxError ? "" : error.message) || form.dataset.failed);
    }
    progress.hidden = true;
  }

  function add(files) {
    if (files.length) waiting = waiting.then(() => readAll(files));
  }

  function take() {
    add([...input.files]);
    input.value = ""; // what is chosen again is read again, and nothing is sent whole with the form
  }

  input.addEventListener("change", take);
  take(); // what was chosen before this script had come
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("is-over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("is-over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("is-over");
    add([...event.dataTransfer.files]);
  });
})();
