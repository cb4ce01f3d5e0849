// Moments as people want them: how long ago, how long still. The server gives moments; nothing here changes them.
const two = (n) => String(n).padStart(2, "0");

export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${two(m)} min`;
  return m ? `${m} min` : `${s} s`;
}

function left(ms, now) {
  const s = Math.round((ms - now) / 1000), a = Math.abs(s);
  const h = Math.floor(a / 3600), m = Math.floor(a / 60) % 60;
  if (a >= 172800) return s < 0 ? `over ${span(a)}` : span(a);
  const text = h ? `${h}:${two(m)}:${two(a % 60)}` : `${m}:${two(a % 60)}`;
  return s < 0 ? `over ${text}` : text;
}

function shown(as, ms, now) {
  if (as === "left") return left(ms, now);
  if (as === "for") return span((now - ms) / 1000);
  const at = new Date(ms), iso = at.toISOString();
  const old = Math.abs(now - ms) > 64_800_000;
  return as === "day" || old ? iso.slice(0, 19).replace("T", " ") : iso.slice(11, 19);
}

export function tick() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[data-ms]")) {
    const ms = Number(time.dataset.ms), text = shown(time.dataset.as, ms, now);
    if (time.textContent !== text) time.textContent = text;
    if (time.dataset.as === "left") {
      time.classList.toggle("over", ms < now);
      time.classList.toggle("soon", ms >= now && ms - now < 900_000);
    }
  }
  const utc = document.getElementById("utc");
  if (utc) utc.textContent = new Date(now).toISOString().slice(11, 19);
}
