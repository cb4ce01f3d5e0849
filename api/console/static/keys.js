// The keyboard: every link and button with data-key, rows by j and k, help by ?.
import { show } from "./actions.js";

let chord = "";

export function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = event.target;
    if (at.matches?.("input, textarea, select, canvas") || document.querySelector("dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });
}

function press(key) {
  const whole = chord ? `${chord} ${key}` : key;
  chord = "";
  if (key === "g" && whole === "g") { chord = "g"; return true; }
  if (whole === "?") { show("keys"); return true; }
  if (whole === "t") { document.getElementById("theme").click(); return true; }
  if (whole === "j" || whole === "k") return row(whole === "j" ? 1 : -1);
  const found = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === whole);
  if (!found || found.disabled) return false;
  if (found.matches("input")) { found.focus(); found.select(); } else found.click();
  return true;
}

function row(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return false;
  const here = rows.indexOf(document.activeElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}
