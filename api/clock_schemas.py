"""What the API answers about regulatory clocks. Advisory: a named person sets every mark."""

from __future__ import annotations

import msgspec

from api.schemas import Versions
from engine.clock_views import ClockView, CriterionView, FactView, RegimeView
from engine.outcomes import TimelineEntry
from engine.signals import Millis


class ClockNow(ClockView, kw_only=True, frozen=True):
    """A clock of an incident as of now: ``seconds_left`` until ``due`` (negative: over); null where it has no deadline
    or has ended."""

    incident: str
    title: str
    seconds_left: int | None


class ClocksOf(msgspec.Struct, kw_only=True):
    """The regimes that an incident is judged by, and its clocks at ``at``, open ones first. ``history`` is all that the
    timeline says of them, oldest first."""

    incident: str
    revision: int
    at: Millis
    clocks: list[ClockNow]
    regimes: tuple[RegimeView, ...]
    history: list[TimelineEntry]
    versions: Versions


class ClockPage(msgspec.Struct, kw_only=True):
    """Clocks of all incidents that nobody has ended, the soonest first; ``next`` is the cursor of the following page,
    empty at the end. ``versions`` are those in force; each clock names the rules it was computed from."""

    items: list[ClockNow]
    next: str
    total: int
    at: Millis
    versions: Versions


class TogetherOf(msgspec.Struct, kw_only=True):
    """What several incidents would be under a regime if they were one (``answer``): the facts added up, and the
    criteria. Whether they have the same root cause is for a person to say."""

    regime: str
    since: str
    incidents: list[str]
    causes: list[str]
    classification: str
    answer: str
    because: tuple[str, ...]
    criteria: list[CriterionView]
    facts: list[FactView]
    versions: Versions
