// Dialogs and commands: a form's fields become a JSON body for the API's own route; what it refuses is shown as it says.
import { refresh } from "./live.js";
import { post } from "./post.js";

export function actions() {
  document.addEventListener("click", (event) => {
    const opens = event.target.closest("[data-open]"), closes = event.target.closest("[data-close]");
    if (opens && !opens.disabled) show(opens.dataset.open);
    if (closes) { closes.closest("dialog").close(); refresh(); }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.post) return;
    event.preventDefault();
    send(form);
  });
  document.addEventListener("input", (event) => {
    if (event.target.dataset.preview) later(event.target);
  });
}

export function show(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  const told = dialog.querySelector(".replied");
  if (told) told.hidden = true;
  dialog.showModal();
}

function body(form) {
  const found = { facts: {} };
  for (const field of form.elements) {
    if (!field.name || (field.type === "checkbox" && !field.checked)) continue;
    let value = field.value;
    if ("fromNow" in field.dataset) value = Math.round(Date.now() / 1000) + Number(value);
    if (field.name.startsWith("facts.")) {
      if (value === "") continue; // left out
      const name = field.name.slice(6);
      found.facts[name] = found.facts[name] ? `${found.facts[name]},${value}` : value;
    } else {
      found[field.name] = value;
    }
  }
  if ("plain" in form.dataset) delete found.facts;
  return found;
}

async function send(form) {
  const button = form.querySelector("[type=submit]"), wrong = form.querySelector(".problem");
  button.disabled = true;
  if (wrong) wrong.hidden = true;
  try {
    const answer = await post(form.dataset.post, body(form));
    if (answer.ok) {
      if ("saves" in form.dataset) await save(answer);
      form.reset();
      if (!await told(form, answer)) form.closest("dialog")?.close();
      say("Done.");
      refresh();
    } else {
      const said = await answer.json().catch(() => ({ detail: `The server answered ${answer.status}.` }));
      problem(wrong, said);
      if (said.type === "urn:headwater:problem:conflict") second(form);
    }
  } catch {
    problem(wrong, { detail: "The server cannot be reached." });
  } finally {
    button.disabled = false;
  }
}

// What the route answered, where its dialog has places for that, as text.
async function told(form, answer) {
  const where = form.querySelector(".replied");
  if (!where) return false;
  const said = await answer.json();
  for (const place of where.querySelectorAll("[data-field]")) {
    const lines = [said[place.dataset.field]].flat().map((one) => ({ true: "yes", false: "no" })[one] ?? one);
    place.textContent = lines.join("\n") || "nothing";
  }
  where.hidden = false;
  return true;
}

async function save(answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = (answer.headers.get("Content-Disposition") || "").match(/filename="([^"/\\]+)"/)?.[1] || "headwater.zip";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Somebody else was first: what they typed stays to be read, and is not sent again; behind it stands how it is now.
function second(form) {
  const note = form.querySelector(".meanwhile");
  if (note) { note.textContent = "Somebody else was first. Close this to see how it is now."; note.hidden = false; }
  form.querySelector("[type=submit]").hidden = true;
  refresh();
}

function problem(where, said) {
  const faults = (said.errors || []).map((one) => `${one.pointer} ${one.reason}`).join("; ");
  const text = `✕ ${said.detail}${faults ? ` (${faults})` : ""}`;
  if (!where) { say(text); return; }
  where.textContent = text;
  where.hidden = false;
}

function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  setTimeout(() => { if (said.textContent === text) said.textContent = ""; }, 4000);
}

let waiting = 0;
function later(field) {
  clearTimeout(waiting);
  waiting = setTimeout(() => preview(field), 250);
}

async function preview(field) {
  const where = field.form.querySelector(".preview");
  if (!field.value.trim()) { lines(where, ["Nothing is named yet."]); return; }
  const answer = await fetch(`${field.dataset.preview}?matchers=${encodeURIComponent(field.value)}`);
  const found = await answer.json().catch(() => null);
  if (!answer.ok || !found) {
    const why = found?.errors?.[0]?.reason || found?.detail || "cannot be read";
    lines(where, [`✕ ${why}`]);
    return;
  }
  const more = found.complete ? "" : ` of the first ${found.looked_at} that were looked at`;
  const many = (n, one, several) => `${n} ${n === 1 ? one : several}`;
  const head = `It would hide ${many(found.matching, "firing alert", "firing alerts")} of ${many(found.entities, "entity", "entities")}, in ${many(found.incidents.length, "incident", "incidents")}${more}.`;
  lines(where, [head, ...found.alerts.slice(0, 12).map((one) => `${one.severity} ${one.name} on ${one.entity} ${one.incident}`)], found.matching - 12);
}

function lines(where, texts, more = 0) {
  const list = document.createElement("ul");
  const head = document.createElement("p");
  head.textContent = texts[0];
  for (const text of texts.slice(1)) {
    const item = document.createElement("li");
    item.textContent = text;
    list.append(item);
  }
  if (more > 0) {
    const item = document.createElement("li");
    item.textContent = `and ${more} more`;
    list.append(item);
  }
  where.replaceChildren(head, ...(list.children.length ? [list] : []));
}
