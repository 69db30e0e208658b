// Runs before anything is drawn, so that the page never flashes in the wrong colours.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("clarion-theme");
  const apply = () => {
    const theme = chosen() || (system.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-theme", theme);
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const dark = document.documentElement.getAttribute("data-theme") === "dark";
    localStorage.setItem("clarion-theme", dark ? "light" : "dark");
    apply();
  });
})();
