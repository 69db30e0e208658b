// The page of a draft, beyond what every page does: what is not saved yet is never lost, and the
// agent sees at any time whether it is saved.
(() => {
  const form = document.querySelector("form[data-compose]");
  if (!form) return;
  const told = () => document.getElementById("saved");
  let unsaved = 0; // changes since the last save began
  let saving = 0; // changes that the save under way holds
  let leaving = false;
  let missed = false; // an upload failed: its files are still in their field

  const own = (field) => !field.closest?.("[data-no-save]");
  for (const type of ["input", "change"]) {
    form.addEventListener(type, (event) => {
      if (own(event.target)) unsaved += 1;
    });
  }
  const say = (words, failed) => {
    const span = document.createElement("span");
    span.textContent = words;
    span.classList.toggle("saved-not", failed);
    told().replaceChildren(span);
  };
  const saves = (event) =>
    event.detail.requestConfig?.verb === "post" && form.contains(event.detail.elt) && own(event.detail.elt);

  document.addEventListener("htmx:beforeSend", (event) => {
    if (!saves(event)) return;
    saving = unsaved;
    say(told().dataset.saving, false);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!saves(event)) return;
    const isUpload = event.detail.requestConfig.elt.matches(".attachments"); // detail.elt: what is left of it
    const isTooLarge = event.detail.xhr.status === 413;
    if (isUpload) missed = !event.detail.successful && !isTooLarge;
    if (event.detail.successful) unsaved -= saving;
    else if (!leaving) say(isTooLarge ? told().dataset.large : told().dataset.failed, true);
    saving = 0;
    if (isUpload && isTooLarge) {
      // Nothing is missing from the draft: the field says why, and is free for other files.
      attachment().value = "";
      document.getElementById("attachments-problem").textContent = told().dataset.large;
    }
    // What was saved beside it is saved, but not everything that the agent sees.
    if (missed && event.detail.successful) say(told().dataset.failed, true);
    if (missed || (!event.detail.successful && !isTooLarge)) again();
  });
  const attachment = () => document.getElementById("attachment-file");

  // The server was away: try again until it is back.
  let waiting = 0;
  const again = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (missed && attachment()?.files.length) htmx.trigger(attachment(), "change");
      else if (unsaved > 0) htmx.trigger(document.getElementById("title"), "input");
    }, 4000);
  };

  // Closing the page in the middle of a word saves the word.
  const last = () => {
    if (leaving || unsaved <= 0) return;
    leaving = true;
    const data = new FormData(form);
    for (const name of ["ids_file", "attachment_file"]) data.delete(name); // files go up by themselves
    data.append("leaving", "yes");
    navigator.sendBeacon(form.dataset.leavingUrl, data);
  };
  window.addEventListener("pagehide", last);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  form.addEventListener("submit", () => (leaving = true));

  // Enter in a field is no order to send.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input:not([type=submit])")) {
      event.preventDefault();
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  // Files that are dropped are taken as if they had been chosen.
  const takes = (event) => event.target.closest?.("[data-takes-files]");
  form.addEventListener("dragover", (event) => {
    if (!takes(event) || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    takes(event).classList.add("is-dropping");
  });
  form.addEventListener("dragleave", (event) => takes(event)?.classList.remove("is-dropping"));
  form.addEventListener("drop", (event) => {
    if (!takes(event) || !event.dataTransfer.files.length) return;
    event.preventDefault();
    takes(event).classList.remove("is-dropping");
    const input = document.getElementById(takes(event).dataset.takesFiles);
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  form.addEventListener("click", (event) => {
    const all = event.target.closest("[data-ticks-all]");
    if (all) tickAll(all.closest(".platform"));
  });
  const tickAll = (platform) => {
    const boxes = [...platform.querySelectorAll("input[type=checkbox]")];
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
    boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
  };
})();
