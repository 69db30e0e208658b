// Writing a story: the server makes the page anew with every change, this keeps the focus, lets
// blocks be dragged, and keeps what is not saved yet.
(() => {
  const form = document.getElementById("story");
  if (!form) return;
  const notice = document.querySelector("[data-kept]");
  const place = `story:${form.dataset.place}`;
  const token = () => form.querySelector("[name=csrfmiddlewaretoken]").value;

  // What was typed is kept in this browser until it is saved. Secrets and files are not.
  const read = (key) => {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  };
  const drop = (key) => {
    try {
      localStorage.removeItem(key);
    } catch {
      // A browser that keeps nothing has nothing to drop.
    }
  };
  const typed = () =>
    [...new FormData(form)].filter(
      ([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken" && !name.endsWith("-secret"),
    );
  let unsaved = false;
  let keeps = true;
  let leaving = false;
  const keep = (leaves = false) => {
    try {
      localStorage.setItem(place, JSON.stringify({ pairs: typed(), leaves }));
    } catch {
      keeps = false;
    }
  };
  const changed = () => {
    unsaved = true;
    if (notice) notice.hidden = true;
    keep();
  };

  const number = (pairs) => Number((pairs.find(([name]) => name === "number") || [])[1] || 0);
  const written = (pairs) =>
    JSON.stringify(pairs.filter(([name]) => !["preview_address", "q", "tried"].includes(name)));
  const fresh = place.replace(/[^:]+$/, "new");
  // A page that comes after saving: what was kept has got there.
  const made = read(fresh);
  if (made?.leaves && fresh !== place) drop(fresh);
  const kept = read(place);
  const saved = kept?.leaves && number(kept.pairs) !== number(typed());
  if (kept && (saved || written(kept.pairs) === written(typed()))) drop(place);
  else if (kept && !form.querySelector("[name=tried]")) notice.hidden = false;
  else if (kept) unsaved = true;

  notice.querySelector("[data-kept-drop]").addEventListener("click", () => {
    drop(place);
    notice.hidden = true;
  });
  notice.querySelector("[data-kept-back]").addEventListener("click", async () => {
    const body = new FormData();
    for (const [name, value] of kept.pairs) body.append(name, value);
    const answer = await fetch(form.dataset.draft, {
      method: "POST",
      headers: { "X-CSRFToken": token(), "HX-Request": "true" },
      body,
    });
    if (!answer.ok) return;
    htmx.swap(form, await answer.text(), { swapStyle: "morph" });
    changed();
  });

  form.addEventListener("input", (event) => {
    if (event.target.name !== "q") changed();
  });
  form.addEventListener("submit", () => {
    leaving = true;
    keep(true);
  });
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    if (unsaved && !keeps && !leaving) event.preventDefault();
  });

  // The focus stays with what one works on, though blocks move and go.
  const focus = (id) => {
    const found = document.getElementById(id);
    if (!found) return;
    const able = "textarea, select, button:not([disabled]), input:not([type=hidden])";
    const inside = found.matches(able) ? found : found.closest("[data-block]")?.querySelector(able);
    const body = found.matches("[data-block]") ? found.querySelector(".card-body") : null;
    (body?.querySelector(able) || inside)?.focus();
  };
  // htmx sends the button that has the focus along with what is typed, as if it had been pressed:
  // a block removed in the middle of typing would come back by itself.
  form.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt === form) event.detail.formData.delete("do");
  });

  form.addEventListener("htmx:afterSettle", (event) => {
    const wanted = event.detail.xhr?.getResponseHeader("X-Focus");
    if (wanted) focus(wanted);
    const asked = event.detail.requestConfig?.elt;
    if (asked?.name === "do" && !asked.value.startsWith("preview:")) changed();
    if (asked?.dataset?.empties) document.getElementById(asked.dataset.empties).value = "";
  });

  // Blocks are dragged by their handle; the order of the page is what is sent.
  let dragged = null;
  form.addEventListener("dragstart", (event) => {
    if (!event.target.closest?.("[data-grip]")) return;
    dragged = event.target.closest("[data-block]");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 16, 16);
    dragged.classList.add("story-dragged");
  });
  form.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest?.("[data-block]");
    if (!over) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    const below = event.clientY > box.top + box.height / 2;
    over.parentNode.insertBefore(dragged, below ? over.nextSibling : over);
  });
  form.addEventListener("drop", (event) => dragged && event.preventDefault());
  form.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("story-dragged");
    dragged.dispatchEvent(new Event("input", { bubbles: true }));
    dragged = null;
  });
})();
