"""What the deciding indicators of an incident showed, as few enough points to keep and to draw.

They are kept in its timeline when it is closed, as the points themselves are forgotten within two hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.context import Context
from engine.evidence.baselines.counters import is_counter, rates
from engine.evidence.telemetry import Telemetry
from engine.recovery_views import Pinned
from engine.signals import Millis
from engine.state import Incident

KEPT = "recovery_points"
"""The kind of the line in the timeline."""
INDICATORS = 12
POINTS = 120
AHEAD: Millis = 1_800_000
"""How much from before the onset is shown."""


class Points(msgspec.Struct, kw_only=True, frozen=True):
    """What an indicator showed, counters as rates per second; ``usual``: 5 %, 50 % and 95 % of its hour before."""

    entity: str
    metric: str
    usual: tuple[float, float, float]
    times: tuple[Millis, ...]
    values: tuple[float, ...]


def points_of(telemetry: Telemetry, key: str, pinned: Pinned, onset: Millis, until: Millis) -> Points | None:
    """From half an hour before the ``onset`` on; None where nothing usual is known."""
    ref = telemetry.store.by_key.get(key, -1)
    _, usual = levels_of(pinned.metric, np.array(pinned.times, np.int64), np.array(pinned.values))
    times, values = levels_of(pinned.metric, *telemetry.tracks.between(ref, onset - AHEAD, until))
    if not len(usual):
        return None
    low, middle, high = (_short(one) for one in np.quantile(usual, (0.05, 0.5, 0.95)))
    picked = thinned(len(times))
    return Points(
        entity=pinned.entity,
        metric=pinned.metric,
        usual=(low, middle, high),
        times=tuple(int(times[place]) for place in picked),
        values=tuple(_short(values[place]) for place in picked),
    )


def keep_points(context: Context, incident: Incident, now: Millis) -> None:
    """Keep the points of the gravest deciding indicators, for the record."""
    if incident.recovery is None:
        return
    keys = {(one.entity, one.metric): key for key, one in sorted(incident.pinned.items(), reverse=True)}
    deciding = [(one.entity, one.metric) for one in incident.recovery.indicators if one.critical][:INDICATORS]
    kept = list(_kept(context.state.telemetry, incident, [keys[one] for one in deciding if one in keys], now))
    if kept:
        text = f"Kept for the record: what {len(kept)} {'indicator' if len(kept) == 1 else 'indicators'} showed"
        facts = {"points": msgspec.to_builtins(kept)}
        context.tell(incident.id, incident.domain, now, KEPT, text, facts=facts)


def _kept(telemetry: Telemetry, incident: Incident, keys: Sequence[str], now: Millis) -> Iterator[Points]:
    onset = incident.began.at if incident.began else incident.onset
    for key in keys:
        found = points_of(telemetry, key, incident.pinned[key], onset, now)
        if found is not None and found.times:
            yield found


def thinned(count: int, most: int = POINTS) -> list[int]:
    """Places of at most so many points, evenly, the first and the last among them.

    >>> thinned(3), thinned(9, 4)
    ([0, 1, 2], [0, 3, 5, 8])
    """
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def levels_of(
    metric: str, times: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A series as it is compared: of counters the rates per second."""
    if not is_counter(metric) or not len(values):
        return times, values
    return times[1:], rates(times[None, :], values[None, :])[0][1:]


def _short(value: float) -> float:
    """Five digits are enough to draw."""
    return float(f"{value:.5g}")
