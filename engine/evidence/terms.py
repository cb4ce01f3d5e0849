"""Terms from sources independent of the alert: other series, neighbours, and those who would feel it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from engine.evidence.felt import Felt
from engine.evidence.kinds import Kind
from engine.evidence.profile import Profile
from engine.evidence.verdict import Term

OTHER_KIND = 1.25
SATURATED = 2.0
"""Saturation beside latency or errors of one entity: cause and effect in one place."""
NEIGHBOUR, NEIGHBOUR_MEASURED = 0.8, 0.5
FELT, UNFELT = 0.25, -1.0
DOOR_SHOWS_NOTHING = -0.2
SHOWN = 3
SOME = 0.3
"""Share of the doors' traffic from which an entity's trouble is felt."""


def series_terms(profile: Profile, kind: Kind, metric: str, besides: Collection[str] = ()) -> Iterator[Term]:
    """Another kind of the entity's series deviates too; not those ``besides``, which have terms of their own."""
    found = profile.other(kind, metric, besides)
    if found is not None:
        facts: dict[str, object] = {
            "metric": found.metric,
            "kind": found.kind.value,
            "usual": found.usual,
            "seen": found.seen,
            "deviation": round(found.peak, 2),
            "samples": found.points,
        }
        weight = SATURATED if Kind.SATURATION in (found.kind, kind) else OTHER_KIND
        yield Term(kind="series_deviates", group="telemetry", log_odds=weight, facts=facts)


def neighbour_terms(neighbours: Iterable[str], profile: Callable[[str], Profile]) -> Iterator[Term]:
    """Troubled entities that the topology connects with this one, in the same trouble. Where some of them are measured,
    only those count that deviate, and they count once: their series move together."""
    measured, others = [], []
    for name in sorted(neighbours):
        theirs = profile(name)
        if theirs.step:
            measured.append((name, theirs.felt()))
        else:
            others.append(name)
    found = [(name, shift) for name, shift in measured if shift is not None]
    if found:
        name, shift = max(found, key=lambda one: (one[1].peak, one[0]))
        facts: dict[str, object] = {
            "entity": name,
            "metric": shift.metric,
            "deviation": round(shift.peak, 2),
            "deviating": len(found),
        }
        yield Term(kind="neighbour_deviates", group="topology", log_odds=NEIGHBOUR_MEASURED, facts=facts)
    elif not measured:
        for name in others[:SHOWN]:
            yield Term(kind="neighbour_troubled", group="topology", log_odds=NEIGHBOUR, facts={"entity": name})


def felt_terms(found: Felt | None, *, door: bool) -> Iterator[Term]:
    """Do those feel it who would?"""
    if found is None:
        return
    facts: dict[str, object] = {
        "share": round(found.share, 3),
        "doors": list(found.doors[:SHOWN]),
        "feeling": list(found.feeling[:SHOWN]),
    }
    if found.share < SOME:
        weight = DOOR_SHOWS_NOTHING if door else UNFELT
        yield Term(kind="nobody_feels_it", group="consumers", log_odds=weight, facts=facts)
    elif not door:
        yield Term(kind="consumers_feel_it", group="consumers", log_odds=FELT, facts=facts)
