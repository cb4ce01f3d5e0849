"""What is told to whom: publications for the outbox, from one revision, for every audience in parallel.

Every message carries what is new for its audience since the one before (`engine.news`). An update without news is not
sent; updates that wait are due together, and the last one stands for all, so it tells all that they would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from engine.context import Context
from engine.drills import DRILL
from engine.heard import Heard, Told
from engine.lifecycle import OPEN
from engine.news import BUSINESS, heard_of, news, over
from engine.outcomes import Impacted, Publication
from engine.response_views import Response
from engine.routing import sinks_of, ticket_of, with_record
from engine.signals import Millis
from engine.state import Incident
from rules.routing import AUDIENCES

SHOWN_IMPACT = 50
"""Impacted entities in a message; the message gives the total."""
RELATED = 20
"""Other incidents that a publication names."""
CHANGED = "what is known has changed"
"""Why an update is sent whose news say it all."""
BACK = "Nothing is new since the last message: what had changed has changed back"
INSIDE = ("engineers", "tickets")
"""Audiences that work on it: they hear of who is on it, and why."""
_LED = frozenset({"open", "reopen", "resolve", "merge"})
"""Actions whose reason says in what state the incident is."""


class Manner(NamedTuple):
    """How something is told. ``sinks`` take the place of those of the routes, and then hear nothing but what is said;
    ``also`` are further ones for engineers. ``about`` goes into the body, ``mark`` into the key. An update is told
    ``at_once`` or keeps the group interval. ``because`` is what led to it, for the reason of the revision."""

    audiences: Sequence[str] = AUDIENCES
    sinks: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()
    about: Mapping[str, Any] = {}
    related: tuple[str, ...] = ()
    mark: str = ""
    at_once: bool = False
    because: str = ""


class _Message(NamedTuple):
    lines: list[str]
    not_before: Millis
    before: Heard | None
    own: tuple[str, ...] = ()


USUAL = Manner()


def tell_incident(
    context: Context,
    incident: Incident,
    action: str,
    now: Millis,
    why: str,
    *,
    lines: Sequence[str] = (),
    how: Manner = USUAL,
) -> None:
    """Queue one publication per audience that it has news for. Updates keep the group interval, and those that wait are
    due together, so that the last one stands for all; all else goes at once. ``lines`` are said before the news, on an
    update only to those who work on it."""
    if not incident.begun:
        return
    messages: dict[str, _Message] = {}
    for audience in AUDIENCES:
        if audience in how.audiences:
            said = lines if action != "update" or how.at_once or audience in INSIDE else ()
            said = (*_lead(context, incident, action, why), *said)
            message = _message(context, incident, action, audience, now, said, how)
            if message is not None:
                messages[audience] = message
    incident.told = True
    if how.audiences == AUDIENCES:
        incident.told_digest = telling_digest(incident)
    if "stakeholders" in messages and how.sinks is None:
        promise(context, incident, messages["stakeholders"].not_before)
    context.revise(incident, now, "; ".join(filter(None, (how.because, why))))
    if not messages:
        return
    view = context.view(incident, why)
    shown = msgspec.structs.replace(view, impact=_shown(view.impact), regimes=(), response=Response())
    body = {"incident": msgspec.to_builtins(shown), "why": why, **how.about}
    for audience, message in messages.items():
        _post(context, incident, action, audience, now, message, body, how)


def _shown(impact: Sequence[Impacted]) -> tuple[Impacted, ...]:
    """The first of them, all business services before anything else is left out."""
    business = [one for one in impact if one.kind in BUSINESS][:SHOWN_IMPACT]
    room = SHOWN_IMPACT - len(business)
    kept = {one.entity for one in (*business, *[one for one in impact if one.kind not in BUSINESS][:room])}
    return tuple(one for one in impact if one.entity in kept)


def promise(context: Context, incident: Incident, since: Millis) -> None:
    """Stakeholders hear of it, or somebody writes about it: when they are to hear next, by the severity in force."""
    every = context.rules.content.updates.of(incident.level)
    if incident.state not in OPEN or every is None or not incident.told:
        incident.next_update_at, incident.update_overdue = None, False
        context.timers.cancel("update", incident.id)
        return
    incident.next_update_at, incident.update_overdue = since + every, False
    context.timers.set(incident.next_update_at, "update", incident.id)


def telling_digest(incident: Incident) -> str:
    """What people want to hear of when it changes."""
    asked = incident.override.seen if incident.override else ""  # whoever set a level hears when it is asked again
    about = (incident.level, asked, incident.escalation.level, str(incident.impact_total))
    broken = (f"{one.entity}/{one.id}" for one in incident.harm.assumptions if one.broken)
    back = (incident.recovery.verdict,) if incident.recovery else ()
    return "|".join((incident.state, incident.cause or "", *about, *back, *broken, *_regulatory(incident)))


def _regulatory(incident: Incident) -> Iterator[str]:
    """Which regimes say yes, and where their clocks with a deadline stand."""
    for id, case in sorted(incident.regimes.items()):
        if case.view is not None and case.view.answer == "yes":
            yield id
        for clock in sorted(case.clocks):
            one = case.clocks[clock]
            if one.due is not None:
                yield f"{id}/{clock} {one.state} {one.due} {one.provisional} {one.soon} {one.passed}"


def _lead(context: Context, incident: Incident, action: str, why: str) -> list[str]:
    """What a message begins with."""
    if action not in _LED:
        return []
    found = [why[:1].upper() + why[1:]]
    if action == "resolve":
        found.append(over(incident))
    if action == "open" and context.state.storm:
        found.append(f"It began in an alert storm of {context.state.storms.alerts:,} new alerts so far")
    return found


def _related(context: Context, incident: Incident) -> tuple[str, ...]:
    """Incidents that people know of and that this one has to do with: what it was split from, what hits the same
    together with it, and what began in its domain in the same storm."""
    state = context.state
    found = [incident.split_from, *(name for one in incident.impact for name in one.together)]
    if state.storm:
        others = (state.incidents[name] for name in sorted(context.domain(incident.domain).open))
        found += [other.id for other in others if other.opened_at >= state.storms.since]
    known = (state.incidents.get(name) for name in dict.fromkeys(found) if name and name != incident.id)
    return tuple(other.id for other in known if other is not None and other.told)[:RELATED]


def _message(
    context: Context, incident: Incident, action: str, audience: str, now: Millis, lines: Sequence[str], how: Manner
) -> _Message | None:
    """What an audience is told, and when; None: nothing is new for it."""
    if how.sinks is not None:
        return _Message(list(lines), now, None)
    told = incident.heard.get(audience)
    waiting = told is not None and told.at > now
    before = None if told is None else told.before if waiting else told.said
    own = tuple(dict.fromkeys((*(told.lines if told is not None and waiting else ()), *lines)))
    found = list(dict.fromkeys((*own, *news(before, incident, audience, led=action in _LED))))
    if action != "update" or told is None:
        return _Message(found, now, before)
    if waiting and not lines and not news(told.said, incident, audience):
        return None  # what waits says it all
    if not found and not waiting:
        return None
    due = told.at if waiting else max(now, told.at + context.rules.correlation.group_interval)
    return _Message(found or [BACK], now if how.at_once else due, before, own)


def _post(
    context: Context,
    incident: Incident,
    action: str,
    audience: str,
    now: Millis,
    message: _Message,
    body: Mapping[str, Any],
    how: Manner,
) -> None:
    sinks = how.sinks if how.sinks is not None else sinks_of(context, incident, audience)
    if sinks is not None and (how.sinks is not None or audience == "engineers"):
        sinks = with_record((*sinks, *how.also))
    if context.state.lane == DRILL:
        sinks = with_record(context.rules.continuity.drill_sinks)
    if how.sinks is None:
        incident.heard[audience] = Told(message.not_before, heard_of(incident), message.before, message.own)
    ticket = {"ticket": ticket_of(context, incident, action)} if audience == "tickets" else {}
    about = (incident.id, str(incident.generation), action, str(incident.revision), audience)
    publication = Publication(
        key=".".join((*about, how.mark) if how.mark else about),
        incident=incident.id,
        revision=incident.revision,
        generation=incident.generation,
        action=action,
        audience=audience,
        not_before=message.not_before,
        created_at=now,
        body={**body, "news": message.lines, **ticket},
        sinks=sinks,
        related=how.related or (_related(context, incident) if action == "open" else ()),
        alone=how.sinks is not None,
    )
    context.out.outbox.append(publication)
    context.recorder.publication(incident.domain, publication)
