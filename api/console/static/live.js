// Keeps a page up to date: one live stream; when something has happened, the page's part is fetched again and put in.
import { morph } from "./morph.js";

const LEAST = 250; // milliseconds between two looks
const QUIET = 5000; // a look now and then: not all that is shown makes an event
const STALE = 20000;
const AGAIN = 5000;

let stream = null, seen = 0, looking = false, wanted = false, tag = "", last = 0, good = Date.now(), timer = 0, done = () => {};

export function follow(settle) {
  done = settle;
  listen();
  setInterval(() => { if (Date.now() - last > QUIET && !document.hidden) look(); stale(); }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  window.addEventListener("pagehide", () => stream.close());
}

function listen() {
  stream = new EventSource("/api/v1/stream?brief=true");
  stream.addEventListener("open", () => { state("live"); look(); });
  stream.addEventListener("error", () => {
    state("wait");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN); // refused: it does not come back by itself
  });
  for (const name of ["incident", "timeline"]) stream.addEventListener(name, heard);
}

export function refresh() {
  look("fresh");
}

function heard(event) {
  seen = Math.max(seen, Number(event.lastEventId) || 0);
  const about = document.querySelector("#main [data-incident]");
  let incident = "";
  try { incident = JSON.parse(event.data).incident; } catch { /* of all */ }
  if (about && incident && incident !== about.dataset.incident) return;
  look();
}

function look(how) {
  if (looking) { wanted = how || wanted || "again"; return; }
  const wait = LEAST - (Date.now() - last);
  if (wait > 0 && how !== "fresh") {
    if (!timer) timer = setTimeout(() => { timer = 0; look(); }, wait);
    return;
  }
  looking = true;
  last = Date.now();
  const before = seen;
  const ask = new XMLHttpRequest();
  ask.open("GET", location.pathname + location.search);
  ask.responseType = "document"; // parsed by the browser, without running or loading anything
  ask.timeout = 15000;
  ask.setRequestHeader("X-Part", "main");
  ask.setRequestHeader("X-Seen", how === "fresh" ? "fresh" : String(seen));
  if (tag) ask.setRequestHeader("If-None-Match", tag);
  ask.onloadend = () => {
    looking = false;
    if (ask.status === 200 && ask.response) put(ask.response, ask.getResponseHeader("ETag") || "");
    if (ask.status === 200 || ask.status === 304) {
      good = Date.now();
      document.body.dataset.seen = String(before);
    }
    stale();
    if (ask.status === 401) location.reload();
    if (wanted) { const next = wanted; wanted = false; look(next === "fresh" ? "fresh" : undefined); }
  };
  ask.send();
}

function put(fetched, given) {
  const main = document.getElementById("main");
  const next = fetched.body;
  const top = next.firstElementChild, here = main.firstElementChild;
  if (top && here) morph(here, top);
  tag = given;
  done();
}

function state(word) {
  const link = document.getElementById("link");
  link.dataset.state = word;
  link.textContent = word === "live" ? "live" : "reconnecting";
}

function stale() {
  const old = Date.now() - good > STALE, note = document.getElementById("stale");
  if (old !== !note.hidden) note.hidden = !old;
  if (old) {
    const text = `✕ Not live since ${new Date(good).toISOString().slice(11, 19)} UTC: what is shown is old.`;
    if (note.textContent !== text) note.textContent = text;
    state("wait");
  }
}
