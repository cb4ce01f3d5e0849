// Draws a map from its JSON onto a canvas: pan, zoom, keys; only what is in sight, without words where they are too small.
import { span } from "./times.js";
import { whatif } from "./whatif.js";

const WIDE = 212, HIGH = 56, LEAST = 0.06, MOST = 2.2;
export const SIGNS = { down: "✕", degraded: "▼", at_risk: "!", unknown: "?", later: "◔", up: "✓" };
export const WORDS = { down: "down", degraded: "degraded", at_risk: "at risk", unknown: "not known", later: "will be hit", up: "up" };
const INKS = ["ground", "text", "soft", "line", "down", "degraded", "at_risk", "unknown", "later", "up", "focus", "panel"];

export function maps() {
  for (const place of document.querySelectorAll("[data-map]")) {
    if (!place.drawn) place.drawn = new GraphMap(place);
    else place.drawn.check();
  }
}

class GraphMap {
  constructor(place) {
    this.place = place;
    this.version = "";
    this.whole = false;
    this.chosen = -1;
    this.view = null;
    this.failed = new Set();
    this.build();
    this.check();
    document.addEventListener("theme", () => { this.inks = null; this.ask(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.inks = null; this.ask(); });
    new ResizeObserver(() => { this.size(); this.ask(); }).observe(this.canvas);
  }

  build() {
    const make = (name, kind = "", text = "") => Object.assign(document.createElement(name), { className: kind, textContent: text });
    this.canvas = make("canvas", "graph");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Map of entities. Arrow keys go from node to node, Enter tells or fails one, plus and minus zoom. A table below lists the same.");
    this.bar = make("div", "map-bar");
    for (const [text, label, act] of [["+", "Closer", () => this.zoom(1.3)], ["−", "Farther", () => this.zoom(1 / 1.3)], ["⤢", "All of it", () => this.fit()]]) {
      const button = make("button", "", text);
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.addEventListener("click", act);
      this.bar.append(button);
    }
    this.all = make("button", "wide-button");
    this.all.type = "button";
    this.all.hidden = true;
    this.all.addEventListener("click", () => { this.whole = !this.whole; this.load(true); });
    this.bar.append(this.all);
    this.note = make("p", "map-note");
    this.note.setAttribute("role", "status");
    this.ink = make("span", "inks");
    this.ink.hidden = true;
    for (const name of INKS) this.ink.append(make("i", `ink-${name}`));
    this.place.replaceChildren(this.canvas, this.bar, this.note, this.ink);
    this.pointer();
    this.canvas.addEventListener("keydown", (event) => { if (this.key(event.key)) event.preventDefault(); });
    this.canvas.addEventListener("focus", () => this.ask());
    this.canvas.addEventListener("blur", () => this.ask());
  }

  check() {
    if (this.version === this.place.dataset.version) return;
    this.version = this.place.dataset.version;
    this.load(false);
  }

  async load(anew) {
    const url = this.place.dataset.map;
    const answer = await fetch(this.whole ? `${url}${url.includes("?") ? "&" : "?"}whole=true` : url).catch(() => null);
    if (!answer || !answer.ok) { this.note.textContent = "✕ The map cannot be fetched."; return; }
    const found = await answer.json();
    const chosen = this.nodes?.[this.chosen]?.id;
    const before = this.nodes?.length;
    this.over = found.over;
    this.nodes = found.nodes.map((node) => ({ state: "up", x: 0, y: 0, count: 1, ...node }));
    this.edges = found.edges.map((edge) => ({ kind: "hard", ...edge }));
    this.chosen = this.nodes.findIndex((node) => node.id === chosen);
    const packed = this.nodes.some((node) => node.count > 1);
    this.all.hidden = !packed && !this.whole;
    this.all.textContent = this.whole ? "Draw alike ones as one" : `Show all ${found.drawn}`;
    this.note.textContent = this.nodes.length ? "" : "Nothing is hit yet.";
    this.size();
    if (!this.view || anew || before !== this.nodes.length) this.fit();
    if (this.place.dataset.whatif && !this.failing) this.failing = whatif(this, this.place);
    this.ask();
  }

  size() {
    const box = this.canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1;
    const wide = Math.round(box.width * ratio), high = Math.round(box.height * ratio);
    if (this.canvas.width !== wide || this.canvas.height !== high) { this.canvas.width = wide; this.canvas.height = high; }
    this.ratio = ratio;
    this.wide = box.width;
    this.high = box.height;
  }

  fit() {
    if (!this.nodes?.length || !this.wide) return;
    const right = Math.max(...this.nodes.map((one) => one.x)) + WIDE, low = Math.max(...this.nodes.map((one) => one.y)) + HIGH;
    const wanted = Math.min(1.35, (this.wide - 40) / right);
    this.canvas.style.height = `${Math.round(Math.min(innerHeight * 0.6, Math.max(220, low * wanted + 90)))}px`;
    this.size();
    const scale = Math.min(1.35, Math.max(LEAST, Math.min((this.wide - 40) / right, (this.high - 60) / low)));
    this.view = { scale, x: (this.wide - right * scale) / 2, y: (this.high - low * scale) / 2 };
    this.ask();
  }

  zoom(factor, x = this.wide / 2, y = this.high / 2) {
    const view = this.view;
    if (!view) return;
    const scale = Math.min(MOST, Math.max(LEAST, view.scale * factor));
    view.x = x - (x - view.x) * (scale / view.scale);
    view.y = y - (y - view.y) * (scale / view.scale);
    view.scale = scale;
    this.ask();
  }

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  draw() {
    if (!this.nodes || !this.view || !this.wide) return;
    const begun = performance.now();
    if (!this.inks) this.inks = Object.fromEntries(INKS.map((name, n) => [name, getComputedStyle(this.ink.children[n]).color]));
    const pen = this.canvas.getContext("2d"), { scale, x, y } = this.view, inks = this.inks;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.fillStyle = inks.ground;
    pen.fillRect(0, 0, this.wide, this.high);
    pen.setTransform(this.ratio * scale, 0, 0, this.ratio * scale, x * this.ratio, y * this.ratio);
    const seen = { left: -x / scale, top: -y / scale, right: (this.wide - x) / scale, low: (this.high - y) / scale };
    this.lines(pen, seen, scale);
    pen.textBaseline = "middle";
    this.nodes.forEach((node, n) => {
      if (node.x < seen.right && node.x + WIDE > seen.left && node.y < seen.low && node.y + HIGH > seen.top) this.node(pen, node, n, scale);
    });
    performance.measure("map-frame", { start: begun, end: performance.now() });
    if (performance.getEntriesByName("map-frame").length > 400) performance.clearMeasures("map-frame");
  }

  lines(pen, seen, scale) {
    const sets = new Map();
    for (const edge of this.edges) {
      const a = this.nodes[edge.a], b = this.nodes[edge.b];
      const left = Math.min(a.x, b.x), right = Math.max(a.x, b.x) + WIDE, top = Math.min(a.y, b.y), low = Math.max(a.y, b.y) + HIGH;
      if (left > seen.right || right < seen.left || top > seen.low || low < seen.top) continue;
      const hot = a.state !== "up" && b.state !== "up" && b.state !== "later";
      const key = `${edge.kind} ${hot}`;
      if (!sets.has(key)) sets.set(key, { hot, kind: edge.kind, rows: [] });
      sets.get(key).rows.push([a, b]);
    }
    for (const { hot, kind, rows } of sets.values()) {
      pen.strokeStyle = hot ? this.inks.down : this.inks.line;
      pen.lineWidth = Math.max(hot ? 2 : 1.3, 0.6 / scale);
      pen.globalAlpha = rows.length > 400 ? 0.35 : 0.9;
      pen.setLineDash(kind === "soft" ? [6, 5] : kind === "async" ? [2, 5] : kind === "info" ? [1, 8] : []);
      pen.beginPath();
      for (const [a, b] of rows) curve(pen, a, b);
      pen.stroke();
      if (scale > 0.3) for (const [a, b] of rows) arrow(pen, a, b, pen.strokeStyle);
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  node(pen, node, n, scale) {
    const ink = this.inks[node.state] || this.inks.text, focused = n === this.chosen;
    pen.fillStyle = this.inks.panel;
    pen.strokeStyle = focused ? this.inks.focus : ink;
    pen.lineWidth = focused ? 4 : node.cause ? 4 : node.state === "up" ? 1.4 : 2.4;
    if (scale < 0.22) {
      pen.fillStyle = ink;
      pen.fillRect(node.x, node.y, WIDE, HIGH);
      return;
    }
    if (node.count > 1) { rounded(pen, node.x + 6, node.y - 6, WIDE, HIGH, 10); pen.fill(); pen.stroke(); }
    rounded(pen, node.x, node.y, WIDE, HIGH, node.business ? 28 : 8);
    pen.fill();
    pen.stroke();
    if (this.failed.has(node.id)) { rounded(pen, node.x + 4, node.y + 4, WIDE - 8, HIGH - 8, 6); pen.stroke(); }
    pen.fillStyle = ink;
    pen.font = "700 22px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(SIGNS[node.state], node.x + 22, node.y + HIGH / 2 + 1);
    if (scale < 0.32) return;
    pen.textAlign = "left";
    pen.fillStyle = this.inks.text;
    pen.font = `${node.cause || node.business ? 700 : 600} 15px system-ui, sans-serif`;
    pen.fillText(cut(pen, node.name, WIDE - 52), node.x + 42, node.y + 20);
    pen.fillStyle = this.inks.soft;
    pen.font = "13px system-ui, sans-serif";
    pen.fillText(cut(pen, `${node.cause && !this.failing ? this.over ? "started here · " : "starts here · " : ""}${told(node, this.over)}`, WIDE - 52), node.x + 42, node.y + 39);
  }

  at(x, y) {
    const { scale, x: left, y: top } = this.view, px = (x - left) / scale, py = (y - top) / scale;
    return this.nodes.findIndex((one) => px >= one.x && px <= one.x + WIDE && py >= one.y && py <= one.y + HIGH);
  }

  pointer() {
    let from = null, moved = false;
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => { from = [event.offsetX, event.offsetY]; moved = false; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) { if (this.view) canvas.classList.toggle("over-node", this.at(event.offsetX, event.offsetY) >= 0); return; }
      const dx = event.offsetX - from[0], dy = event.offsetY - from[1];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      moved = true;
      this.view.x += dx;
      this.view.y += dy;
      from = [event.offsetX, event.offsetY];
      this.ask();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from && !moved && this.view) { const n = this.at(event.offsetX, event.offsetY); if (n >= 0) this.choose(n, true); }
      from = null;
    });
    canvas.addEventListener("wheel", (event) => { if (event.ctrlKey || event.shiftKey || document.activeElement === canvas) { event.preventDefault(); this.zoom(Math.exp(-event.deltaY / 500), event.offsetX, event.offsetY); } }, { passive: false });
  }

  key(key) {
    if (!this.nodes?.length) return false;
    if (key === "+" || key === "=") this.zoom(1.3);
    else if (key === "-") this.zoom(1 / 1.3);
    else if (key === "0") this.fit();
    else if (key === "Enter" || key === " ") { if (this.chosen >= 0) this.choose(this.chosen, true); }
    else if (key.startsWith("Arrow")) this.step(key.slice(5));
    else return false;
    return true;
  }

  step(way) {
    const here = this.nodes[this.chosen];
    if (!here) { this.choose(Math.max(0, this.nodes.findIndex((one) => one.cause)), false); return; }
    const ahead = { Left: [-1, 0], Right: [1, 0], Up: [0, -1], Down: [0, 1] }[way];
    let best = -1, least = Infinity;
    this.nodes.forEach((one, n) => {
      const dx = one.x - here.x, dy = one.y - here.y, along = dx * ahead[0] + dy * ahead[1], aside = Math.abs(dx * ahead[1]) + Math.abs(dy * ahead[0]);
      if (n !== this.chosen && along > 0 && along + 2 * aside < least) { least = along + 2 * aside; best = n; }
    });
    if (best >= 0) this.choose(best, false);
  }

  choose(n, act) {
    this.chosen = n;
    const node = this.nodes[n];
    this.reveal(node);
    if (act && this.failing) { this.note.replaceChildren(); this.failing.toggle(node); return; }
    const link = document.createElement("a");
    link.href = `/topology/entity/${encodeURIComponent(node.id)}`;
    link.textContent = node.name;
    const path = node.path?.length > 1 ? ` · by ${node.path.join(" → ")}` : "";
    const sample = node.sample?.length ? ` · ${node.sample.join(", ")} …` : "";
    this.note.replaceChildren(link, ` ${SIGNS[node.state]} ${told(node, this.over)}${path}${sample}`);
    this.ask();
  }

  reveal(node) {
    const { scale, x, y } = this.view, left = node.x * scale + x, top = node.y * scale + y;
    if (left < 0 || left + WIDE * scale > this.wide) this.view.x += this.wide / 2 - left - (WIDE * scale) / 2;
    if (top < 0 || top + HIGH * scale > this.high) this.view.y += this.high / 2 - top - (HIGH * scale) / 2;
  }
}

function told(node, over) {
  const health = node.state === "degraded" && node.low !== undefined && node.low < 1000 ? ` ${Math.floor(node.low / 10)} %` : "";
  if (over) return `was ${WORDS[node.state]}${health}`;
  const now = Date.now();
  if (node.after !== undefined && node.after > 0) return `${WORDS[node.state]}${health} after ${span(node.after)}`;
  if (node.next && node.next_at > now) return `${node.state === "later" ? "" : `${WORDS[node.state]}, `}${node.next} in ${span((node.next_at - now) / 1000)}`;
  if (node.at && node.at <= now && node.state !== "up") return `${WORDS[node.state]}${health} for ${span((now - node.at) / 1000)}`;
  return `${WORDS[node.state]}${health}`;
}

function curve(pen, a, b) {
  const [x1, y1, x2, y2] = ends(a, b), bend = Math.max(24, Math.abs(x2 - x1) / 2);
  pen.moveTo(x1, y1);
  pen.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
}

const ends = (a, b) => [a.x + WIDE, a.y + HIGH / 2, b.x, b.y + HIGH / 2];

function arrow(pen, a, b, ink) {
  const [, , x, y] = ends(a, b);
  pen.fillStyle = ink;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x - 9, y - 5);
  pen.lineTo(x - 9, y + 5);
  pen.fill();
}

function rounded(pen, x, y, wide, high, round) {
  pen.beginPath();
  pen.roundRect(x, y, wide, high, round);
}

const lengths = new Map();
function cut(pen, text, most) {
  const key = `${pen.font}|${text}`;
  if (lengths.has(key)) return lengths.get(key);
  let shown = text;
  if (pen.measureText(shown).width > most) {
    let low = 0, high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pen.measureText(`${text.slice(0, middle)}…`).width <= most) low = middle; else high = middle - 1;
    }
    shown = `${text.slice(0, low)}…`;
  }
  if (lengths.size > 8000) lengths.clear();
  lengths.set(key, shown);
  return shown;
}
