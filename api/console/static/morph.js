// Makes one tree of elements like another, changing only what differs: focus, selection, scrolling and what a person has
// opened or typed stay. Only nodes that a parser made are taken over; no text becomes markup.
const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS") && !name.startsWith("data-has-") && name !== "class") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (name === "open" && from.nodeName === "DETAILS") continue;
    if (name === "class" && from.nodeName === "TIME") continue;
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (!to.hasAttribute("class") && from.nodeName !== "TIME") from.removeAttribute("class");
}

export function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  if (from.nodeName === "DIALOG" && from.open) return;
  attributes(from, to);
  if (from.hasAttribute("data-keep") || (from.nodeName === "TIME" && from.dataset.ms)) return;
  children(from, to);
}

function children(from, to) {
  const named = new Map();
  for (const child of from.children) if (child.id) named.set(child.id, child);
  let here = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = wanted.id && named.get(wanted.id);
    if (known && known !== here && known.parentNode === from) {
      from.insertBefore(known, here);
      here = known;
    }
    if (here && same(here, wanted)) {
      morph(here, wanted);
      here = here.nextSibling;
    } else {
      from.insertBefore(document.importNode(wanted, true), here);
    }
  }
  while (here) {
    const after = here.nextSibling;
    from.removeChild(here);
    here = after;
  }
}
