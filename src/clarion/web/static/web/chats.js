// Chats: Ctrl+Enter sends, and a reply that is half written survives a look into another chat.
(() => {
  const box = (form) => form.querySelector("textarea");
  const key = (form) => `clarion-reply-${form.dataset.composer}`;
  const composer = (event) => event.target.closest?.("[data-composer]");

  for (const form of document.querySelectorAll("[data-composer]")) {
    if (!box(form).value) box(form).value = sessionStorage.getItem(key(form)) || "";
  }
  document.addEventListener("input", (event) => {
    const form = composer(event);
    if (form) sessionStorage.setItem(key(form), box(form).value);
  });
  document.addEventListener("keydown", (event) => {
    const form = composer(event);
    if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = composer(event);
    if (form && event.detail.xhr.status === 200) sessionStorage.removeItem(key(form));
  });
})();
