"""What people say of regimes and clocks: marks, facts, dismissals. Each is kept with who, when and why.

A command that cannot be carried out names everything that is wrong with it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TypeVar

import msgspec

from engine.assess import reassess
from engine.clock_views import OPEN_CLOCKS, Dismissal, Pressed, Said
from engine.clock_words import when
from engine.clocks import announce, judge_regimes
from engine.context import Context
from engine.errors import Refused
from engine.lifecycle import State
from engine.regime_answers import counting, known_regime, open_case
from engine.signals import Command, Millis
from engine.state import Incident
from engine.times import parse_moment
from rules.regimes.loading import value as plain_value
from rules.regimes.model import Fact, Interval, Mark, Regime, Value
from rules.regimes.values import wrong

T = TypeVar("T", Mark, Fact)

SKEW: Millis = 60_000
"""How far ahead of ours another clock may be."""
EARLIEST: Millis = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)
MOST = 10**15
"""The largest amount that is taken."""
LISTED = 100
"""How often one mark or fact of an incident may be set."""
UNKNOWN = "unknown"


def mark(context: Context, command: Command, now: Millis) -> None:
    """A named person sets a mark: aware, classified, submitted …"""
    incident, regime, wrongs = _about(context, command)
    chosen = _one(command.facts["mark"], regime.marks if regime else (), "mark", regime, wrongs)
    at = _moment(command, now, wrongs)
    pressed = incident.regimes[regime.id].pressed if regime and regime.id in incident.regimes else {}
    if chosen and len(pressed.get(chosen.id, ())) >= LISTED:
        wrongs.append(f"mark {chosen.id} has been set {LISTED} times already")
    if wrongs or regime is None or chosen is None:
        raise Refused("; ".join(wrongs))
    case = incident.regimes.get(regime.id) or open_case(context, incident, regime)
    case.pressed.setdefault(chosen.id, []).append(
        Pressed(at=at, by=command.actor, pressed_at=now, reason=command.reason)
    )
    counts = counting(case, chosen)
    text = f"{regime.id}: {chosen.id} set to {when(at)} by {command.actor}"
    if counts is not None and counts.at != at:
        text += f"; {when(counts.at)}, set by {counts.by}, still counts ({chosen.counts})"
    _done(context, incident, command, now, "mark", text, {"at": at})


def withdraw_mark(context: Context, command: Command, now: Millis) -> None:
    """A person takes back a mark: the one that counts, or the one of a given moment. It stays on record."""
    incident, regime, wrongs = _about(context, command)
    chosen = _one(command.facts["mark"], regime.marks if regime else (), "mark", regime, wrongs)
    case = incident.regimes.get(regime.id) if regime else None
    pressed = case.pressed.get(chosen.id, []) if case and chosen else []
    at = _moment(command, now, wrongs) if command.facts.get("at") else None
    held = [n for n, one in enumerate(pressed) if one.withdrawn_at is None and at in (None, one.at)]
    if chosen and not wrongs and not held:
        wrongs.append(f"mark {chosen.id} is not set" + ("" if at is None else f" to {when(at)}"))
    if wrongs or case is None or chosen is None:
        raise Refused("; ".join(wrongs))
    counts = counting(case, chosen)
    number = held[0] if at is not None else next(n for n in held if pressed[n] == counts)
    pressed[number] = msgspec.structs.replace(
        pressed[number], withdrawn_by=command.actor, withdrawn_at=now, withdrawn_why=command.reason
    )
    text = f"{case.regime}: {chosen.id} of {when(pressed[number].at)} withdrawn by {command.actor}"
    _done(context, incident, command, now, "mark_withdrawn", text, {"at": pressed[number].at})


def give_fact(context: Context, command: Command, now: Millis) -> None:
    """A person says what a fact is. It counts instead of what the engine knows, which stays visible beside it."""
    incident, regime, wrongs = _about(context, command)
    chosen = _one(command.facts["fact"], regime.facts if regime else (), "fact", regime, wrongs)
    given = _value(chosen, command.facts["value"], wrongs) if chosen else None
    said = incident.regimes[regime.id].said if regime and regime.id in incident.regimes else {}
    if chosen and len(said.get(chosen.id, ())) >= LISTED:
        wrongs.append(f"fact {chosen.id} has been given {LISTED} times already")
    if wrongs or regime is None or chosen is None:
        raise Refused("; ".join(wrongs))
    case = incident.regimes.get(regime.id) or open_case(context, incident, regime)
    case.said.setdefault(chosen.id, []).append(Said(value=given, by=command.actor, at=now, reason=command.reason))
    text = f"{regime.id}: {chosen.id} is {command.facts['value'].strip()}, says {command.actor}"
    _done(context, incident, command, now, "fact", text, {})


def dismiss_clock(context: Context, command: Command, now: Millis) -> None:
    """A person ends a clock without its mark; or, with ``withdraw``, lets it run again."""
    incident, regime, wrongs = _about(context, command)
    case = incident.regimes.get(regime.id) if regime else None
    asked = command.facts["clock"]
    clock = case.clocks.get(asked) if case else None
    again = command.facts.get("withdraw", "") == "true"
    if command.facts.get("withdraw", "true") != "true":
        wrongs.append(f"withdraw is true, or left out, not {command.facts['withdraw']!r}")
    if clock is None and regime is not None:
        wrongs.append(f"no clock {asked!r} of {regime.id} is shown{_near(asked, case.clocks if case else ())}")
    elif clock is not None and again and clock.dismissed is None:
        wrongs.append(f"clock {asked} is not dismissed")
    elif clock is not None and not again and clock.state not in OPEN_CLOCKS:
        wrongs.append(f"clock {asked} is {clock.state} already")
    if wrongs or case is None or clock is None:
        raise Refused("; ".join(wrongs))
    ended = Dismissal(by=command.actor, at=now, reason=command.reason, applies=clock.applies)
    case.clocks[asked] = msgspec.structs.replace(clock, dismissed=None if again else ended)
    verb = "runs again, says" if again else "dismissed by"
    text = f"{case.regime}: {clock.name} {verb} {command.actor}"
    _done(context, incident, command, now, "clock_dismissed", text, {"applies": clock.applies})


CLOCK_COMMANDS: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "mark": mark,
    "withdraw_mark": withdraw_mark,
    "give_fact": give_fact,
    "dismiss_clock": dismiss_clock,
}


def _about(context: Context, command: Command) -> tuple[Incident, Regime | None, list[str]]:
    """The incident and the regime; what is wrong with them."""
    incident = context.state.incidents.get(command.target)
    if incident is None or not incident.begun:
        raise Refused(f"no incident {command.target!r} is open or was lately closed")
    if incident.state is State.MERGED:
        raise Refused(f"{incident.id} is merged: its clocks run on in {incident.merged_into}")
    asked = command.facts["regime"]
    regime = known_regime(context, incident, asked)
    if regime is not None:
        return incident, regime, []
    names = {one.id for one in context.rules.regimes} | incident.regimes.keys()
    there = f"; there are {', '.join(sorted(names))}" if names else "; the rules enable none"
    return incident, None, [f"no regime {asked!r} is in force for {incident.id}{_near(asked, names) or there}"]


def _one(id: str, known: Iterable[T], what: str, regime: Regime | None, wrongs: list[str]) -> T | None:
    names = {one.id: one for one in known}
    if id not in names and regime is not None:
        wrongs.append(f"{regime.id} has no {what} {id!r}{_near(id, names) or '; it has ' + ', '.join(names)}")
    return names.get(id)


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _moment(command: Command, now: Millis, wrongs: list[str]) -> Millis:
    text = command.facts.get("at", "").strip()
    if not text:
        return now
    try:
        at = parse_moment(text)
    except (ValueError, OverflowError) as error:
        wrongs.append(f"at {error}")
        return now
    if at > now + SKEW:
        wrongs.append(f"at lies in the future: {text}")
    if at < EARLIEST:
        wrongs.append(f"at lies before {when(EARLIEST)}: {text}")
    return at


def _value(fact: Fact, text: str, wrongs: list[str]) -> Value | None:
    """``true``, ``false``, a number, bounds (``10..20``, ``10..``, ``..20``), or ``unknown`` to take it back."""
    text = text.strip()
    if text == UNKNOWN:
        return None
    try:
        found = _bounds(text) if ".." in text and fact.kind == "number" else plain_value(fact.kind, text)
    except (ValueError, OverflowError):
        form = "true, false or unknown" if fact.kind == "truth" else "a number, bounds (10..20) or unknown"
        wrongs.append(f"the value of {fact.id} should be {form}, not {text[:100]!r}")
        return None
    bounds = (found.low, found.high) if isinstance(found, Interval) else (found,)
    if any(bound is not None and bound > MOST for bound in bounds):
        wrongs.append(f"the value of {fact.id} is larger than any amount")
    elif problem := wrong(fact, found):
        wrongs.append(problem)
    return found


def _bounds(text: str) -> Interval:
    low, _, high = text.partition("..")
    if not low.strip() and not high.strip():
        raise ValueError(text)
    return Interval(_number(low), _number(high))


def _number(text: str) -> int | float | None:
    if not text.strip():
        return None
    found = plain_value("number", text.strip())
    return None if isinstance(found, Interval) else found


def _done(
    context: Context, incident: Incident, command: Command, now: Millis, kind: str, text: str, facts: dict[str, object]
) -> None:
    said = f"{text}: {command.reason}" if command.reason else text
    about: dict[str, object] = {**command.facts, **facts}
    context.tell(incident.id, incident.domain, now, kind, said, actor=command.actor, facts=about)
    news = judge_regimes(context, incident, now, anew=True)
    why = "; ".join(filter(None, (text, news)))
    reassess(context, incident, now, why)
    announce(context, incident, now, why)
