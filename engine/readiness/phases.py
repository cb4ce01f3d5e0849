"""The phases of one incident that is over, from its revisions: when what began, how long it took, and what was met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from engine.clock_views import ClockView
from engine.lifecycle import OPEN, State
from engine.outcomes import IncidentView
from engine.signals import Millis

DETECTION, VALIDATION, ACKNOWLEDGEMENT = "detection", "validation", "acknowledgement"
INITIATION, RESTORATION, VERIFICATION = "restoration_initiation", "restoration", "verification"
PHASES = {
    DETECTION: "From the onset of an incident's trouble to the incident.",
    VALIDATION: "From an incident's begin to the first of its alerts that evidence confirmed.",
    ACKNOWLEDGEMENT: "From an incident's declaration to the person who acknowledged it.",
    INITIATION: "From an incident's declaration to the begin of its restoration, as a person said.",
    RESTORATION: "From an incident's begin to the end of its last alert.",
    VERIFICATION: "From the end of an incident's last alert to the proof that service is back.",
}
"""Phase -> what is measured. Seconds, all of them."""


class Met(msgspec.Struct, frozen=True):
    """An objective or deadline (``kind``: rto, mtd, rpo or a regime's id) that was at stake, and whether it was met;
    None: that is not known."""

    kind: str
    entity: str
    met: bool | None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One incident that is over: ``seconds`` by phase (only those that were gone through, and never negative),
    objectives and regulatory deadlines. ``false_alarm``: people dismissed it."""

    incident: str
    severity: str
    opened_at: Millis
    ended_at: Millis
    closed_as: str
    false_alarm: bool
    seconds: dict[str, float]
    objectives: tuple[Met, ...]
    deadlines: tuple[Met, ...]


def past(revisions: Sequence[IncidentView]) -> Past | None:
    """What became of an incident, from its revisions, oldest first; None while it is open, or merged into another."""
    if not revisions or revisions[-1].state in OPEN or revisions[-1].state == State.MERGED:
        return None
    last = revisions[-1]
    return Past(
        incident=last.id,
        severity=last.severity.level,
        opened_at=last.opened_at,
        ended_at=last.resolved_at or last.updated_at,
        closed_as=last.closed_as,
        false_alarm=last.state == State.DISMISSED,
        seconds=dict(_seconds(revisions)),
        objectives=(*_objectives(revisions), *_data(revisions)),
        deadlines=tuple(_deadline(clock) for clock in last.clocks if clock.state in ("fulfilled", "overdue")),
    )


def _seconds(revisions: Sequence[IncidentView]) -> Iterator[tuple[str, float]]:
    last = revisions[-1]
    confirmed = next((one.updated_at for one in revisions if one.confirmed), None)
    quiet = _quiet_since(revisions)
    proven = last.resolved_at if last.closed_as == "restored" else None
    spans: dict[str, tuple[Millis | None, Millis | None]] = {
        DETECTION: (last.onset, last.opened_at),
        VALIDATION: (last.opened_at, confirmed),
        ACKNOWLEDGEMENT: (last.declared_at, last.acknowledged_at),
        INITIATION: (last.declared_at, last.restoring_at),
        RESTORATION: (last.opened_at, None if last.state == State.DISMISSED else quiet),
        VERIFICATION: (quiet, proven),
    }
    for phase, (begin, end) in spans.items():
        if begin is not None and end is not None:
            yield phase, max(0, end - begin) / 1000


def _quiet_since(revisions: Sequence[IncidentView]) -> Millis | None:
    """When its last alert ended: as the comparison with the baseline says, else the revision that first shows it."""
    last = revisions[-1]
    if last.recovery is not None:
        return last.recovery.since
    found = None
    for one in reversed(revisions):
        if one.firing:
            break
        found = one.updated_at
    return found


def _objectives(revisions: Sequence[IncidentView]) -> Iterator[Met]:
    """Each time that something with an objective was down: met if it came back before the objective ran out.

    It is down as long as revisions show the countdown; one that had begun only in a forecast was not at stake.
    """
    gone: dict[tuple[str, str, Millis], tuple[Millis, Millis]] = {}
    running: set[tuple[str, str, Millis]] = set()
    for view in revisions:
        shown = {(one.kind, one.entity, one.since): one.due for one in view.objectives if one.since <= view.updated_at}
        for key in running - shown.keys():
            gone[key] = (gone[key][0], view.updated_at)
        for key, due in shown.items():
            gone[key] = (due, view.updated_at)
        running = set(shown)
    end = revisions[-1].updated_at
    for (kind, entity, _), (due, until) in sorted(gone.items()):
        back = end if (kind, entity, _) in running else until
        yield Met(kind, entity, back <= due)


def _data(revisions: Sequence[IncidentView]) -> Iterator[Met]:
    """The worst that any revision says of the data that a store would lose, against its recovery point objective."""
    worst: dict[str, bool | None] = {}
    order = {"no": 0, "cannot_exclude": 1, "yes": 2}
    known: dict[str, int] = {}
    for view in revisions:
        for store in view.harm.exposure:
            if store.rpo is not None and order[store.exposed] >= known.get(store.entity, -1):
                known[store.entity] = order[store.exposed]
                worst[store.entity] = {"no": True, "yes": False}.get(store.exposed)
    for entity, met in sorted(worst.items()):
        yield Met("rpo", entity, met)


def _deadline(clock: ClockView) -> Met:
    return Met(clock.regime, clock.clock, clock.state == "fulfilled" and not clock.late)
