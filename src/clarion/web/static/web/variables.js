// Variables of a text: a chip puts its variable where the cursor was, and a gap gets a default.
// Fields that take variables have data-takes-variables; data-variables-last is the last choice.
(() => {
  let last = null;
  const visible = (field) => field.isConnected && field.offsetParent;

  // The field that had the focus last, else the first one that is meant for it.
  const target = () => {
    if (last && visible(last)) return last;
    const shown = [...document.querySelectorAll("[data-takes-variables]")].filter(visible);
    return shown.find((field) => !("variablesLast" in field.dataset)) || shown[0];
  };

  // The default is selected, so that one types another.
  const selectDefault = (field, from) => {
    const start = field.value.indexOf('default("', from) + 'default("'.length;
    field.setSelectionRange(start, field.value.indexOf('"', start));
  };
  const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

  const insert = (field, words) => {
    field.focus();
    if (field.type === "url") field.value += words;
    else {
      const start = field.selectionStart;
      field.setRangeText(words, start, field.selectionEnd, "end");
      if (words.includes('default("')) selectDefault(field, start);
    }
    changed(field);
  };

  // A default for a variable that some recipients lack, wherever it is used without one.
  const addDefault = (variable, words) => {
    const name = variable.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const bare = new RegExp(`(\\{\\{-?\\s*${name})\\s*(?=-?\\}\\}|\\|(?!\\s*d(?:efault)?\\b))`, "g");
    for (const field of document.querySelectorAll("[data-takes-variables]")) {
      const filled = field.value.replace(bare, `$1 | default("${words}") `);
      if (filled === field.value) continue;
      field.value = filled;
      field.focus();
      selectDefault(field, field.value.indexOf(variable));
      changed(field);
    }
  };

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-takes-variables]")) last = event.target;
  });
  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.("[data-variable]");
    const gap = event.target.closest?.("[data-default-for]");
    const field = chip && target();
    if (field) insert(field, chip.dataset.variable);
    if (gap) addDefault(gap.dataset.defaultFor, gap.dataset.default);
  });
})();
