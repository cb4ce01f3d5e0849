"""A rule for what deviated without any alert, and how it would have done over the stored history (practice 7.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from engine.member_views import MemberView
from engine.outcomes import IncidentView
from engine.signals import Labels, Millis

LASTING: Millis = 300_000
"""For how long the threshold is passed before the rule fires."""
GAP: Millis = 600_000
"""Samples further apart than this do not belong to one passing of the threshold."""
BEFORE: Millis = 900_000
"""What fires so shortly before an incident began belongs to it."""


class ProposedRule(msgspec.Struct, kw_only=True, frozen=True):
    """``metric`` of ``entity`` above (or below) ``threshold``, half way between what is usual and what was seen."""

    entity: str
    metric: str
    above: bool
    threshold: float
    usual: float
    seen: float

    def passes(self, value: float) -> bool:
        """Is a value on the wrong side?"""
        return value > self.threshold if self.above else value < self.threshold


class BackTested(msgspec.Struct, kw_only=True, frozen=True):
    """Over ``samples`` from ``since`` to ``until``: how often it would have ``fired``, in which ``incidents`` of its
    entity, and how often ``outside`` of any (as noise)."""

    samples: int
    since: Millis | None
    until: Millis | None
    fired: int
    incidents: tuple[str, ...]
    outside: int


def proposed(member: MemberView) -> ProposedRule | None:
    """The rule for an entity that deviated; None where no series showed it, or nobody knows what is usual."""
    usual, seen = member.facts.get("usual"), member.facts.get("seen")
    if member.kind != "deviating" or member.source != "series":
        return None
    if not isinstance(usual, int | float) or not isinstance(seen, int | float) or usual == seen:
        return None
    return ProposedRule(
        entity=member.entity,
        metric=member.what,
        above=seen > usual,
        threshold=float(f"{(usual + seen) / 2:.4g}"),
        usual=float(usual),
        seen=float(seen),
    )


def back_tested(
    rule: ProposedRule, series: Mapping[Labels, Sequence[tuple[Millis, float]]], incidents: Iterable[IncidentView]
) -> BackTested:
    """The effect of a rule on stored samples (milliseconds, value) of its series, in any order."""
    spans = [(view.id, min(view.onset, view.opened_at) - BEFORE, _until(view)) for view in incidents]
    fired, outside = 0, 0
    within: set[str] = set()
    times: list[Millis] = []
    for points in series.values():
        times += [at for at, _ in points]
        for begun, ended in _episodes(rule, sorted(points)):
            hit = {id for id, since, until in spans if begun < until and ended >= since}
            fired, outside, within = fired + 1, outside + (not hit), within | hit
    return BackTested(
        samples=len(times),
        since=min(times, default=None),
        until=max(times, default=None),
        fired=fired,
        incidents=tuple(sorted(within)),
        outside=outside,
    )


def _until(view: IncidentView) -> Millis:
    return view.resolved_at if view.resolved_at is not None else 1 << 60


def _episodes(rule: ProposedRule, points: Iterable[tuple[Millis, float]]) -> Iterator[tuple[Millis, Millis]]:
    """(when it fires, when it ends) of every passing that lasts."""
    begun: Millis | None = None
    last: Millis | None = None
    for at, value in points:
        if begun is not None and last is not None and (at - last > GAP or not rule.passes(value)):
            if last - begun >= LASTING:
                yield begun + LASTING, last
            begun = None
        if rule.passes(value):
            begun = at if begun is None else begun
        last = at
    if begun is not None and last is not None and last - begun >= LASTING:
        yield begun + LASTING, last
