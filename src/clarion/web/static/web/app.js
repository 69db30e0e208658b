// Small manners of the pages. Everything is found by data- attributes; nothing is inline.
(() => {
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const found = event.target.closest?.(selector);
      if (found) act(found, event);
    });

  // Menus made of <details> close when one clicks elsewhere or presses Escape.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-closes][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-closes][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // What a hovered or focused record shows goes away with Escape, until one moves on.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.body.classList.add("peek-hidden");
  });
  for (const type of ["focusin", "mouseover"]) {
    document.addEventListener(type, (event) => {
      const row = event.target.closest?.(".records tr");
      if (row && row !== lastRow) document.body.classList.remove("peek-hidden");
      lastRow = row;
    });
  }
  let lastRow = null;

  // On a phone the tabs scroll: the chosen one is in view.
  const showTab = () => {
    for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
      const bar = tab.parentElement;
      bar.scrollLeft = tab.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
    }
  };
  document.addEventListener("DOMContentLoaded", showTab);

  // One box ticks all that have this name.
  on("change", "[data-ticks]", (all) => {
    for (const box of document.getElementsByName(all.dataset.ticks)) box.checked = all.checked;
  });

  // Questions before something that can't be undone.
  on("click", "[data-opens]", (button) => {
    const dialog = document.getElementById(button.dataset.opens);
    dialog.showModal();
    dialog.dispatchEvent(new CustomEvent("opened"));
  });
  // A question that came with the page: in front of it, as any other.
  document.addEventListener("DOMContentLoaded", () => {
    const asked = document.querySelector("dialog[data-asks]");
    asked?.close();
    asked?.showModal();
  });
  on("click", "[data-shuts]", (button) => button.closest("dialog").close());

  on("click", "[data-closes-details]", (button) => (button.closest("details").open = false));

  on("click", "[data-copy]", async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = before), 2000);
  });

  // A form is sent once, however often one clicks.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) return event.preventDefault();
    event.target.dataset.sent = "yes";
    setTimeout(() => delete event.target.dataset.sent, 3000);
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
})();
