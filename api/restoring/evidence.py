"""What a forensic bundle holds: everything that the engine knows of an incident, and what was in force meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import msgspec

from api import continuity
from api.logs import logs_of
from engine.chain import ChainRow, Head
from engine.evidence.logs.store import Logs
from engine.outcomes import AlertView, IncidentView, TimelineEntry
from engine.ports import Page, Reader, Version
from engine.sending import Link
from rules.ruleset import RuleSet

PAGE = 500
MOST = 100_000
"""Rows of a kind."""
TEMPLATES = 500
ENTITIES = 200


class Recorded(Reader, Protocol):
    """A store that also has the record of decisions."""

    def chain(self, domain: str) -> Iterable[ChainRow]:
        """The records of a domain, in their order."""

    def heads(self) -> list[Head]:
        """The stored end of every chain."""


def gather(
    store: Recorded,
    view: IncidentView,
    rules: RuleSet,
    version: Callable[[str, str], Version | None],
    tickets: Sequence[Link],
    logs: Logs | None,
) -> dict[str, bytes]:
    """Path -> content. Alerts with their evidence and dispositions, what logs said, configurations in force, command
    histories, decisions, messages, tickets, and the piece of the record of decisions from the time of the incident."""
    revisions, timeline = store.revisions(view.id), store.timeline(view.id)
    report = continuity.report(store, view.id, rules)
    alerts = list(_pages(lambda cursor: store.alerts(incident=view.id, cursor=cursor, limit=PAGE)))
    return {
        "incident.json": _pretty(view),
        "revisions.jsonl": _lines(revisions),
        "timeline.jsonl": _lines(timeline),
        "report.json": _pretty(report),
        "decisions.jsonl": _lines(report.decisions if report is not None else ()),
        "commands.jsonl": _lines(_commands(timeline)),
        "messages.jsonl": _lines(_pages(lambda cursor: store.outbox(incident=view.id, cursor=cursor, limit=PAGE))),
        "tickets.jsonl": _lines(tickets),
        "alerts.jsonl": _lines(alerts),
        "dispositions.jsonl": _lines(_dispositions(store, alerts)),
        "logs.jsonl": _lines(_logs(view, rules, logs)),
        **_configurations(revisions, version),
        **_record(store, revisions),
    }


def _commands(timeline: Iterable[TimelineEntry]) -> Iterator[TimelineEntry]:
    """What was run, for whom, and what it said."""
    return (line for line in timeline if line.kind in ("step", "task", "gate"))


def _dispositions(store: Reader, alerts: Iterable[object]) -> Iterator[dict[str, Any]]:
    for alert in alerts:
        if isinstance(alert, AlertView):
            for event in dict.fromkeys((alert.first_event, alert.last_event)):
                yield {"alert": alert.no, "event": event, "history": store.why(event)}


def _logs(view: IncidentView, rules: RuleSet, logs: Logs | None) -> Iterator[object]:
    """What the entities of the incident have logged lately, as masked templates with counts."""
    entities = dict.fromkeys((*([view.cause] if view.cause else ()), *view.entities))
    for entity in list(entities)[:ENTITIES]:
        if logs is not None and entity in logs.entities:
            yield logs_of(logs, entity, {"rules": rules.version}, TEMPLATES)


def _configurations(
    revisions: Iterable[IncidentView], version: Callable[[str, str], Version | None]
) -> dict[str, bytes]:
    """Every version of topology and rules (playbooks among them) that a revision was decided with."""
    named = {(kind, id) for one in revisions for kind, id in one.versions.items() if id}
    for one in revisions:
        used = (*one.response.past, *([one.response.execution] if one.response.execution else ()))
        named |= {("rules", execution.rules) for execution in used if execution.rules}
    stored = {(kind, id): version(kind, id) for kind, id in sorted(named)}
    return {
        f"configuration/{kind}-{id}.json": found.content for (kind, id), found in stored.items() if found is not None
    }


def _record(store: Recorded, revisions: Sequence[IncidentView]) -> dict[str, bytes]:
    """The hash-chained record of its domains from the time it began, and the ends of all chains as anchors."""
    since = min((one.opened_at for one in revisions), default=0)
    files = {"record/heads.jsonl": _lines(_head(one) for one in store.heads())}
    for number, domain in enumerate(sorted({one.domain for one in revisions})):
        rows = (_row(one) for one in store.chain(domain) if one.at >= since)
        files[f"record/chain-{number}.jsonl"] = _lines(islice(rows, MOST))
    return files


def _head(one: Head) -> dict[str, object]:
    return {"domain": one.domain, "seq": one.seq, "link": one.link.hex()}


def _row(one: ChainRow) -> dict[str, object]:
    return {
        "domain": one.domain,
        "seq": one.seq,
        "position": one.position,
        "at": one.at,
        "digest": one.digest.hex(),
        "link": one.link.hex(),
        "salt": None if one.salt is None else one.salt.hex(),
        "payload": None if one.payload is None else one.payload.decode("utf-8", "replace"),
    }


def _pages(page: Callable[[str], Page]) -> Iterator[object]:
    cursor, count = "", 0
    while count < MOST:
        found = page(cursor)
        yield from found.items
        count += len(found.items)
        cursor = found.next
        if not cursor:
            return


def _lines(things: Iterable[object]) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in things)


def _pretty(thing: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(thing), indent=1)
