"""What is new of an incident since somebody last heard of it, in lines that together read like an incident log.

What changed and changed back in between is no news. Stakeholders hear of business services, severity, cause and duties;
engineers and tickets also of why, of how much else is hit, and of who is on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.clock_words import when
from engine.heard import Deadline, Heard
from engine.outcomes import Impacted
from engine.signals import Millis
from engine.state import Incident

SHOWN = 5
"""Services, deadlines and the like in one message; what is beyond is counted."""
KEPT = 50
BUSINESS = frozenset({"business_service", "business_process"})
STATES = {
    "declared": "Declared",
    "restoring": "Restoration has begun",
    "recovering": "All its alerts have ended; watching whether it stays so",
    "resolved": "Resolved",
    "dismissed": "A false alarm",
    "merged": "Part of another incident",
}
RECOVERY = {
    "unstable": "Service is not steady yet",
    "residual_degradation": "Service is not back yet: worse than before",
    "inconclusive": "Whether service is back cannot be said yet",
    "restored": "Service is back at its baseline",
    "improved": "Service is back, and better than before",
}
AMISS = frozenset({"unstable", "residual_degradation"})
TOLD_TO_ALL = AMISS | {"restored", "improved"}
UP = 1000


def heard_of(incident: Incident) -> Heard:
    """All that news are made of, as it stands."""
    business = [one for one in incident.impact if one.kind in BUSINESS]
    clocks: dict[str, Deadline] = {
        f"{id}/{clock}": (f"{one.regime}: {one.name}", one.state, one.due, one.soon, one.passed)
        for id, case in sorted(incident.regimes.items())
        for clock, one in sorted(case.clocks.items())
        if one.due is not None
    }
    return Heard(
        state=str(incident.state),
        level=incident.level,
        asked=incident.override.seen if incident.override else "",
        cause=incident.cause or "",
        escalation=incident.escalation.level,
        services={one.name or one.entity: _state(one) for one in business[:KEPT]},
        hit=incident.impact_total,
        firing=incident.firing,
        clocks=clocks,
        duties=tuple(i for i, case in sorted(incident.regimes.items()) if case.view and case.view.answer == "yes"),
        broken=tuple(
            f"{one.on}, which {one.entity} takes for granted" for one in incident.harm.assumptions if one.broken
        ),
        missed=tuple(f"{one.kind.upper()} of {one.entity}" for one in incident.objectives if one.breach == "yes"),
        recovery=incident.recovery.verdict if incident.recovery else "",
        acknowledged=incident.acknowledged_by,
        assigned=incident.assigned,
    )


def news(before: Heard | None, incident: Incident, audience: str, *, led: bool = False) -> list[str]:
    """Lines of what is new since ``before`` (None: nothing was heard yet). ``led``: a line in front says the state."""
    then, is_now, inside = before or Heard(), heard_of(incident), audience != "stakeholders"
    found = [*_state_news(then, is_now)] if not led else []
    found += _recovery(then, incident, is_now, inside=inside)
    found += _severity(then, incident, is_now, inside=inside)
    found += _cause(then, incident, is_now, inside=inside)
    found += _impact(then, is_now, inside=inside)
    found += _clocks(then, is_now)
    found += [f"{id}: it has to be reported" for id in is_now.duties if id not in then.duties]
    found += [f"{id}: by the facts it need not be reported any more" for id in then.duties if id not in is_now.duties]
    found += [f"Not up for longer than it may be: {one}" for one in is_now.broken if one not in then.broken]
    found += [f"Up again: {one}" for one in then.broken if one not in is_now.broken]
    if inside:
        found += [f"The {one} will be missed" for one in is_now.missed if one not in then.missed]
        found += _people(then, is_now)
    return found


def over(incident: Incident) -> str:
    """The whole of an incident in one line, at its end."""
    until = incident.quiet if incident.quiet is not None else incident.resolved_at
    begun = incident.began.at if incident.began else incident.onset
    lasted = f"It lasted {minutes((until or begun) - begun)}, from {when(begun)} to {when(until or begun)}"
    cause = f"; its cause was {incident.cause}" if incident.cause else "; no cause was named"
    return f"{lasted}{cause}; {_count(len(incident.alerts), 'alert')} in all"


def minutes(length: Millis) -> str:
    """A length of time for people.

    >>> minutes(47 * 60_000), minutes(134 * 60_000), minutes(5_000)
    ('47 min', '2 h 14 min', '5 s')
    """
    if length < 60_000:
        return f"{max(0, length) // 1000} s"
    hours, rest = divmod(length // 60_000, 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "")))


def _state_news(then: Heard, is_now: Heard) -> Iterator[str]:
    if then.state == is_now.state or is_now.state not in STATES:
        return
    if then.state == "recovering" and is_now.state in ("declared", "restoring"):
        yield "It is back: alerts fire again"
    else:
        yield STATES[is_now.state]


def _recovery(then: Heard, incident: Incident, is_now: Heard, *, inside: bool) -> Iterator[str]:
    found = incident.recovery
    if found is None or then.recovery == is_now.recovery or found.verdict not in RECOVERY:
        return
    if not inside and found.verdict not in TOLD_TO_ALL:
        return
    gravest = found.indicators[0] if found.indicators and inside else None
    where = f": {gravest.metric} of {gravest.entity}" if gravest and found.verdict in AMISS else ""
    yield f"{RECOVERY[found.verdict]}{where}"


def _severity(then: Heard, incident: Incident, is_now: Heard, *, inside: bool) -> Iterator[str]:
    if then.level != is_now.level:
        was = f", {then.level} before" if then.level else ""
        yield f"Severity {is_now.level}{was}" + (f": {_why(incident)}" if inside and _why(incident) else "")
    elif inside and is_now.asked != then.asked and incident.override is not None:
        yield f"The computed severity is {is_now.asked} now; {incident.override.by} has set {is_now.level}"
    if inside and then.escalation != is_now.escalation:
        yield f"Escalation: {is_now.escalation or 'none'}" + (f", {then.escalation} before" if then.escalation else "")


def _why(incident: Incident) -> str:
    if incident.override is not None:
        return f"set by {incident.override.by}: {incident.override.why}"
    fired = [rule for rule in incident.severity.fired if rule["level"] == incident.severity.level]
    return "; ".join(f"{rule['id']}{_because(rule.get('because', {}))}" for rule in fired[:2])


def _because(facts: Mapping[str, Any]) -> str:
    said = [text for fact, value in facts.items() if (text := _fact(fact.replace("_", " "), value))]
    return f" ({', '.join(said)})" if said else ""


def _fact(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{name} {minutes(value.get('at_least') or 0)}"
    if isinstance(value, list):
        return f"{name} {', '.join(map(str, value[:3]))}" if value else ""
    return name if value is True else f"{name} {value}"


def _cause(then: Heard, incident: Incident, is_now: Heard, *, inside: bool) -> Iterator[str]:
    if then.cause == is_now.cause:
        if not then.state and inside:
            yield f"No cause is named yet: {incident.abstained or 'the evidence does not suffice'}"
    elif not is_now.cause:
        yield f"{then.cause} is no longer held to be the cause" + (f": {incident.abstained}" if inside else "")
    else:
        share = ""
        if inside and incident.candidates:
            first = incident.candidates[0]
            explained = f"it explains {first.explained} of {first.explained + first.unexplained} symptoms"
            share = f" ({explained}{', and shows no alert itself' if first.silent else ''})"
        yield f"Cause: {is_now.cause}{share}" + (f", not {then.cause} as said before" if then.cause else "")


def _impact(then: Heard, is_now: Heard, *, inside: bool) -> Iterator[str]:
    worse = [f"{name} is {state}" for name, state in is_now.services.items() if then.services.get(name) != state]
    better = [name for name in then.services if name not in is_now.services]
    if worse:
        yield _listed(worse, "business services")
    if better:
        yield f"No longer affected: {_listed(better, 'business services')}"
    if inside and then.hit != is_now.hit:
        was = f", {then.hit} before" if then.state else ""
        firing = "1 alert fires" if is_now.firing == 1 else f"{is_now.firing:,} alerts fire"
        yield f"{_count(is_now.hit, 'entity')} hit{was}; {firing}"


def _clocks(then: Heard, is_now: Heard) -> Iterator[str]:
    found = [text for id, clock in is_now.clocks.items() for text in _clock(then.clocks.get(id), clock)]
    found += [f"{clock[0]} has no deadline any more" for id, clock in then.clocks.items() if id not in is_now.clocks]
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"{len(found) - SHOWN} more deadlines have changed"


def _clock(old: Deadline | None, clock: Deadline) -> Iterator[str]:
    name, state, due, soon, passed = clock
    at = when(due or 0)
    if old is not None and old[1:] == clock[1:]:
        return
    if state in ("fulfilled", "dismissed", "not_applicable"):
        if old is None or old[1] != state:
            yield f"{name}: {state.replace('_', ' ')}"
    elif state == "overdue" or passed:
        if old is None or not (old[1] == "overdue" or old[4]):
            yield f"{name} is overdue since {at}"
    elif soon and (old is None or not old[3]):
        yield f"{name} is due soon: {at}"
    elif old is None or old[2] != due:
        yield f"{name} is due {at}" + (f", {when(old[2])} before" if old and old[2] is not None else "")
    else:
        yield f"{name}: {state}, due {at}"


def _people(then: Heard, is_now: Heard) -> Iterator[str]:
    if then.acknowledged != is_now.acknowledged and is_now.acknowledged:
        yield f"Acknowledged by {is_now.acknowledged}"
    if then.assigned != is_now.assigned:
        yield f"Assigned to {is_now.assigned or 'nobody'}" + (f", {then.assigned} before" if then.assigned else "")


def _state(one: Impacted) -> str:
    if one.low == UP:
        return "at risk" if one.at_risk or one.down_at is None else f"expected to be down from {when(one.down_at)}"
    if one.low == one.high:
        return "down" if one.low == 0 else "degraded"
    return "perhaps down" if one.low == 0 else "perhaps degraded"


def _listed(names: Iterable[str], what: str) -> str:
    all_ = list(names)
    more = f" and {len(all_) - SHOWN} more {what}" if len(all_) > SHOWN else ""
    return "; ".join(all_[:SHOWN]) + more


def _count(number: int, what: str) -> str:
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"
