"""An incident and an alert in words, from what the API says of them. Every sentence rests on a field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from api.argument import alert_argued, explanation
from api.assumption_words import assumption_in_words
from api.clock_words import regimes_in_words
from api.explanation_schemas import AlertArgued, CandidateArgued, IncidentExplanation
from api.recovery_words import recovery_in_words
from api.severity_words import severity_in_words, users_in_words, when
from engine.outcomes import AlertView, AssumptionView, IncidentView, TimelineEntry

Fields = Mapping[str, Any]

UP = 1000
SHOWN = 12
"""Entities and alerts that are told; the others are counted."""
HAPPENED = 20
"""Lines of the timeline that are told, the latest."""
ARGUED = 6
"""Kinds of alerts whose evidence is told."""
LESS_LIKELY = 2
"""Candidates after the first that are argued."""

_VERDICTS = {
    "confirmed": "other evidence confirms it",
    "contradicted": "other evidence contradicts it",
    "unverifiable": "what there is besides it decides nothing",
}


def incident_in_words(incident: Fields, timeline: Sequence[Fields], alerts: Sequence[Fields]) -> str:
    """Heading, evidence, beginning, cause, impact, severity, alerts, timeline, what would change the answer."""
    argued = explanation(incident, alerts)
    lines = [
        f"{incident['id']}: {incident['title']}",
        f"  {incident['severity']['level']}, {incident['state']}, since {when(incident['onset'])}; "
        f"{incident['firing']} of {incident['alerts']} alerts fire, {incident['confirmed']} are confirmed.",
        *_ending(incident),
        "",
        *_real(argued),
        "",
        f"Began: {argued.began}.",
        *_joined(argued),
        "",
        *_cause(argued),
        "",
        *_impact(incident),
        *_objectives(incident),
        *_assumptions(incident),
        *_recovery(incident),
        "",
        *severity_in_words(incident),
        *regimes_in_words(incident),
    ]
    if alerts:
        lines += ["", "Alerts:", *_cut([_alert_line(alert) for alert in alerts])]
    if timeline:
        lines += ["", "What happened:", *_cut([_moment(line) for line in timeline], last=True)]
    if argued.would_change:
        lines += ["", "What would change the answer:", *_cut(argued.would_change)]
    versions = ", ".join(f"{kind} {id}" for kind, id in sorted(incident["versions"].items()) if id)
    return "\n".join([*lines, "", f"Revision {incident['revision']}, decided with {versions or 'the built-in rules'}."])


def argued_alert(alert: AlertView) -> AlertArgued:
    """The argument of an alert, from the engine's own outcome."""
    return alert_argued(json.loads(msgspec.json.encode(alert)))


def argued_incident(
    incident: IncidentView, timeline: Sequence[TimelineEntry], alerts: Sequence[object]
) -> IncidentExplanation:
    """The argument of a revision with its text, from the engine's own outcomes."""
    fields: tuple[Fields, list[Fields], list[Fields]]
    fields = json.loads(msgspec.json.encode((incident, list(timeline), list(alerts))))
    return msgspec.structs.replace(explanation(fields[0], fields[2]), text=incident_in_words(*fields))


def alert_in_words(alert: Fields, event: str, history: Sequence[Fields]) -> str:
    """What the alert is, what became of the event, and why."""
    mapped = "" if alert["mapped"] else ", which the catalogue does not know"
    until = f" until {when(alert['ends_at'])}" if alert["ends_at"] else ""
    argued = alert_argued(alert)
    lines = [
        f"{alert['name']} on {alert['entity'] or 'no known entity'}{mapped}: {alert['severity']}, {alert['state']}, "
        f"since {when(alert['starts_at'])}{until}.",
        f"  Evidence: {alert['verdict']}, {_VERDICTS.get(alert['verdict'], '')}{_odds(argued)}.",
        *[f"    {line}" for line in _sides(argued)],
        *[f"    would change it: {line}" for line in argued.would_change],
        f"  Incident: {alert['incident'] or 'none'}.",
        "",
        f"What became of alert event {event}:",
        *[f"  {_step(step)}" for step in history],
    ]
    if alert["held_until"]:
        lines.append(f"  It is held, and will be decided by {when(alert['held_until'])}.")
    return "\n".join(lines)


def _ending(incident: Fields) -> list[str]:
    if incident["merged_into"]:
        return [f"  It is part of {incident['merged_into']} now."]
    if incident["resolved_at"]:
        return [f"  Resolved {when(incident['resolved_at'])}."]
    return []


def _real(argued: IncidentExplanation) -> list[str]:
    """Is it real? What speaks for and against every kind of alert."""
    if not argued.alerts:
        return ["Is it real? It has no alerts any more."]
    lines = [f"Is it real? {argued.confirmed} of {argued.alerts} alerts are confirmed by evidence from elsewhere."]
    for one in argued.real[:ARGUED]:
        lines += [f"  {one.name} on {one.entity}: {one.verdict}{_odds(one)}", *(f"    {line}" for line in _sides(one))]
    more = len(argued.real) - ARGUED
    return [*lines, f"  … and {more} more kinds of alerts"] if more > 0 else lines


def _odds(one: AlertArgued) -> str:
    """The log-odds, where there are any."""
    told = one.speaks_for or one.speaks_against
    return f", log-odds {one.log_odds:+.2f} (confirmed from {one.confirmed_from:+.1f})" if told else ""


def _sides(one: AlertArgued) -> list[str]:
    found = [f"{said.weight:+.1f} {said.text}" for said in (*one.speaks_for, *one.speaks_against)]
    found += [f"not used: {said.text}" for said in one.not_used]
    if one.nothing_from and one.verdict != "confirmed":
        found.append(f"nothing from {', '.join(one.nothing_from)}")
    return found


def _joined(argued: IncidentExplanation) -> list[str]:
    """What belongs to it, and why."""
    return ["", "Why it is one incident:", *_cut(argued.joined)] if len(argued.joined) > 1 else []


def _cause(argued: IncidentExplanation) -> list[str]:
    if not argued.candidates or argued.abstained:
        lines = [f"No cause is named: {argued.abstained or 'nothing points to one'}."]
        for one in argued.candidates[:2]:
            lines += [f"  {one.entity} (score {one.score:.2f}):", *(f"    {line}" for line in _speaks(one))]
        return lines
    first, *others = argued.candidates
    lines = [f"Cause: {first.entity} (score {first.score:.2f}); {first.counterfactual}."]
    lines += [f"  {line}" for line in _speaks(first)]
    if len(first.path) > 1:
        lines.append(f"  Path: {' → '.join(first.path)}.")
    if others:
        lines.append(
            f"  Before {others[0].entity}: {'; '.join(argued.first_before_second) or 'by little in all terms'}."
        )
    for one in others[:LESS_LIKELY]:
        lines += [f"  Less likely: {one.entity} ({one.score:.2f})", *(f"    {line}" for line in _speaks(one))]
    more = others[LESS_LIKELY:][:4]
    if more:
        lines.append("  And: " + ", ".join(f"{one.entity} ({one.score:.2f})" for one in more) + ".")
    return lines


def _speaks(one: CandidateArgued) -> list[str]:
    sides = (("for", one.speaks_for), ("against", one.speaks_against), ("open", one.open))
    return [f"{side}: {said.text}" for side, rows in sides for said in rows]


def _impact(incident: Fields) -> list[str]:
    hits = incident["impact"]
    if not hits:
        return ["Nothing else is hit."]
    lines = [_hit(hit, incident["onset"]) for hit in hits]
    heading = f"Hit ({incident['impact_total']}):"
    if users := users_in_words(incident):
        heading += f" {users[:1].upper()}{users[1:]}."
    return [heading, *_cut(lines, incident["impact_total"])]


def _hit(hit: Fields, onset: int) -> str:
    way = f", by {' → '.join(hit['path'])}" if len(hit["path"]) > 1 else ""
    return f"{hit['entity']}: {_state(hit, onset)}{way}{_others(hit)}{_held(hit)}"


def _state(hit: Fields, onset: int) -> str:
    """How unwell it is and since when, or how unwell it will be and when."""
    low, high = hit["low"], hit["high"]
    if low == UP:
        down, degraded = hit.get("down_at"), hit.get("degraded_at")
        to_come = f"{'down' if down == degraded else 'degraded'}{_after(degraded, onset)}" if degraded else "up"
        return "at risk" if hit.get("at_risk") else to_come
    state = "down" if high == 0 else f"{low / 10:g} %" if low == high else f"{low / 10:g} to {high / 10:g} %"
    return state + _after(hit["at"], onset)


def _after(at: int | None, onset: int) -> str:
    return f" after {round((at - onset) / 60000)} min" if at and at - onset >= 60000 else ""


def _others(hit: Fields) -> str:
    """The incidents that it is hit by as well; without them it would be better off."""
    return f", together with {', '.join(hit['together'])}" if hit.get("together") else ""


def _held(hit: Fields) -> str:
    """What keeps it from getting worse, and until when."""
    if not hit.get("held_by"):
        return ""
    its = "its queue" if hit["held_by"] in hit["path"][-2:] else "the queue"
    return f"; held up by {its} {hit['held_by']} until {when(hit['held_until'])}"


def _objectives(incident: Fields) -> list[str]:
    """The countdowns of what is down."""
    found = incident.get("objectives")
    return ["", "Recovery objectives:", *_cut([_countdown(one) for one in found])] if found else []


def _recovery(incident: Fields) -> list[str]:
    """Is it back?"""
    lines = recovery_in_words(incident)
    return ["", *lines] if lines else []


def _assumptions(incident: Fields) -> list[str]:
    """What others take for granted of what is not up."""
    found = msgspec.convert((incident.get("harm") or {}).get("assumptions") or (), tuple[AssumptionView, ...])
    told = [
        f"{one.state.replace('_', ' ')}{'' if one.until is None else f', over since {when(one.until)}'}: "
        + assumption_in_words(one, lambda at: f"since {when(at)}", lambda at: f"after {when(at)}")
        for one in found
    ]
    return ["", "Assumptions:", *_cut(told)] if told else []


def _countdown(one: Fields) -> str:
    meant = {"yes": "will be missed", "no": "can be met", "cannot_exclude": "may be missed"}[one["breach"]]
    start = {"no": "if restoration begins by", "cannot_exclude": "and will be unless restoration begins by"}
    by = f", {start[one['breach']]} {when(one['due'] - 1000 * one['takes'])}" if _open(one) else ""
    back = f"; back {when(one['finish'])} at the earliest" if one["finish"] else ""
    return f"{one['entity']}: {one['kind'].upper()} runs out {when(one['due'])}, {meant}{by}{back}"


def _open(one: Fields) -> bool:
    return one["breach"] != "yes" and one["takes"] is not None


def _alert_line(alert: Fields) -> str:
    return (
        f"{alert['name']} on {alert['entity']}: {alert['state']}, {alert['verdict']}, "
        f"{alert['disposition']} ({alert['reason']})"
    )


def _moment(line: Fields) -> str:
    actor = f" [{line['actor']}]" if line["actor"] else ""
    return f"{when(line['at'])} {line['kind']}: {line['text']}{actor}"


def _step(step: Fields) -> str:
    rule = f" by rule {step['rule']}" if step["rule"] else ""
    incident = f", incident {step['incident']}" if step["incident"] else ""
    shadow = step.get("enforced")
    would = f" (enforced rules would have said {shadow})" if shadow and shadow != step["disposition"] else ""
    at = f"{when(step['at'])} " if step.get("at") else ""
    return f"{at}{step['disposition']}: {step['reason'].replace('_', ' ')}{rule}{incident}{would}"


def _cut(lines: Sequence[str], total: int | None = None, *, last: bool = False) -> list[str]:
    """The first (or last) lines, indented, and how many more there are."""
    shown = lines[-HAPPENED:] if last else lines[:SHOWN]
    more = (total or len(lines)) - len(shown)
    kept = [f"  {line}" for line in shown]
    rest = [f"  … and {more} more"] if more > 0 else []
    return rest + kept if last else kept + rest
