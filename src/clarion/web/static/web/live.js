// Parts of the page that ask again by themselves: [data-live]. They name what they show, so that
// the server can answer 304, and rest while nobody looks.
(() => {
  const live = (event) => event.target.closest?.("[data-live]") === event.target;
  const tags = new WeakMap();

  // A page that is being left asks no more, and heeds no answer: sent away from what was just
  // deleted, it would break off the page that says so. Whoever stops the loading stays.
  const LEAVING = 30_000;
  let left = -Infinity;
  const leaving = () => performance.now() - left < LEAVING;
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.method === "post") left = performance.now();
  });
  window.addEventListener("pageshow", () => (left = -Infinity));
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (live(event) && leaving()) event.preventDefault();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (!live(event)) return;
    if (document.hidden || leaving()) event.preventDefault();
    const tag = tags.get(event.target);
    if (tag) event.detail.headers["If-None-Match"] = tag;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!live(event)) return;
    const answered = event.detail.xhr.status > 0 && event.detail.xhr.status < 500;
    const notice = document.querySelector("[data-offline]");
    if (notice) notice.hidden = answered;
    const tag = event.detail.xhr.getResponseHeader("ETag");
    if (tag) tags.set(event.target, tag);
  });

  // Countdowns tick by themselves between two answers, by the server's clock where ours is off.
  const off = Date.now() - Date.parse(document.documentElement.dataset.now);
  const skew = Math.abs(off) > 5000 ? off : 0;
  const pad = (value) => String(value).padStart(2, "0");
  const tick = () => {
    for (const timer of document.querySelectorAll("[data-until]")) {
      const left = Math.max(0, Math.ceil((Date.parse(timer.dataset.until) + skew - Date.now()) / 1000));
      const words = `${Math.floor(left / 60)}:${pad(left % 60)}`;
      if (timer.textContent !== words) timer.textContent = words;
    }
  };
  tick();
  setInterval(tick, 250);
  document.addEventListener("htmx:afterSettle", tick);
})();
