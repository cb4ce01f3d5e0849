"""By which indicators an entity is judged to be back: those that the rules declare for it, else learned ones."""

from __future__ import annotations

import msgspec

from engine.context import Context
from engine.evidence.baselines.counters import is_counter
from engine.evidence.kinds import Kind, kind_of
from engine.recovery.indicator import Indicator, Margin, Measure, Worse, learned
from rules.recovery import IndicatorRule, RecoveryPolicy, Tolerance


def declared(context: Context, entity: str) -> tuple[IndicatorRule, ...]:
    """The indicators that the rules in force declare for an entity, in their order."""
    found = context.rules.recovery.indicators
    return tuple(one for one in found if (context.topology.resolve(one.entity) or one.entity) == entity)


def of_series(context: Context, entity: str, metric: str, *, critical: bool) -> tuple[str, Indicator] | None:
    """(id, indicator) of a series that was pushed; the id is empty where it is learned. None: others take its place."""
    policy, rules = context.rules.recovery, declared(context, entity)
    if not rules:
        return "", _with_margin(policy, msgspec.structs.replace(learned(entity, metric), critical=critical))
    rule = next((one for one in rules if one.takes(metric)), None)
    return None if rule is None else (rule.id, of_rule(policy, rule, entity, metric))


def of_rule(policy: RecoveryPolicy, rule: IndicatorRule, entity: str, metric: str = "") -> Indicator:
    """The indicator as declared; of a pushed series named ``metric``, or else of its expression's levels."""
    return _with_margin(
        policy,
        Indicator(
            entity=entity,
            name=metric or rule.id,
            kind=Kind(rule.kind) if rule.kind else kind_of(metric),
            measure=Measure.COUNTER if is_counter(metric) else Measure.GAUGE,
            unit=rule.unit,
            worse=Worse(rule.worse) if rule.worse else None,
            margin=_margin(rule.margin),
            objective=rule.objective,
            best=rule.best,
            critical=rule.critical,
        ),
    )


def _with_margin(policy: RecoveryPolicy, indicator: Indicator) -> Indicator:
    """With the margin declared for its kind, where it has none of its own and no objective."""
    if indicator.margin is not None or indicator.objective is not None:
        return indicator
    return msgspec.structs.replace(indicator, margin=_margin(policy.margin(indicator.kind.value)))


def _margin(declared: Tolerance | None) -> Margin | None:
    return None if declared is None else Margin(declared.size, declared.relative)
