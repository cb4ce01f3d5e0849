"""The recovery of an incident, and a chart of each of its indicators, for the API.

Points come from the running core while the incident is at hand, else from what was kept when it was closed. Reads the
core's state from another thread: copies first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from api.charts import Chart
from api.recovery_schemas import LeaningOf, RecoveryOf, WindowsOf
from api.recovery_words import numbers_in_words
from engine.evidence.kinds import kind_of
from engine.outcomes import IncidentView, TimelineEntry
from engine.recovery.indicator import learned
from engine.recovery.leaning import Track, lean
from engine.recovery_points import KEPT, Points, points_of
from engine.recovery_views import IndicatorView, RecoveryView
from engine.recovery_windows import KEPT as WINDOWS_KEPT
from engine.recovery_windows import Offset, Windows, windows_of
from engine.signals import Millis
from engine.state import CoreState, Incident

SLOT: Millis = 30_000
"""How far apart points are kept."""
FIRING = "its alerts still fire, so nothing is compared yet"
Key = tuple[str, str]


def latest(view: IncidentView, state: CoreState | None) -> RecoveryView | None:
    """The latest comparison: while the incident recovers there is one a minute, of which revisions keep what is new."""
    incident = _at_hand(view, state)
    newer = incident.compared if incident is not None else None
    if view.recovery is None or newer is None or newer.said != view.recovery.said:
        return view.recovery
    return newer if newer.at > view.recovery.at else view.recovery


def recovery_of(
    view: IncidentView, found: RecoveryView, state: CoreState | None, timeline: Sequence[TimelineEntry]
) -> RecoveryOf:
    """With what else is known of the incident."""
    drawable = set(points_by_indicator(view, state, timeline))
    return RecoveryOf(
        incident=view.id,
        revision=view.revision,
        state=str(view.state),
        closed_as=view.closed_as,
        verdict=found.verdict,
        why=found.why,
        measured=found.measured,
        since=found.since,
        at=found.at,
        minutes=found.minutes,
        leaning=leaning_of(view, state),
        entities=found.entities,
        services=found.services,
        indicators=found.indicators,
        indicators_total=found.indicators_total,
        checks=found.checks,
        unmeasured=found.unmeasured,
        accepted=found.accepted,
        held_open=view.held_open,
        charts=[
            f"/api/v1/incidents/{view.id}/recovery/{place}.svg" if (one.entity, one.metric) in drawable else ""
            for place, one in enumerate(found.indicators, 1)
        ],
        versions=view.versions,
    )


def points_by_indicator(
    view: IncidentView, state: CoreState | None, timeline: Iterable[TimelineEntry]
) -> dict[Key, Points]:
    """What can be drawn: of an incident that is closed what was kept, else what the core has at hand."""
    kept = [line for line in timeline if line.kind == KEPT]
    if view.resolved_at is not None:
        points = msgspec.convert(kept[-1].facts["points"], list[Points]) if kept else []
        return {(one.entity, one.metric): one for one in points}
    incident = _at_hand(view, state)
    if incident is None or state is None:
        return {}
    ordered = sorted(incident.pinned.items(), key=lambda item: (not item[1].critical, item[0]))
    now = state.now
    found = (points_of(state.telemetry, key, pinned, view.onset, now) for key, pinned in ordered)
    return {(one.entity, one.metric): one for one in found if one is not None}


def windows_answer(
    view: IncidentView, found: RecoveryView, state: CoreState | None, timeline: Iterable[TimelineEntry], offset: Offset
) -> WindowsOf:
    """What was compared: of an incident that is closed what was kept, else what the core has at hand."""
    indicators: list[Windows] = []
    incident = _at_hand(view, state)
    if view.resolved_at is not None:
        kept = [line for line in timeline if line.kind == WINDOWS_KEPT]
        indicators = msgspec.convert(kept[-1].facts["indicators"], list[Windows]) if kept else []
    elif incident is not None and state is not None:
        indicators = windows_of(incident, state.telemetry, offset, state.now)
    return WindowsOf(
        incident=view.id,
        revision=view.revision,
        closed_as=view.closed_as,
        verdict=found.verdict,
        since=found.since,
        indicators=indicators,
        versions=view.versions,
    )


def chart_of(view: IncidentView, recovery: RecoveryView | None, points: dict[Key, Points], place: int) -> Chart | None:
    """The chart of an indicator, counted from 1 in the order of the answer (of what is pinned, while alerts fire)."""
    recovery = view.recovery
    if recovery is not None:
        said = recovery.indicators[place - 1] if 1 <= place <= len(recovery.indicators) else None
        found = points.get((said.entity, said.metric)) if said else None
    else:
        said = None
        found = list(points.values())[place - 1] if 1 <= place <= len(points) else None
    if found is None:
        return None
    return Chart(
        title=f"{found.metric} of {found.entity}",
        verdict=numbers_in_words(msgspec.to_builtins(said)) if said else FIRING,
        usual=found.usual,
        bounds=_bounds(found, said),
        onset=view.onset,
        quiet=recovery.since if recovery else None,
        times=found.times,
        values=found.values,
    )


def leaning_of(view: IncidentView, state: CoreState | None) -> LeaningOf | None:
    """From all pinned series; None where there are none."""
    incident = _at_hand(view, state)
    if incident is None or state is None or view.resolved_at is not None:
        return None
    tracks, telemetry = [], state.telemetry
    for key, pinned in sorted(incident.pinned.items()):
        times, values = telemetry.tracks.between(telemetry.store.by_key.get(key, -1), view.onset, state.now)
        before = np.array(pinned.values)
        tracks.append(Track(kind=kind_of(pinned.metric), before=before, times=times, values=values))
    latest = max((int(track.times[-1]) for track in tracks if len(track.times)), default=None)
    if latest is None:
        return None
    steps = [float(np.median(np.diff(track.times))) for track in tracks if len(track.times) > 1]
    found = lean(tracks, latest, int(np.median(steps)) if steps else SLOT)
    return LeaningOf(
        verdict=found.verdict.value, probability=found.probability, present=found.present, series=found.series
    )


def _at_hand(view: IncidentView, state: CoreState | None) -> Incident | None:
    return state.incidents.get(view.id) if state is not None else None


def _bounds(points: Points, said: IndicatorView | None) -> tuple[float, ...]:
    """Where the margin ends, on the sides that do harm."""
    usual, indicator = points.usual[1], learned(points.entity, points.metric)
    margin = said.margin if said is not None else indicator.tolerated.of(usual)
    worse = said.worse if said is not None else indicator.direction.value
    if margin <= 0:
        return ()
    sides = {"higher": (1,), "lower": (-1,)}.get(worse, (-1, 1))
    return tuple(usual + side * margin for side in sides)
