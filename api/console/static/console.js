// Starts what a page needs. No script makes markup out of text: what a stranger wrote only ever becomes text.
import { follow } from "./live.js";
import { tick } from "./times.js";
import { actions } from "./actions.js";
import { keys } from "./keys.js";
import { maps } from "./map.js";

export function settle() {
  tick();
  maps();
  const named = document.querySelector("#main [data-title]");
  if (named) document.title = `${named.dataset.title} · Headwater`;
}

function theme() {
  const root = document.documentElement;
  const ground = getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3);
  const dark = ground.reduce((sum, one) => sum + Number(one), 0) < 384;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("headwater-theme", root.dataset.theme);
  document.dispatchEvent(new Event("theme"));
}

document.getElementById("theme").addEventListener("click", theme);
actions();
keys();
settle();
setInterval(tick, 1000);
if ("live" in document.body.dataset) follow(settle);
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
