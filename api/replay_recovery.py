"""Whether service is back at a stream's last event: what can be stood by, and where it leans.

Stated is the verdict of the incident that the stream tells of: the one that is open and gravest, else the one that was
closed last. It is compared as a live engine compares it, at the last event. While its alerts fire nothing is compared,
and where no incident began there is nothing to be back from.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from engine.core import Core
from engine.evidence.kinds import kind_of
from engine.evidence.telemetry import Series, Telemetry
from engine.outcomes import IncidentView
from engine.recovery.leaning import Leaning, Track, lean
from engine.recovery.words import Recovery
from engine.recovery_views import RecoveryView
from engine.signals import Millis

RECENT: Millis = 600_000
"""What is older says what is usual."""
SILENT = 1.5
"""A series without a sample for so many steps says nothing of now."""
FIRING = "alerts_fire"
NO_INCIDENT = "no_incident"


class Stated(msgspec.Struct, frozen=True):
    """A verdict that can be stood by, with its reasons, of which incident, and those of its entities."""

    verdict: Recovery
    why: tuple[str, ...]
    incident: str = ""
    entities: dict[str, str] = {}


def stated(core: Core, view: IncidentView | None, last: Millis) -> Stated:
    """What can be stood by at the end of a stream that tells of this incident."""
    if view is None:
        nothing = Recovery.INCONCLUSIVE if core.state.telemetry.series else Recovery.NO_BASELINE
        return Stated(nothing, (NO_INCIDENT,))
    found: RecoveryView | None = view.recovery if view.resolved_at is not None else core.recovery(view.id, last)
    if found is None:
        return Stated(Recovery.INCONCLUSIVE, (FIRING,), view.id)
    entities = {one.name: one.verdict for one in found.entities}
    return Stated(Recovery(found.verdict), found.why, view.id, entities)


def leaning(telemetry: Telemetry, last: Millis) -> Leaning:
    """The likelier side, from all series of the stream."""
    found = [series for members in telemetry.series.values() for series in members.values() if series.times]
    steps = [np.median(np.diff(series.times)) for series in found if len(series.times) > 1]
    step = int(np.median(steps)) if steps else 60_000
    return lean(_tracks(found, last, step), last, step)


def _tracks(found: list[Series], last: Millis, step: Millis) -> Iterator[Track]:
    for series in found:
        times = np.array([*series.old_times, *series.times], np.int64)
        values = np.array([*series.old_values, *series.values])
        if last - times[-1] > SILENT * step:
            continue
        recent = times >= last - RECENT
        yield Track(kind=kind_of(series.metric), before=values[~recent], times=times[recent], values=values[recent])
