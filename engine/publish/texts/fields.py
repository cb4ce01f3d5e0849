"""The fields that a template may name: all there are, each with its meaning. Lists come as lines, ready to be shown.

A field that has nothing to say is empty. All values are plain text, still to be escaped for a markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from engine.outcomes import Publication
from engine.publish.texts import engineers, lists, stakeholders
from engine.publish.texts.line import plain
from engine.publish.texts.news import comment
from engine.publish.texts.told import Told, told
from engine.publish.texts.words import heading, listed, people, reference, when
from engine.signals import Millis

Value = Callable[[Publication, Told], str]


class Field(msgspec.Struct, frozen=True):
    """A field's meaning, and how its value is found."""

    about: str
    value: Value


def _of(about: str, value: Callable[[Told], str]) -> Field:
    return Field(about, lambda publication, said: value(said))


def _lines(about: str, value: Callable[[Told], list[str]]) -> Field:
    return _of(f"{about}; one line each", lambda said: "\n".join(value(said)))


def _moment(at: Millis | None) -> str:
    return when(at) if at else ""


def _reach(said: Told) -> list[str]:
    return [f"{plain(one.role)}: {', '.join(map(plain, one.names)) or 'nobody is named'}" for one in said.reach.roles]


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "incident": Field("id of the incident", lambda one, said: plain(one.incident)),
        "revision": Field("number of the revision", lambda one, said: str(said.incident.revision or one.revision)),
        "generation": Field("1, and one more after each reopening", lambda one, said: str(one.generation)),
        "action": Field("open, update, resolve, reopen, merge, escalate …", lambda one, said: plain(one.action)),
        "audience": Field("engineers, stakeholders or tickets", lambda one, said: plain(one.audience)),
        "key": Field("the publication's own id, the same when it is sent again", lambda one, said: plain(one.key)),
        "heading": Field("the action in words: New incident, Update, Resolved …", heading),
        "reference": Field("incident and revision in words", reference),
        "why": _of("why this is told", lambda said: plain(said.why or said.incident.why)),
        "news": Field("what is new since the last telling; one line each", lambda one, said: comment(one)),
        "title": _of("where the trouble is, in the catalogue's ids", lambda said: plain(said.incident.title)),
        "state": _of("suspected, declared, restoring …", lambda said: plain(said.incident.state)),
        "status": _of("the state in words without jargon", lambda said: stakeholders.status(said.incident)),
        "statement": _of("what a person last told stakeholders", lambda said: stakeholders.statement(said.incident)),
        "severity": _of("SEV1 … SEV5", lambda said: plain(said.incident.severity.level)),
        "severity_why": _of("the severity with its three dimensions", lambda said: engineers.severity(said.incident)),
        "since": _of("when the trouble began", lambda said: _moment(said.incident.onset)),
        "over_since": _of("when service was back", lambda said: _moment(said.incident.resolved_at)),
        "next_update": _of("when the next update is due", lambda said: _moment(said.incident.next_update_at)),
        "summary": _of("which business services are hit", lambda said: stakeholders.summary(said.incident)),
        "services": _lines("business services that are hit", lambda said: stakeholders.services(said.incident)),
        "people": _of("how many people are affected", lambda said: people(said.incident.users)),
        "not_known": _of("what cannot be said yet", lambda said: listed(stakeholders.unknown(said.incident))),
        "obligations": _of("obligations reached", lambda said: ", ".join(map(plain, said.incident.obligations))),
        "deadlines": _lines("regulatory deadlines", lambda said: lists.deadlines(said.incident)),
        "assumptions": _lines("assumptions that do not hold", lambda said: lists.assumptions(said.incident)),
        "cause": _of("the cause, or why none is named", lambda said: engineers.cause(said.incident)),
        "evidence": _lines("what speaks for the cause", lambda said: lists.evidence(said.incident)),
        "path": _of("from the cause to its farthest symptom", lambda said: lists.path(said.incident)),
        "unexplained": _of("what the cause leaves open", lambda said: lists.unexplained(said.incident)),
        "candidates": _lines("candidate causes, best first", lambda said: lists.candidates(said.incident)),
        "impact": _lines("what is hit, with the path", lambda said: lists.impact(said.incident)),
        "impact_total": _of("number of entities that are hit", lambda said: str(said.incident.impact_total)),
        "objectives": _lines("countdowns of RTO and RPO", lambda said: lists.objectives(said.incident)),
        "alerts": _of("number of alerts", lambda said: str(said.incident.alerts)),
        "firing": _of("number of firing alerts", lambda said: str(said.incident.firing)),
        "assigned": _of("who has the incident", lambda said: plain(said.incident.assigned)),
        "acknowledged_by": _of("who said that they are on it", lambda said: plain(said.incident.acknowledged_by)),
        "merged_into": _of("the incident that this one became part of", lambda said: plain(said.incident.merged_into)),
        "escalation": _of("the level of an escalation", lambda said: plain(said.reach.level)),
        "reach": _lines("roles to be reached, with who fills them", _reach),
        "look": Field("where the whole of it can be read", lambda one, said: engineers.look(one)),
        "technical": Field("the text for engineers; lines", lambda one, said: engineers.technical(one).body),
        "business": Field("the text for stakeholders; lines", lambda one, said: stakeholders.business(one).body),
    }
)


def values(publication: Publication) -> dict[str, str]:
    """Every field's value for a publication."""
    said = told(publication)
    return {name: field.value(publication, said) for name, field in FIELDS.items()}
