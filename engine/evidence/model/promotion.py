"""Whether a rule that suppresses alerts may act: what it kept back or would have, and how that was in truth."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from engine.evidence.model.cases import AUDIT, Case, Learning, Tally
from engine.evidence.model.intervals import Share, at_most, needed, share
from engine.evidence.model.learn import CLAIM


class Silenced(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that nobody would have heard of: of its incident every alert was (or would have been) kept back."""

    incident: str
    alerts: list[int]


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a rule. Of alerts it ``suppressed`` or ``would_have_suppressed`` (``released`` of
    them were let in again when evidence changed, and count no longer), outcomes are known of
    ``labelled``: ``real`` and ``false`` ones, ``audited`` of them from the audit sample.

    ``precision``: share of those that were false; ``recall``: of all that are known to be false, the share that it kept
    back; ``missed``: of all that are known to be real, the share that it kept back; ``missed_at_most`` is its bound at
    95 %. ``enough``: the bound is 1 % or less.
    """

    rule: str
    mode: str
    suppressed: int
    would_have_suppressed: int
    released: int
    labelled: int
    real: int
    false: int
    audited: int
    precision: Share
    recall: Share
    missed: Share
    missed_at_most: float
    real_needed: int
    silenced: list[Silenced]
    enough: bool
    verdict: str


def promotion(learning: Learning, rule: str, mode: str, spared: Collection[str] = ()) -> Promotion:
    """The report on one rule. ``spared`` are incidents of alerts that no rule ever kept back."""
    judged = [case for case in list(learning.judged.values()) if case.outcome is not None]
    mine = [case for case in judged if rule in case.rules]
    real = [case for case in mine if case.outcome is not None and case.outcome.real]
    all_real = sum(case.outcome is not None and case.outcome.real for case in judged)
    tally = learning.rules.get(rule, Tally())
    bound = at_most(len(real), all_real)
    enough = bool(mine) and not real and all_real >= needed(CLAIM)
    return Promotion(
        rule=rule,
        mode=mode,
        suppressed=tally.suppressed,
        would_have_suppressed=tally.shadowed,
        released=tally.released,
        labelled=len(mine),
        real=len(real),
        false=len(mine) - len(real),
        audited=sum(case.outcome is not None and case.outcome.source == AUDIT for case in mine),
        precision=share(len(mine) - len(real), len(mine)),
        recall=share(len(mine) - len(real), len(judged) - all_real),
        missed=share(len(real), all_real),
        missed_at_most=round(bound, 4),
        real_needed=needed(CLAIM),
        silenced=silenced(learning, rule, real, spared),
        enough=enough,
        verdict=_verdict(len(mine), len(real), all_real, bound, enough=enough),
    )


def silenced(learning: Learning, rule: str, real: Iterable[Case], spared: Collection[str]) -> list[Silenced]:
    """Incidents with a real alert of which the rule spared none that is known."""
    found: dict[str, list[int]] = {case.incident: [] for case in real if case.incident and case.incident not in spared}
    for case in learning.everything() if found else ():
        if case.incident in found:
            if rule in case.rules:
                found[case.incident].append(case.alert)
            else:
                del found[case.incident]
    return [Silenced(incident=incident, alerts=sorted(alerts)) for incident, alerts in sorted(found.items())]


def _verdict(labelled: int, real: int, all_real: int, bound: float, *, enough: bool) -> str:
    behind = f"{labelled} labelled outcomes stand behind it"
    if labelled == 0:
        return "no labelled outcome stands behind it; not enough to promote"
    if real:
        return f"{behind}, {real} of them real alerts that it kept back or would have; do not promote"
    claim = f"at most {bound:.1%} of real alerts missed (95 %), from {all_real} known real ones"
    if enough:
        return f"{behind}; enough to promote: {claim}"
    return f"{behind}; not enough to promote: {claim}, and it takes {needed(CLAIM)} to claim {CLAIM:.0%}"
