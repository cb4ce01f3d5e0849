"""The argument of an incident or an alert, from what its own revision says: nothing is measured or judged here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from api.cause_words import AGAINST, FOR, abstention, arguments, change_in_words, first_before_second
from api.evidence_words import INDEPENDENT, SOURCES, USUAL, listed, number, span, term_in_words
from api.explanation_schemas import AlertArgued, Argument, CandidateArgued, IncidentExplanation
from api.severity_words import when
from engine.cause.rank import FLOOR
from engine.evidence.verdict import CONFIRM, CONTRADICT, Term, verdict
from engine.member_views import MemberView, OnsetView
from engine.outcomes import Impacted

Fields = Mapping[str, Any]

ARGUED = 12
"""Alerts, and entities hit, that are argued."""
_JOINED = {
    "new_trouble": "no other trouble explains it",
    "explained_by_cause": "it needs {by}, which is in trouble",
    "shared_silent_provider": "it needs {by}, which never reported and would explain several",
    "manual": "a person joined it",
    "storm": "it came with an alert storm",
}


def alert_argued(alert: Fields) -> AlertArgued:
    """Whether an alert is real, argued from its terms."""
    terms = [Term(**{key: term[key] for key in Term.__struct_fields__ if key in term}) for term in alert["terms"]]
    _, odds = verdict(terms)
    rows = [
        (term, Argument(kind=term.kind, text=_text(term), weight=term.log_odds, facts=term.facts)) for term in terms
    ]
    missing = [SOURCES[group] for group in USUAL if not any(t.group == group and t.log_odds for t in terms)]
    return AlertArgued(
        no=alert["no"],
        name=alert["name"],
        entity=alert["entity"],
        verdict=alert["verdict"],
        disposition=alert["disposition"],
        reason=alert["reason"],
        log_odds=odds,
        confirmed_from=CONFIRM,
        contradicted_until=CONTRADICT,
        speaks_for=[said for term, said in rows if term.log_odds > 0],
        speaks_against=[said for term, said in rows if term.log_odds < 0],
        not_used=[said for term, said in rows if term.log_odds == 0],
        nothing_from=missing,
        would_change=list(_would_change_verdict(alert, terms, odds, missing)),
    )


def explanation(incident: Fields, alerts: Sequence[Fields]) -> IncidentExplanation:
    """The whole argument of one revision, its text left out."""
    changes = [one for one in incident.get("members") or () if one["kind"] == "changed"]
    candidates = [_candidate(place, one, changes) for place, one in enumerate(incident["candidates"], 1)]
    real = [alert_argued(one) for one in _distinct(alerts)]
    first = incident["candidates"][:2]
    members = incident.get("members") or ()
    by = incident.get("onset_by")
    return IncidentExplanation(
        incident=incident["id"],
        revision=incident["revision"],
        state=incident["state"],
        severity=incident["severity"]["level"],
        conclusion=_conclusion(incident),
        onset=incident["onset"],
        first_alert_at=incident.get("first_alert_at"),
        onset_by=msgspec.convert(by, OnsetView) if by else None,
        onset_provisional=bool(incident.get("onset_provisional")),
        began=began_in_words(incident),
        members=msgspec.convert(list(members), list[MemberView]),
        joined=[member_in_words(one) for one in members],
        alerts=incident["alerts"],
        confirmed=incident["confirmed"],
        real=real,
        cause=incident["cause"],
        abstained=abstention(incident, FLOOR),
        candidates=candidates,
        first_before_second=first_before_second(*first) if len(first) > 1 else [],
        hit=msgspec.convert(list(incident["impact"][:ARGUED]), list[Impacted]),
        hit_total=incident["impact_total"],
        would_change=list(_would_change(incident, candidates, real)),
        versions=dict(incident["versions"]),
    )


def began_in_words(incident: Fields) -> str:
    """When the trouble began, and how that is known."""
    sign, first = incident.get("onset_by"), incident.get("first_alert_at")
    later = "; not final yet, as late input may move it" if incident.get("onset_provisional") else ""
    if not sign or first is None:
        return f"{when(incident['onset'])}, with its first alert{later}"
    what = f" ({sign['what']})" if sign["what"] else ""
    facts = sign["facts"]
    numbers = f", usually {number(facts['usual'])}, then {number(facts['seen'])}" if "usual" in facts else ""
    doubt = ""
    if sign["unsure"]:
        seen = f" between {when(sign['after'])} and then" if sign["after"] else " before"
        doubt = f"; perhaps earlier, as nothing was seen{seen}"
    return (
        f"{when(sign['at'])}, {span(first - sign['at'])} before its first alert: {sign['source']} of {sign['entity']}"
        f"{what}{numbers}{doubt}{later}"
    )


def member_in_words(member: Fields) -> str:
    """What belongs to an incident, and why."""
    kind, by = member["kind"], member["because"]
    if kind == "changed":
        return f"changed: {change_in_words(member)}"
    since = f" since {when(member['since'])}" if member["since"] else ""
    if kind == "alerting":
        why = _JOINED.get(member["reason"], member["reason"].replace("_", " ")).format(by=" → ".join(by))
        return f"{member['entity']} alerts{since}: {why}"
    way = f", {member['reason']} of {by[-1]}" if by else ", which no dependency connects with the others"
    over = f" over {' → '.join(by[:-1])}" if by[:-1] else ""
    if kind == "inferred":
        return f"{member['entity']} is inferred{way}{over}: nothing is measured of it"
    facts = member["facts"]
    far = f", {number(facts['deviation'])} standard deviations" if "deviation" in facts else ""
    what = f" {member['what']}" if member["what"] else ""
    return f"{member['entity']} deviates without an alert{since}{way}{over}: {member['source']}{what}{far}"


def _text(term: Term) -> str:
    return term_in_words({"kind": term.kind, "facts": term.facts})


def _candidate(place: int, one: Fields, changes: Sequence[Fields]) -> CandidateArgued:
    sides: dict[str, list[Argument]] = {}
    for name, side, words in arguments(one, changes):
        sides.setdefault(side, []).append(Argument(kind=name, text=words, weight=one["terms"].get(name, 0.0)))
    known = {FOR, AGAINST}
    return CandidateArgued(
        place=place,
        entity=one["entity"],
        score=one["score"],
        silent=one["silent"],
        path=tuple(one["path"]),
        explained=one["explained"],
        unexplained=one["unexplained"],
        counterfactual=one["counterfactual"],
        speaks_for=sides.get(FOR, []),
        speaks_against=sides.get(AGAINST, []),
        open=[said for side, rows in sides.items() if side not in known for said in rows],
    )


def _distinct(alerts: Iterable[Fields]) -> list[Fields]:
    """The first alert of every entity and name, those that evidence says most of first."""
    found: dict[tuple[str, str], Fields] = {}
    for alert in sorted(alerts, key=lambda one: one["no"]):
        found.setdefault((alert["entity"], alert["name"]), alert)
    rank = {"confirmed": 0, "contradicted": 1}
    return sorted(found.values(), key=lambda one: (rank.get(one["verdict"], 2), one["no"]))[:ARGUED]


def _conclusion(incident: Fields) -> str:
    real = f"{incident['confirmed']} of {incident['alerts']} alerts are confirmed by evidence from elsewhere"
    why = abstention(incident, FLOOR)
    if why:
        return f"{real}; no cause is named: {why}"
    first = incident["candidates"][0]
    return f"{real}; {first['entity']} is the likeliest cause (score {first['score']:.2f})"


def _would_change_verdict(alert: Fields, terms: Sequence[Term], odds: float, missing: Sequence[str]) -> Iterator[str]:
    elsewhere = any(term.group in INDEPENDENT and term.log_odds for term in terms)
    if alert["verdict"] == "unverifiable":
        if not elsewhere:
            yield f"any evidence from elsewhere would: there is none from {listed(missing)}"
        else:
            yield f"{number(CONFIRM - odds)} more would confirm it, {number(odds - CONTRADICT)} less contradict it"
    elif alert["verdict"] == "confirmed":
        yield f"it would no longer be confirmed with {number(odds - CONFIRM)} less" + _largest(terms, sign=1)
    else:
        yield f"it would no longer be contradicted with {number(CONTRADICT - odds)} more" + _largest(terms, sign=-1)
    if alert["held_until"]:
        until = when(alert["held_until"])
        yield f"it waits for evidence until {until}, and is then let in unless that speaks against it"


def _largest(terms: Sequence[Term], *, sign: int) -> str:
    best = max(terms, key=lambda term: (sign * term.log_odds, term.kind), default=None)
    return f"; it rests most on {SOURCES.get(best.group, best.group)}" if best is not None else ""


def _would_change(
    incident: Fields, candidates: Sequence[CandidateArgued], real: Sequence[AlertArgued]
) -> Iterator[str]:
    if incident["abstained"] and candidates:
        best = candidates[0]
        if best.score < FLOOR:
            yield f"a cause is named from {FLOOR} on: {best.entity} lacks {FLOOR - best.score:.2f}"
        elif len(candidates) > 1:
            yield f"anything measured of {best.entity} or {candidates[1].entity} that the other does not show"
    elif len(candidates) > 1:
        first, second = candidates[:2]
        yield f"were {first.entity} found healthy, {second.entity} ({second.score:.2f}) would be next"
    for one in candidates[:3]:
        if any(said.kind == "own" for said in one.open):
            yield f"telemetry, logs or spans of {one.entity}: nothing is measured of it"
    unseen = {(one.entity, said.text) for one in real for said in one.not_used}
    for entity, text in sorted(unseen)[:5]:
        yield f"what could not be used of {entity}: {text}"
    if incident.get("onset_provisional"):
        yield "input that is still on its way"
