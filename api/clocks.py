"""Regulatory clocks in the words of the API: countdowns relative to now, and incidents taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast

from api.clock_schemas import ClockNow, ClocksOf, TogetherOf
from api.schemas import Versions
from engine.clock_views import OPEN_CLOCKS, ClockView, CriterionView, FactView
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView, TimelineEntry
from engine.ports import Page, Reader
from engine.signals import Millis
from rules.regimes import Given, Regime, evaluate, together

TOLD = frozenset({
    "regime", "regime_rules", "clock", "mark", "mark_withdrawn", "fact", "clock_dismissed", "classification_asked",
})  # fmt: skip
"""Kinds of lines in the timeline that tell of regimes and clocks."""
PAGE = 200
MOST = 10_000
"""Incidents that one list looks at."""


def clocks_of(view: IncidentView, timeline: Sequence[TimelineEntry], now: Millis) -> ClocksOf:
    """The clocks of one incident."""
    return ClocksOf(
        incident=view.id,
        revision=view.revision,
        at=now,
        clocks=[_now(clock, view, now) for clock in view.clocks],
        regimes=view.regimes,
        history=[line for line in timeline if line.kind in TOLD],
        versions=_versions(view),
    )


def open_clocks(reader: Reader, now: Millis, *, waiting: bool, regime: str = "") -> list[ClockNow]:
    """Clocks that nobody has ended, the soonest first. Those without a deadline (``waiting``) are of open
    incidents. Drills oblige nobody, and are left out."""
    found = {view.id: view for view in _all(partial(reader.incidents, clocks=True, drill=False))}
    if waiting:
        found |= {view.id: view for view in _all(partial(reader.incidents, state=sorted(OPEN), drill=False))}
    clocks = [
        _now(clock, view, now)
        for view in found.values()
        for clock in view.clocks
        if clock.state in OPEN_CLOCKS and (waiting or clock.due is not None) and (not regime or clock.regime == regime)
    ]
    return sorted(clocks, key=lambda one: (one.due is None, one.due or 0, one.incident, one.regime, one.clock))


def together_of(regime: Regime, views: Sequence[IncidentView], versions: Versions) -> TogetherOf:
    """What several incidents would be if they were one."""
    facts = together(regime, [_facts(view, regime.id) for view in views])
    result = evaluate(regime, facts, max(view.opened_at for view in views))
    return TogetherOf(
        regime=regime.id,
        since=regime.since.isoformat(),
        incidents=[view.id for view in views],
        causes=sorted({view.cause for view in views if view.cause}),
        classification=result.classification,
        answer=result.answer.value,
        because=result.because,
        criteria=[
            CriterionView(
                id=one.id,
                name=one.name,
                answer=one.answer.value,
                because=one.because,
                unknown=one.unknown,
                estimated=one.estimated,
                article=one.source.article,
            )
            for one in result.criteria
        ],
        facts=[
            FactView(
                id=fact.id,
                question=fact.question,
                kind=fact.kind,
                unit=fact.unit,
                value=facts[fact.id].value,
                by=facts[fact.id].by,
                estimated=facts[fact.id].estimated,
            )
            for fact in regime.facts
            if fact.id in facts
        ],
        versions=versions,
    )


def _facts(view: IncidentView, regime: str) -> dict[str, Given]:
    judged = next((one for one in view.regimes if one.regime == regime), None)
    return {f.id: Given(f.value, f.estimated, f.by, f.note) for f in (judged.facts if judged else ())}


def _now(clock: ClockView, view: IncidentView, now: Millis) -> ClockNow:
    left = (clock.due - now) // 1000 if clock.due is not None and clock.state in OPEN_CLOCKS else None
    said = {name: getattr(clock, name) for name in ClockView.__struct_fields__}
    return ClockNow(incident=view.id, title=view.title, seconds_left=left, **said)


def _versions(view: IncidentView) -> Versions:
    topology = view.versions.get("topology", "")
    return Versions(topology, topology, view.versions.get("rules", ""))


def _all(page: Callable[..., Page]) -> Iterator[IncidentView]:
    cursor = ""
    for _ in range(MOST // PAGE):
        found = page(cursor=cursor, limit=PAGE)
        yield from cast("list[IncidentView]", found.items)
        cursor = found.next
        if not cursor:
            return
