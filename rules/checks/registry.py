"""All checks by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType

from rules.checks import (
    bad_calendar,
    bad_condition,
    bad_duration,
    bad_evidence,
    bad_flapping,
    bad_mapping,
    bad_matcher,
    bad_period,
    bad_probe,
    bad_recovery,
    bad_regex,
    bad_regime,
    bad_threshold,
    bad_time,
    bad_value,
    bad_window,
    bad_zone,
    covers_nothing,
    dangling_escalation,
    dangling_obligation,
    dangling_rule,
    declared_twice,
    duplicate_id,
    duplicate_key,
    milder_for_worse,
    missing_key,
    never_decides,
    not_yaml,
    overlapping_regimes,
    shadowed_mapping,
    silence_too_broad,
    threshold_without_clear,
    unchecked_regime,
    unknown_key,
    unknown_severity,
    unknown_sink,
    unreachable_route,
)
from rules.document import Document
from rules.errors import Problem

Find = Callable[[Sequence[Document]], Iterator[Problem]]

WHOLE: tuple[Find, ...] = (
    bad_regime.find,
    overlapping_regimes.find,
    unchecked_regime.find,
    covers_nothing.find,
    dangling_escalation.find,
    dangling_obligation.find,
    dangling_rule.find,
    declared_twice.find,
    duplicate_id.find,
    never_decides.find,
    shadowed_mapping.find,
    silence_too_broad.find,
    threshold_without_clear.find,
    unreachable_route.find,
)
"""Checks that look at all documents together."""

CHECKS: Mapping[str, ModuleType] = {
    module.ID: module
    for module in (
        bad_calendar,
        bad_condition,
        bad_duration,
        bad_evidence,
        bad_flapping,
        bad_mapping,
        bad_matcher,
        bad_period,
        bad_probe,
        bad_recovery,
        bad_regex,
        bad_regime,
        bad_threshold,
        bad_time,
        bad_value,
        bad_window,
        bad_zone,
        covers_nothing,
        dangling_escalation,
        dangling_obligation,
        dangling_rule,
        declared_twice,
        duplicate_id,
        duplicate_key,
        milder_for_worse,
        missing_key,
        never_decides,
        not_yaml,
        overlapping_regimes,
        shadowed_mapping,
        silence_too_broad,
        threshold_without_clear,
        unchecked_regime,
        unknown_key,
        unknown_severity,
        unknown_sink,
        unreachable_route,
    )
}
