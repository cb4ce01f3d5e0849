"""Who is on duty at a moment, and what is wrong with a roster before it is needed: gaps, double bookings, its end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from rules.duty.model import Roster, Shift

GAP, DOUBLE, EXPIRED, ENDS_SOON, EMPTY = "gap", "double_booking", "expired", "ends_soon", "empty"


class Weakness(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a roster from ``since`` until ``until`` (None: for good), and who is concerned."""

    roster: str
    kind: str
    since: int
    until: int | None = None
    people: tuple[str, ...] = ()


def on_call(roster: Roster, at: int) -> tuple[str, ...]:
    """Who is on duty at a moment, in the order in which their shifts began; nobody where the roster has a gap."""
    found = (one.person for one in roster.shifts if one.starts_at <= at < one.ends_at)
    return tuple(dict.fromkeys(found))


def weaknesses(roster: Roster, now: int) -> tuple[Weakness, ...]:
    """What is wrong from now on for as long as the roster has to reach, by time."""
    until = now + roster.ahead
    if not roster.shifts:
        return (Weakness(roster=roster.id, kind=EMPTY, since=now),)
    last = max(one.ends_at for one in roster.shifts)
    if last <= now:
        return (Weakness(roster=roster.id, kind=EXPIRED, since=last),)
    found = [*_stretches(roster, now, min(until, last)), *_clashes(roster, now)]
    if last < until:
        found.append(Weakness(roster=roster.id, kind=ENDS_SOON, since=last))
    return tuple(sorted(found, key=lambda one: (one.since, one.kind, one.people)))


def _stretches(roster: Roster, since: int, until: int) -> Iterator[Weakness]:
    """Where fewer or more people are on duty than there should be, neighbouring stretches of a kind as one."""
    turns = {since, until, *(t for one in roster.shifts for t in (one.starts_at, one.ends_at) if since < t < until)}
    ordered = sorted(turns)
    open_: Weakness | None = None
    for begin, end in pairwise(ordered):
        people = on_call(roster, begin)
        kind = GAP if len(people) < roster.people else DOUBLE if len(people) > roster.people else ""
        said = people if kind == DOUBLE else ()
        if open_ is not None and (open_.kind, open_.people) == (kind, said):
            open_ = msgspec.structs.replace(open_, until=end)
            continue
        if open_ is not None:
            yield open_
        open_ = Weakness(roster=roster.id, kind=kind, since=begin, until=end, people=said) if kind else None
    if open_ is not None:
        yield open_


def _clashes(roster: Roster, now: int) -> Iterator[Weakness]:
    """A person who is booked twice at once, which hides that somebody is missing."""
    latest: dict[str, Shift] = {}
    for one in sorted(roster.shifts, key=lambda shift: (shift.starts_at, shift.ends_at)):
        before = latest.get(one.person)
        if before is not None and one.starts_at < before.ends_at and before.ends_at > now:
            until = min(before.ends_at, one.ends_at)
            yield Weakness(roster=roster.id, kind=DOUBLE, since=one.starts_at, until=until, people=(one.person,))
        if before is None or one.ends_at > before.ends_at:
            latest[one.person] = one
