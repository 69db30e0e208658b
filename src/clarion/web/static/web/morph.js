// hx-swap="morph": change what differs and leave the rest alone, so that focus, hovering and open
// menus survive while numbers move. Elements with an id keep their identity when they move.
(() => {
  const sameKind = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

  function morphAttributes(old, fresh) {
    for (const { name } of [...old.attributes]) {
      // `open` belongs to the person who opened it.
      if (!fresh.hasAttribute(name) && name !== "open" && name !== "class") old.removeAttribute(name);
    }
    if (!fresh.hasAttribute("class") && old.classList.length) old.className = "";
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  function morphNode(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    } else if (!old.isEqualNode(fresh)) {
      morphAttributes(old, fresh);
      if (!old.hasAttribute("data-keep")) morphChildren(old, fresh);
    }
  }

  function morphChildren(old, fresh) {
    const named = new Map([...old.children].filter((e) => e.id).map((e) => [e.id, e]));
    const wanted = new Set([...fresh.children].map((e) => e.id));
    let here = old.firstChild;
    for (const node of [...fresh.childNodes]) {
      const known = node.id ? named.get(node.id) : undefined;
      named.delete(node.id);
      // What moves loses the focus: rather than past what is not wanted any more, that goes first.
      while (known && known !== here && !(here.id && wanted.has(here.id))) {
        const next = here.nextSibling;
        here.remove();
        here = next;
      }
      if (known && known !== here) old.insertBefore(known, here);
      const match = known || (here && sameKind(here, node) ? here : null);
      if (match) {
        if (match === here) here = here.nextSibling;
        morphNode(match, node);
      } else {
        old.insertBefore(node, here);
      }
    }
    while (here) {
      const next = here.nextSibling;
      here.remove();
      here = next;
    }
  }

  htmx.defineExtension("morph", {
    isInlineSwap: () => false,
    handleSwap: (style, target, fragment) => {
      if (style !== "morph") return false;
      morphChildren(target, fragment);
      // Not the target: htmx would set it up anew, and forget the request that is under way from it
      // and those that wait for that one.
      return [...target.children];
    },
  });
})();
