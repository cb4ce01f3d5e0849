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
  if (from.nodeName === "DIALOG" && from.open) { meanwhile(from, to); return; }
  attributes(from, to);
  if (from.hasAttribute("data-keep") || (from.nodeName === "TIME" && from.dataset.ms)) return;
  children(from, to);
}

// An open dialog stays as it is; if what it is about has changed since, it says so.
function meanwhile(dialog, next) {
  const note = dialog.querySelector(".meanwhile");
  if (!note || !note.hidden) return;
  const version = (one) => one?.querySelector('[name="facts.version"]')?.value;
  if (next && version(next) === version(dialog)) return;
  note.textContent = "! Meanwhile somebody has changed this. Close it to see how it is now.";
  note.hidden = false;
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
    if (here.nodeName === "DIALOG" && here.open) meanwhile(here, null); else from.removeChild(here);
    here = after;
  }
}
