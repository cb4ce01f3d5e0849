"""Is service back? The indicators of what an incident affects, since its alerts have ended, against what was pinned.

Looked at once a minute while the incident recovers, and once more by the guard that stands before `resolved`: what is
checked must pass, and what has a baseline must be back at it. What has none cannot be proven; unless the rules ask for
proof always, the incident then ends, and says that it was not proven. A person may accept single entities that have no
baseline: the verdict is then that of the others, and the incident closes as a deviation that names those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np

from engine.checked import checks, unmet
from engine.comparing import Compared, comparisons
from engine.context import Context
from engine.incidents import PROOF_EVERY, PROVEN
from engine.lifecycle import OPEN, State, Trigger
from engine.outcomes import Impacted
from engine.pinned import affected, pin_anew, shared_providers, touched
from engine.recovery.combine import Whole, entities, first, together
from engine.recovery.judgement import Judged, judge
from engine.recovery.words import BACK, Recovery, Why
from engine.recovery_views import AcceptedView, CheckView, IndicatorView, PartView, RecoveryView, UnusedView
from engine.signals import Millis
from engine.state import Incident
from engine.telling import tell_incident, telling_digest
from topology.model import Kind as EntityKind

SHOWN = 24
"""Indicators in a view."""
BUSINESS = frozenset({EntityKind.BUSINESS_SERVICE.value, EntityKind.BUSINESS_PROCESS.value})
Because = dict[str, tuple[str, ...]]
"""Entity -> the checks or shared providers that keep it from being restored."""


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


def judge_anew(context: Context, now: Millis) -> None:
    """Other rules are in force, and with them perhaps other indicators, margins and checks."""
    for name, incident in sorted(context.state.incidents.items()):
        if incident.state in OPEN:
            pin_anew(context, incident)
        if incident.state is State.RECOVERING:
            context.timers.set(now, "proof", name)


def compared(context: Context, incident: Incident, now: Millis) -> RecoveryView | None:
    """What can be said at this moment, without keeping it; None where the alerts have not ended."""
    return None if incident.quiet is None else _compared(context, incident, incident.quiet, now)


def prove(context: Context, incident: Incident, now: Millis, *, at_last: bool = False) -> RecoveryView | None:
    """Compare, keep what was found if it says anything new (or ``at_last``), and tell; None where the alerts have not
    ended."""
    incident.compared = compared(context, incident, now)
    return _keep(context, incident, now, at_last=at_last)


def _keep(context: Context, incident: Incident, now: Millis, *, at_last: bool) -> RecoveryView | None:
    before, found = incident.recovery, incident.compared
    if found is None or (before is not None and before.said == found.said and not at_last):
        return before if found is not None else None
    incident.recovery = found
    if before is None or before.verdict != found.verdict:
        more = f" ({found.minutes} more minutes)" if found.minutes is not None else ""
        text = f"Recovery: {found.verdict}, {', '.join(found.why)}{more}"
        context.tell(incident.id, incident.domain, now, "recovery", text, facts={"verdict": found.verdict})
    return found


def accept(context: Context, incident: Incident, entity: str, by: str, why: str, now: Millis) -> str:
    """A person answers for an entity that has no baseline; why that cannot be, or ""."""
    found = prove(context, incident, now) if incident.state is State.RECOVERING else None
    if found is None:
        return f"{incident.id} is {incident.state}: what has no baseline is known once its alerts have ended"
    if entity not in found.unmeasured:
        known = ", ".join(found.unmeasured) or "none is left"
        return f"only an entity without a baseline can be accepted, and {entity!r} is none of them: {known}"
    incident.accepted[entity] = AcceptedView(entity=entity, by=by, why=why, at=now)
    prove(context, incident, now)
    context.timers.set(now, "proof", incident.id)
    return ""


def _refusal(context: Context, incident: Incident) -> str:
    now = context.state.now
    last = incident.compared
    found = last if last is not None and last.at == now else prove(context, incident, now)
    refused = "" if found is None else "; ".join(filter(None, (*unmet(found), _unproven(context, found))))
    if found is not None and not refused:
        _keep(context, incident, now, at_last=True)
    context.timers.set(now + PROOF_EVERY, "proof", incident.id)
    return refused


def _unproven(context: Context, found: RecoveryView) -> str:
    proof = context.rules.recovery.proof
    verdict = {"never": "", "always": found.verdict, "when_measured": found.measured}[proof]
    if not verdict or verdict in PROVEN:
        return ""
    gravest = next((one for one in found.indicators if one.verdict == verdict), None)
    where = f", {gravest.metric} of {gravest.entity}: {', '.join(gravest.why)}" if gravest else ""
    held = next((one for one in found.entities if one.verdict == verdict and one.because), None)
    if held and not gravest:
        where = f", {held.name}: {', '.join(held.why)} ({', '.join(held.because)})"
    if verdict == Recovery.NO_BASELINE and found.unmeasured:
        where = f" of {', '.join(found.unmeasured)}: accept each with a reason, or close with a deviation"
    return f"recovery is {verdict}{where}"


def _compared(context: Context, incident: Incident, quiet: Millis, now: Millis) -> RecoveryView:
    names = affected(incident)
    beside = shared_providers(context, names)
    indicators = list(comparisons(context, incident, (*names, *beside), quiet, now))
    judged = judge([one.comparison for one in indicators])
    every = entities(judged, (*names, *beside))
    checked = tuple(checks(context, frozenset(touched(incident)), quiet))
    because = _by_checks(every, checked) | _by_providers(context, every)
    by_parts = {one.entity for one in incident.impact if one.kind in BUSINESS}  # unless it has indicators of its own
    by_entity = {name: every[name] for name in names if every[name].parts or name not in by_parts}
    unknown = [name for name, one in by_entity.items() if one.verdict is Recovery.NO_BASELINE]
    accepted = [incident.accepted[name] for name in unknown if name in incident.accepted]
    answered = {one.entity for one in accepted} if len(unknown) < len(by_entity) else set()
    whole = together(incident.id, [name for name in by_entity if name not in answered], by_entity)
    measured = [one.verdict for one in by_entity.values() if one.verdict is not Recovery.NO_BASELINE]
    shown = sorted((_indicator(*pair) for pair in zip(judged, indicators, strict=True)), key=_gravity)
    parts = [one for name, one in every.items() if name in by_entity or one.verdict is not Recovery.NO_BASELINE]
    return RecoveryView(
        verdict=whole.verdict.value,
        why=tuple(why.value for why in whole.why),
        measured=first(measured).value if measured else "",
        since=quiet,
        at=now,
        minutes=whole.minutes,
        entities=tuple(_part(one, because.get(one.name, ())) for one in parts),
        services=tuple(_services(incident.impact, {k: one for k, one in by_entity.items() if k not in answered})),
        indicators=tuple(shown[:SHOWN]),
        indicators_total=len(shown),
        checks=checked,
        unmeasured=tuple(name for name in unknown if name not in incident.accepted),
        accepted=tuple(accepted),
    )


def _by_checks(by_entity: dict[str, Whole], checked: Iterable[CheckView]) -> Because:
    """A check that failed is a degradation that was seen; one that has no answer proves nothing."""
    because: Because = {}
    for one in checked:
        if one.passed == "yes" or one.entity not in by_entity:
            continue
        failed = one.passed == "no"
        verdict = Recovery.RESIDUAL_DEGRADATION if failed else Recovery.INCONCLUSIVE
        _lower(by_entity, one.entity, verdict, Why.CHECK_FAILED if failed else Why.CHECK_MISSING)
        because[one.entity] = (*because.get(one.entity, ()), one.id)
    return because


def _by_providers(context: Context, by_entity: dict[str, Whole]) -> Because:
    """What needs a provider that others need as well is not restored before that is."""
    because: Because = {}
    lowered = True
    while lowered:
        lowered = False
        for name, one in by_entity.items():
            if one.verdict in BACK and (amiss := _amiss(context, name, by_entity)):
                _lower(by_entity, name, Recovery.INCONCLUSIVE, Why.SHARED_PROVIDER)
                because[name] = amiss
                lowered = True
    return because


def _amiss(context: Context, name: str, by_entity: Mapping[str, Whole]) -> tuple[str, ...]:
    """Shared providers that are measured and not back."""
    found = (by_entity.get(provider) for provider in shared_providers(context, (name,)))
    return tuple(one.name for one in found if one and one.verdict not in BACK | {Recovery.NO_BASELINE})


def _lower(by_entity: dict[str, Whole], name: str, verdict: Recovery, why: Why) -> None:
    """Let the verdict of an entity be no better than this; `no_baseline` outweighs all."""
    one = by_entity[name]
    lowest = first((one.verdict, verdict))
    whys = one.why if lowest is one.verdict else ()
    whys = tuple(dict.fromkeys((*whys, *((why,) if lowest is verdict else ()))))
    by_entity[name] = msgspec.structs.replace(one, verdict=lowest, why=whys, minutes=None)


def _services(impact: Iterable[Impacted], by_entity: Mapping[str, Whole]) -> Iterator[PartView]:
    """Business services, by what lies on the way to them."""
    for one in impact:
        if one.kind in BUSINESS:
            way = [name for name in dict.fromkeys((*one.path, one.entity)) if name in by_entity]
            yield _part(together(one.entity, way, by_entity))


def _part(whole: Whole, because: tuple[str, ...] = ()) -> PartView:
    return PartView(
        name=whole.name,
        verdict=whole.verdict.value,
        why=tuple(why.value for why in whole.why),
        parts={verdict.value: count for verdict, count in whole.parts.items()},
        minutes=whole.minutes,
        because=because,
    )


def _indicator(one: Judged, seen: Compared) -> IndicatorView:
    indicator, comparison = one.comparison.indicator, one.comparison
    usual = np.quantile(seen.usual, (0.05, 0.5, 0.95)).tolist() if len(seen.usual) else None
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
        id=seen.id,
        detail=seen.detail,
        weeks=comparison.weeks,
        unused=tuple(
            UnusedView(occasion=one.occasion.value, start=one.start, why=one.why.value) for one in comparison.unused
        ),
        memory=comparison.difference.memory if comparison.difference else None,
        worth=comparison.difference.worth_after if comparison.difference else None,
    )


_RANK = {verdict.value: place for place, verdict in enumerate(Recovery)}


def _gravity(one: IndicatorView) -> tuple[bool, int, float, str, str]:
    """What decides first, the gravest verdict first, the farthest beyond its margin first."""
    beyond = one.harm / one.margin if one.harm is not None and one.margin > 0 else 0.0
    return not one.critical, _RANK[one.verdict], -beyond, one.entity, one.metric
