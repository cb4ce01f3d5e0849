"""Is service back? The indicators of what an incident affects, since its alerts have ended, against what was pinned.

Looked at once a minute while the incident recovers, and once more by the guard that stands before `resolved`: what has
a baseline must be back at it. What has none cannot be proven; the incident then ends, and says that it was not proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from engine.context import Context
from engine.evidence.baselines.rings import SLOT
from engine.incidents import PROOF_EVERY, PROVEN
from engine.lifecycle import State, Trigger
from engine.outcomes import Impacted
from engine.pinned import affected
from engine.recovery.combine import Whole, entities, first, together
from engine.recovery.comparison import Comparison, compare
from engine.recovery.indicator import Indicator, learned
from engine.recovery.judgement import Judged, judge
from engine.recovery.window import Occasion, Window
from engine.recovery.words import Recovery
from engine.recovery_views import IndicatorView, PartView, Pinned, RecoveryView
from engine.signals import Millis
from engine.state import Incident
from engine.telling import tell_incident, telling_digest
from topology.model import Kind as EntityKind

SHOWN = 24
"""Indicators in a view."""
BUSINESS = frozenset({EntityKind.BUSINESS_SERVICE.value, EntityKind.BUSINESS_PROCESS.value})


def guard(context: Context) -> None:
    """Let nothing that is measured count as restored before it is back at its baseline."""
    context.guards.add(State.RECOVERING, Trigger.RECOVERED, lambda incident: _refusal(context, incident))


def proof_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``proof``: compare again."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state is not State.RECOVERING:
        return
    prove(context, incident, due)
    context.revise(incident, due, "recovery was compared with the baseline")
    if incident.told and telling_digest(incident) != incident.told_digest:
        tell_incident(context, incident, "update", due, "what is known of the recovery has changed")
    context.timers.set(due + PROOF_EVERY, "proof", name)


def prove(context: Context, incident: Incident, now: Millis) -> RecoveryView | None:
    """Compare, keep what was found if it says anything new, and tell; None where the alerts have not ended."""
    if incident.quiet is None:
        return None
    before, found = incident.recovery, _compared(context, incident, incident.quiet, now)
    incident.compared = found
    if before is not None and before.said == found.said:
        return before
    incident.recovery = found
    if before is None or before.verdict != found.verdict:
        more = f" ({found.minutes} more minutes)" if found.minutes is not None else ""
        text = f"Recovery: {found.verdict}, {', '.join(found.why)}{more}"
        context.tell(incident.id, incident.domain, now, "recovery", text, facts={"verdict": found.verdict})
    return found


def _refusal(context: Context, incident: Incident) -> str:
    found = prove(context, incident, context.state.now)
    if found is None or not found.measured or found.measured in PROVEN:
        return ""
    gravest = next((one for one in found.indicators if one.verdict == found.measured), None)
    where = f", {gravest.metric} of {gravest.entity}: {', '.join(gravest.why)}" if gravest else ""
    return f"recovery is {found.measured}{where}"


def _compared(context: Context, incident: Incident, quiet: Millis, now: Millis) -> RecoveryView:
    indicators = list(_comparisons(context, incident, quiet, now))
    judged = judge([one for one, _ in indicators])
    by_entity = entities(judged, affected(incident))
    whole = together(incident.id, list(by_entity), by_entity)
    measured = [one.verdict for one in by_entity.values() if one.verdict is not Recovery.NO_BASELINE]
    shown = sorted((_indicator(one, pinned) for one, (_, pinned) in zip(judged, indicators, strict=True)), key=_gravity)
    return RecoveryView(
        verdict=whole.verdict.value,
        why=tuple(why.value for why in whole.why),
        measured=first(measured).value if measured else "",
        since=quiet,
        at=now,
        minutes=whole.minutes,
        entities=tuple(map(_part, by_entity.values())),
        services=tuple(_services(incident.impact, by_entity)),
        indicators=tuple(shown[:SHOWN]),
        indicators_total=len(shown),
    )


def _comparisons(
    context: Context, incident: Incident, quiet: Millis, now: Millis
) -> Iterator[tuple[Comparison, Pinned]]:
    telemetry = context.state.telemetry
    for key, pinned in sorted(incident.pinned.items()):
        ref = telemetry.store.by_key.get(key, -1)
        times, values = telemetry.tracks.between(ref, quiet, now)
        before = _window(Occasion.BEFORE_ONSET, pinned.start, pinned.end, pinned.times, pinned.values)
        after = _window(Occasion.AFTER, quiet, max(quiet + 1, now), times.tolist(), values.tolist(), before.interval)
        indicator = _critical(learned(pinned.entity, pinned.metric), decides=pinned.critical)
        yield compare(indicator, [before], after, quiet), pinned


def _critical(indicator: Indicator, *, decides: bool) -> Indicator:
    return msgspec.structs.replace(indicator, critical=decides)


def _window(
    occasion: Occasion, start: Millis, end: Millis, times: Sequence[Millis], values: Sequence[float], every: Millis = 0
) -> Window:
    steps = np.diff(np.array(times, np.int64))
    interval = every or (max(SLOT, int(np.median(steps))) if len(steps) else SLOT)
    if times and occasion is Occasion.BEFORE_ONSET:
        start = max(start, times[0] - interval)  # a series that is younger than the window is not full of holes
    return Window(
        occasion=occasion,
        start=start,
        end=end,
        interval=interval,
        times=np.array(times, np.int64),
        values=np.array(values),
    )


def _services(impact: Iterable[Impacted], by_entity: Mapping[str, Whole]) -> Iterator[PartView]:
    """Business services, by what lies on the way to them."""
    for one in impact:
        if one.kind in BUSINESS:
            way = [name for name in dict.fromkeys((*one.path, one.entity)) if name in by_entity]
            yield _part(together(one.entity, way, by_entity))


def _part(whole: Whole) -> PartView:
    return PartView(
        name=whole.name,
        verdict=whole.verdict.value,
        why=tuple(why.value for why in whole.why),
        parts={verdict.value: count for verdict, count in whole.parts.items()},
        minutes=whole.minutes,
    )


def _indicator(one: Judged, pinned: Pinned) -> IndicatorView:
    indicator, comparison = one.comparison.indicator, one.comparison
    usual = np.quantile(pinned.values, (0.05, 0.5, 0.95)).tolist() if pinned.values else None
    return IndicatorView(
        entity=indicator.entity,
        metric=indicator.name,
        kind=indicator.kind.value,
        worse=indicator.direction.value,
        critical=indicator.critical,
        verdict=one.verdict.value,
        why=tuple(why.value for why in one.why),
        margin=comparison.margin,
        harm=one.harm,
        least=one.least,
        most=one.most,
        probability=one.probability,
        minutes=one.minutes,
        samples=comparison.count,
        usual=(usual[0], usual[1], usual[2]) if usual else None,
    )


_RANK = {verdict.value: place for place, verdict in enumerate(Recovery)}


def _gravity(one: IndicatorView) -> tuple[bool, int, float, str, str]:
    """What decides first, the gravest verdict first, the farthest beyond its margin first."""
    beyond = one.harm / one.margin if one.harm is not None and one.margin > 0 else 0.0
    return not one.critical, _RANK[one.verdict], -beyond, one.entity, one.metric
