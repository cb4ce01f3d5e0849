"""What belongs to an incident and why: its alerts, entities that deviate silently, changes; and when all of it began.

The onset goes back from the first alert to the first sign of trouble in the series, log records and spans of the
incident's entities (`engine.evidence.beginning`). It is provisional until the allowed lateness after the first alert
has passed; then it stays, but for what an earlier alert or an entity that joins adds. None of this changes the
partition: that is a function of the alerts alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.cause.rank import FLOOR
from engine.context import Context
from engine.correlate.graph import SymptomGraph
from engine.correlate.partition import Trouble
from engine.evidence.beginning import Began, beginnings, first
from engine.evidence.logs.change import rise
from engine.evidence.profile import DEVIATES
from engine.evidence.traces.terms import spans_deviate
from engine.member_views import MemberView, OnsetView
from engine.reasons import Reason
from engine.signals import Millis
from engine.state import Incident
from topology.model import Semantics, Topology

SHOWN = 50
"""Members of one kind in a revision."""
EXAMINED = 200
"""Entities whose signs are looked at for the onset: those that alerted first."""
BEFORE_ONSET: Millis = 30 * 60_000
"""A change so long before the onset belongs to it …"""
AFTER_ONSET: Millis = 60_000
"""… or so shortly after."""
HOPS, MOST = 3, 200
"""How far, and among how many entities, the way from a silent entity to one of the incident is looked for."""


def follow(context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, now: Millis) -> None:
    """Bring onset and members in line with what is known now."""
    _onset(context, incident, now)
    alerting = _alerting(graph, trouble)
    silent = _silent(context, incident, now)
    changed = list(_changed(context, incident, [one.entity for one in silent]))
    incident.members_total = len(alerting) + len(silent) + len(changed)
    incident.members = (*alerting[:SHOWN], *silent[:SHOWN], *changed[:SHOWN])


def _onset(context: Context, incident: Incident, now: Millis) -> None:
    start = incident.onset
    known = incident.began
    entities = tuple(dict.fromkeys((*incident.entities[:EXAMINED], *_silent_ones(incident))))[:EXAMINED]
    if known is not None and (known.at >= start or known.entity not in (*entities, *incident.examined)):
        incident.began, incident.examined = None, ()  # an earlier alert has come, or it is another incident's now
    examined = set(incident.examined)
    new = tuple(entity for entity in entities if entity not in examined)[: EXAMINED - len(examined)]
    if not new and not incident.onset_provisional:
        return
    state = context.state
    found = first(list(beginnings(state.telemetry, state.logs, state.traces, new, start).values()))
    signs = [one for one in (incident.began if incident.examined else None, _view(found)) if one is not None]
    incident.began = min((one for one in signs if one.at < start), key=lambda one: (one.at, one.entity), default=None)
    incident.onset_provisional = now < start + context.rules.correlation.lateness
    incident.examined = () if incident.onset_provisional else (*incident.examined, *new)
    if incident.begun and not incident.onset_provisional:
        _tell(context, incident, now)


def _silent_ones(incident: Incident) -> tuple[str, ...]:
    """What deviates without an alert, and a cause without one."""
    known = incident.cause is None or incident.cause in incident.entities
    return incident.deviating if known else (str(incident.cause), *incident.deviating)


def _view(sign: Began | None) -> OnsetView | None:
    return OnsetView(**msgspec.structs.asdict(sign)) if sign is not None else None


def _tell(context: Context, incident: Incident, now: Millis) -> None:
    """A line of the timeline when the onset is not what was said before."""
    began = incident.began
    at = began.at if began else None
    if at == incident.onset_told:
        return
    incident.onset_told = at
    facts: dict[str, object] = {"first_alert_at": incident.onset}
    text = "Began with its first alert, by what is known now"
    if began is not None:
        facts |= msgspec.structs.asdict(began)
        sign = f"{began.source} of {began.entity}" + (f", {began.what}" if began.what else "")
        text = f"Began {round((incident.onset - began.at) / 1000)} s before its first alert: {sign}"
    context.tell(incident.id, incident.domain, now, "onset", text, facts=facts)


def _alerting(graph: SymptomGraph, trouble: Trouble) -> list[MemberView]:
    """One for each entity, by its first node; the root first."""
    found: dict[str, MemberView] = {}
    rows = sorted((graph.nodes[i].start, graph.nodes[i].entity, i) for i in trouble.nodes)
    for start, entity, index in rows:
        if entity in found:
            continue
        join = trouble.joins[index]
        by = join.because[1:] if join.because[:1] == (entity,) else join.because
        found[entity] = MemberView(entity=entity, kind="alerting", reason=join.reason.value, because=by, since=start)
    return sorted(found.values(), key=lambda one: (one.reason != Reason.NEW_TROUBLE, one.since, one.entity))


def _silent(context: Context, incident: Incident, now: Millis) -> list[MemberView]:
    """Those that deviate now, and those that did and have not alerted since; a silent cause in any case."""
    cells = context.domain(incident.domain).cells
    kept = {one.entity: one for one in incident.members if one.kind == "deviating" and one.entity not in cells}
    state = context.state
    until = min(now, incident.onset + context.rules.correlation.window)
    asked = _silent_ones(incident)[:EXAMINED]
    signs = beginnings(state.telemetry, state.logs, state.traces, asked, until)
    for entity in asked:
        reason, because = _way(context.topology, entity, {*incident.entities, *asked} - {entity})
        sign = signs.get(entity)
        if sign is not None:
            shown: dict[str, Any] = {"since": sign.at, "source": sign.source, "what": sign.what, "facts": sign.facts}
        elif entity in kept:
            continue
        else:
            shown = _latest(context, entity, incident.onset, now)
        kept[entity] = MemberView(
            entity=entity, kind="deviating" if shown else "inferred", reason=reason, because=because, **shown
        )
    return sorted(kept.values(), key=lambda one: (one.since is None, one.since or 0, one.entity))


def _latest(context: Context, entity: str, onset: Millis, now: Millis) -> dict[str, Any]:
    """What it shows, where it cannot be told when that began; nothing where it shows nothing."""
    state, since = context.state, onset - AFTER_ONSET
    moved = [one for one in state.telemetry.latest(entity, since) if one.score >= DEVIATES]
    worst = max(moved, key=lambda one: (one.score, one.metric), default=None)
    if worst is not None:
        facts = {"usual": worst.usual, "seen": worst.seen, "deviation": round(worst.score, 2)}
        return {"source": "series", "what": worst.metric, "facts": facts}
    risen = rise(state.logs, entity, since, now)
    if risen is not None:
        return {"source": "logs", "what": risen.text, "facts": {"seen": risen.seen, "usual": round(risen.usual, 2)}}
    return {"source": "spans"} if spans_deviate(state.traces, entity, since, now) else {}


def _way(topology: Topology, entity: str, others: set[str]) -> tuple[str, tuple[str, ...]]:
    """Whose provider, or consumer, it is: the nearest of the others in either direction, with the way to it."""
    for reason in ("provider", "consumer"):
        ways: list[tuple[str, ...]] = [(entity,)]
        seen = {entity}
        for _ in range(HOPS):
            following: list[tuple[str, ...]] = []
            for way in ways:
                for other in sorted(_next(topology, way[-1], reason)):
                    if other in others:
                        return reason, (*way[1:], other)
                    if other not in seen and len(seen) < MOST:
                        seen.add(other)
                        following.append((*way, other))
            ways = following
    return "unconnected", ()


def _next(topology: Topology, entity: str, reason: str) -> set[str]:
    if reason == "provider":
        return {d.consumer for d in topology.consumers(entity) if d.semantics is not Semantics.INFO}
    return {d.provider for d in topology.providers(entity) if d.semantics is not Semantics.INFO}


def _changed(context: Context, incident: Incident, silent: list[str]) -> Iterator[MemberView]:
    """Changes to what alerts, deviates or may be the cause, shortly before the onset."""
    onset = incident.began.at if incident.began else incident.onset
    candidates = (one.entity for one in incident.candidates if one.score >= FLOOR)
    changes = context.state.changes
    rows = [
        (abs(onset - change.at), entity, change)
        for entity in sorted({*incident.entities, *silent, *candidates} & changes.keys())
        for change in changes[entity]
        if onset - BEFORE_ONSET <= change.at <= onset + AFTER_ONSET
    ]
    for _, entity, change in sorted(rows, key=lambda row: (row[0], row[1], row[2].what, row[2].detail)):
        yield MemberView(
            entity=entity,
            kind="changed",
            reason="before_onset" if change.at <= onset else "after_onset",
            because=(f"{change.what} {change.detail}".strip(),),
            since=change.at,
            source="changes",
            what=change.what,
            facts={"before_onset_ms": onset - change.at},
        )
