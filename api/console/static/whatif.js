// What if: nodes that a person lets fail on a map, and what the server says comes of it. Nothing is changed by asking.
import { SIGNS, WORDS } from "./map.js";
import { post } from "./post.js";
import { span } from "./times.js";

export function whatif(map, place) {
  const told = document.getElementById("whatif");

  async function ask() {
    const down = [...map.failed];
    if (!down.length) { clear(); return; }
    const answer = await post(place.dataset.whatif, { assume: { down } }).catch(() => null);
    if (!answer || !answer.ok) {
      const said = answer ? await answer.json().catch(() => ({})) : {};
      tell(`✕ ${said.detail || "The question could not be asked."}`);
      return;
    }
    const moment = (await answer.json()).moments[0];
    const hits = new Map(moment.items.map((one) => [one.entity, one]));
    for (const node of map.nodes) paint(node, hits.get(node.id), map.failed.has(node.id));
    show(down, moment);
    map.ask();
  }

  function paint(node, hit, failed) {
    delete node.after;
    node.low = hit ? hit.low : 1000;
    node.state = failed ? "down" : hit ? word(hit) : "up";
    if (hit && !failed) node.after = node.state === "down" ? hit.down ?? hit.after : hit.degraded ?? hit.after;
  }

  function show(down, moment) {
    const users = moment.harm.users, low = users.low, high = users.high;
    const said = low || high ? `, ${low.toLocaleString("en")}${high === low ? "" : high === null ? " or more" : ` to ${high.toLocaleString("en")}`} users` : "";
    const names = new Map([...map.nodes.map((one) => [one.id, one.name]), ...moment.items.map((one) => [one.entity, one.name || one.entity])]);
    const named = (ids) => ids.map((id) => names.get(id) || id).join(", ");
    const business = [...moment.harm.business_services, ...moment.harm.business_processes];
    tell(`If ${named(down)} failed: ${moment.severity.level}, ${moment.total} hit${said}${business.length ? `; business: ${named(business)}` : ""}.`,
      moment.items.filter((one) => !map.failed.has(one.entity)).slice(0, 14).map((one) => {
        const state = word(one), at = state === "down" ? one.down ?? one.after : one.degraded ?? one.after;
        return `${SIGNS[state]} ${one.name || one.entity}: ${WORDS[state]}${at > 0 ? ` after ${span(at)}` : " at once"}`;
      }));
  }

  function clear() {
    for (const node of map.nodes) paint(node, undefined, false);
    tell("Nothing is assumed to have failed. Press a node, or select it with the arrow keys and press Enter.");
    map.ask();
  }

  function tell(text, items = []) {
    const head = document.createElement("p"), list = document.createElement("ul");
    head.textContent = text;
    for (const item of items) list.append(Object.assign(document.createElement("li"), { textContent: item }));
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "All well again";
    again.addEventListener("click", () => { map.failed.clear(); clear(); });
    told.replaceChildren(head, ...(items.length ? [list] : []), ...(map.failed.size ? [again] : []));
  }

  return {
    toggle(node) {
      if (map.failed.has(node.id)) map.failed.delete(node.id); else map.failed.add(node.id);
      ask();
    },
  };
}

function word(hit) {
  if (hit.at_risk && hit.low === 1000) return "at_risk";
  if (hit.low < 1000 && hit.high === 1000) return "unknown";
  return hit.high === 0 ? "down" : hit.low < 1000 ? "degraded" : "up";
}
