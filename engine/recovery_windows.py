"""What a recovery was compared with, as evidence: the windows before, and the samples after, of every indicator.

They are kept in the incident's timeline when it is closed, as the samples themselves are forgotten within two hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from engine.context import Context
from engine.evidence.telemetry import Telemetry
from engine.recovery.window import Occasion
from engine.recovery_points import levels_of, thinned
from engine.recovery_views import Stretch, UnusedView
from engine.signals import Millis
from engine.state import Incident

KEPT = "recovery_windows"
"""The kind of the line in the timeline."""
INDICATORS = 12
POINTS = 120
"""Samples of a window that are kept; of more some are left out, evenly."""
Offset = Callable[[Millis], Millis]
"""How far the clock on the wall is ahead of UTC at a moment."""


class Kept(msgspec.Struct, kw_only=True, frozen=True):
    """One window: `past_week` (so many ``weeks`` ago), `before_onset` or `after`. ``offset``: how far the clock on the
    wall was ahead of UTC (ms); ``unused``: why it was not compared with; counters as rates per second."""

    occasion: str
    weeks: int = 0
    start: Millis
    end: Millis
    offset: Millis = 0
    unused: str = ""
    times: tuple[Millis, ...] = ()
    values: tuple[float, ...] = ()


class Windows(msgspec.Struct, kw_only=True, frozen=True):
    """The windows of an indicator; ``id`` as it was declared, empty where it was learned."""

    entity: str
    metric: str
    id: str = ""
    critical: bool = True
    verdict: str = ""
    windows: tuple[Kept, ...] = ()


def keep_windows(context: Context, incident: Incident, now: Millis) -> None:
    """Keep them for the record, of the gravest indicators."""
    found = windows_of(incident, context.state.telemetry, context.rules.recovery.offset, now)
    if found:
        what = "1 indicator was" if len(found) == 1 else f"{len(found)} indicators were"
        text = f"Kept for the record: what {what} compared with"
        facts = {"indicators": msgspec.to_builtins(found)}
        context.tell(incident.id, incident.domain, now, KEPT, text, facts=facts)


def windows_of(incident: Incident, telemetry: Telemetry, offset: Offset, now: Millis) -> list[Windows]:
    """Of the gravest indicators of the latest comparison, in its order; empty where nothing was compared."""
    latest = incident.compared or incident.recovery
    keys = {(one.entity, one.metric): key for key, one in sorted(incident.pinned.items(), reverse=True)}
    found = []
    for one in latest.indicators[:INDICATORS] if latest is not None else ():
        key = keys.get((one.entity, one.metric), "")
        since = incident.quiet if incident.quiet is not None else now
        parts = (
            _asked(incident, one.id, offset)
            if one.id in incident.ranges
            else _pushed(incident, telemetry, key, since, now, offset)
        )
        kept = tuple(msgspec.structs.replace(part, unused=_why(part, one.unused)) for part in parts)
        found.append(
            Windows(
                entity=one.entity,
                metric=one.metric,
                id=one.id,
                critical=one.critical,
                verdict=one.verdict,
                windows=kept,
            )
        )
    return [one for one in found if one.windows]


def _pushed(
    incident: Incident, telemetry: Telemetry, key: str, since: Millis, now: Millis, offset: Offset
) -> Iterator[Kept]:
    pinned = incident.pinned.get(key)
    if pinned is None:
        return
    before = levels_of(pinned.metric, np.array(pinned.times, np.int64), np.array(pinned.values))
    yield _kept(Occasion.BEFORE_ONSET, pinned.start, pinned.end, offset, before)
    after = telemetry.tracks.between(telemetry.store.by_key.get(key, -1), since, now)
    yield _kept(Occasion.AFTER, since, now, offset, levels_of(pinned.metric, *after))


def _asked(incident: Incident, id: str, offset: Offset) -> Iterator[Kept]:
    given = incident.ranges[id]
    for weeks, stretch in sorted(given.weeks.items()):
        yield _stretched(Occasion.PAST_WEEK, stretch, offset, weeks)
    if given.before is not None:
        yield _stretched(Occasion.BEFORE_ONSET, given.before, offset)
    if given.after is not None:
        yield _stretched(Occasion.AFTER, given.after, offset)


def _stretched(occasion: Occasion, one: Stretch, offset: Offset, weeks: int = 0) -> Kept:
    points = np.array(one.times, np.int64), np.array(one.values)
    return msgspec.structs.replace(_kept(occasion, one.start, one.end, offset, points), weeks=weeks)


def _kept(
    occasion: Occasion,
    start: Millis,
    end: Millis,
    offset: Offset,
    points: tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]],
) -> Kept:
    times, values = points
    picked = thinned(len(times), POINTS)
    return Kept(
        occasion=occasion.value,
        start=start,
        end=end,
        offset=offset(start),
        times=tuple(int(times[place]) for place in picked),
        values=tuple(float(f"{values[place]:.6g}") for place in picked),
    )


def _why(kept: Kept, unused: tuple[UnusedView, ...]) -> str:
    """Why the window was not used, if that was said of it."""
    said = (one.why for one in unused if one.occasion == kept.occasion and kept.start <= one.start <= kept.end)
    return next(said, "")
