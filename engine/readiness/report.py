"""The readiness of a period: phases, objectives, deadlines, alarms, coverage; and what others add to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from engine.evidence.model.cases import Learning
from engine.evidence.model.intervals import Share, share
from engine.readiness.coverage import Coverage
from engine.readiness.figures import Attained, Duration, attained, durations
from engine.readiness.phases import Past
from engine.signals import Millis

OBJECTIVES = ("rto", "rpo")


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """How often the alarm was false: incidents that people dismissed; alerts that people judged to be false; and alerts
    that were kept back and that people judged to be real (``judged`` ones only: nobody knows of the others)."""

    incidents_dismissed: Share
    alerts_false: Share
    suppressed_real: Share


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number that a part of the engine adds: ``id`` as a metric is named (without prefix, with its unit), with what
    it says; ``value`` None: nothing is known. ``count`` is of how many it was made, where that says something.
    ``due``: a person has something to do, as ``detail`` says."""

    id: str
    text: str
    value: float | None
    unit: str
    count: int | None = None
    due: bool = False
    detail: tuple[str, ...] = ()


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Of incidents opened from ``since`` to ``until`` (milliseconds) that are over."""

    since: Millis
    until: Millis
    incidents: int
    durations: tuple[Duration, ...]
    objectives: tuple[Attained, ...]
    deadlines: tuple[Attained, ...]
    alarms: Alarms
    duplicate_tickets: int
    coverage: tuple[Coverage, ...]
    figures: tuple[Figure, ...]


Producer = Callable[[Millis, Millis], Iterable[Figure]]
"""(since, until) -> figures of the period."""


class Registry:
    """Figures that other parts of the engine add: each part once, by name."""

    def __init__(self) -> None:
        self._producers: dict[str, Producer] = {}

    def add(self, part: str, producer: Producer) -> None:
        """``part`` names who adds them; a second part of that name is a mistake (ValueError)."""
        if part in self._producers:
            raise ValueError(f"{part} adds figures already")
        self._producers[part] = producer

    def figures(self, since: Millis, until: Millis) -> list[Figure]:
        """Of all parts, in the order in which they were added. Two of one id are a mistake (ValueError)."""
        found = [figure for producer in self._producers.values() for figure in producer(since, until)]
        ids = [figure.id for figure in found]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two figures of one name: {sorted({id for id in ids if ids.count(id) > 1})}")
        return found


def readiness(
    found: Sequence[Past],
    learning: Learning | None,
    covered: Sequence[Coverage],
    figures: Sequence[Figure],
    since: Millis,
    until: Millis,
    *,
    duplicates: int = 0,
) -> Readiness:
    """Of everything that is over, what was opened in the period."""
    within = [one for one in found if since <= one.opened_at < until]
    real = [one for one in within if not one.false_alarm]
    return Readiness(
        since=since,
        until=until,
        incidents=len(within),
        durations=tuple(durations(real, since, until)),
        objectives=tuple(attained(((one.kind, one.met) for past in real for one in past.objectives), OBJECTIVES)),
        deadlines=tuple(attained((one.kind, one.met) for past in real for one in past.deadlines)),
        alarms=alarms(within, learning, since, until),
        duplicate_tickets=duplicates,
        coverage=tuple(covered),
        figures=tuple(figures),
    )


def alarms(found: Sequence[Past], learning: Learning | None, since: Millis, until: Millis) -> Alarms:
    """What people established, of incidents given and of alerts judged in the period."""
    judged = [] if learning is None else list(learning.judged.values())
    outcomes = [
        (case.outcome.real, any(case.rules.values()))
        for case in judged
        if case.outcome is not None and since <= case.outcome.at < until
    ]
    kept = [real for real, back in outcomes if back]
    return Alarms(
        incidents_dismissed=share(sum(one.false_alarm for one in found), len(found)),
        alerts_false=share(sum(not real for real, _ in outcomes), len(outcomes)),
        suppressed_real=share(sum(kept), len(kept)),
    )
