"""Where a stream's service leans at its last event: back to what was usual, or still degraded.

A stream ends too soon after its last alert for the proof that closes an incident (`engine.proof`), so none is stated of
the stream as a whole: `inconclusive` where there are series, else `no_baseline`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.evidence.kinds import kind_of
from engine.evidence.telemetry import Series, Telemetry
from engine.recovery.leaning import Leaning, Track, lean
from engine.recovery.words import Recovery
from engine.signals import Millis

RECENT: Millis = 600_000
"""What is older says what is usual."""
SILENT = 1.5
"""A series without a sample for so many steps says nothing of now."""


def stated(telemetry: Telemetry) -> Recovery:
    """What can be stood by at the end of a stream."""
    return Recovery.INCONCLUSIVE if telemetry.series else Recovery.NO_BASELINE


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
