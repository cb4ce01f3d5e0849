"""Risk in the words of the API and the command line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import asdict

from api.risk_schemas import (
    BasicFailure,
    BusinessBehind,
    DegradingPoint,
    EntityRisk,
    HollowGroup,
    NextRisk,
    NextRisks,
    RiskOf,
    SinglePoint,
    SinglePointsOf,
)
from rules.ruleset import RuleSet
from topology.cuts import CutSets, next_failures
from topology.failures import ASSUMED, ASSUMED_FATE, HORIZON, MILLION, Failure
from topology.field import business
from topology.impact import impact
from topology.model import Topology
from topology.risk import WORLDS, Risk, assess
from topology.single_points import Behind, single_points

MOST_TARGETS = 500
"""Entities of one answer; the most important ones are taken."""
SHOWN = 10
"""Failures and pairs listed for one entity; all are counted."""


def risk_of(index: Topology, entities: Sequence[str] = (), worlds: int = WORLDS) -> RiskOf:
    """The risk of ``entities`` (ids that the topology has), by default of the business."""
    targets = _important(index, entities)
    found = assess(index, targets[:MOST_TARGETS], worlds=worlds)
    return RiskOf(
        version=index.version,
        horizon=HORIZON,
        worlds=worlds,
        total=len(targets),
        left_off=max(0, len(targets) - MOST_TARGETS),
        expected=found.expected,
        defaults=_defaults(),
        items=[_risk(index, risk) for risk in found.risks],
    )


def next_of(index: Topology, down: Collection[str], entities: Sequence[str] = (), worlds: int = WORLDS) -> NextRisks:
    """The same while ``down`` are down, with the pairs of failures to fear; of no incident."""
    targets = _important(index, entities)
    asked = targets[:MOST_TARGETS]
    found = assess(index, asked, down, worlds)
    cuts = next_failures(index, asked, down)
    items = [_next(index, risk, each) for risk, each in zip(found.risks, cuts.cut_sets, strict=True)]
    working = {item.entity for item in items}
    return NextRisks(
        version=index.version,
        down=sorted(down),
        fallen=[name for name in asked if name not in working],
        horizon=HORIZON,
        worlds=worlds,
        total=len(targets),
        left_off=max(0, len(targets) - MOST_TARGETS),
        expected=found.expected,
        complete=cuts.complete,
        defaults=_defaults(),
        items=sorted(items, key=lambda item: (-item.probability, item.entity)),
    )


def single_points_of(index: Topology, limit: int, rules: RuleSet | None = None) -> SinglePointsOf:
    """Single points of failure, ``limit`` of each kind; by the rules there may be no more users than so many."""
    found = single_points(index)
    most = None if rules is None else rules.content.severity.users_total
    return SinglePointsOf(
        version=index.version,
        rules="" if rules is None else rules.version,
        business=len(found.business),
        failures=found.failures,
        points_total=len(found.points),
        points=[_point(index, one.failure, one.behind, most) for one in found.points[:limit]],
        hollow_total=len(found.hollow),
        hollow=[
            HollowGroup(
                **_behind(one.behind, most),
                consumer=one.consumer,
                group=one.group,
                members=one.members,
                need=one.need,
                shared=[_failure(failure) for failure in one.shared],
                shared_total=one.total,
            )
            for one in found.hollow[:limit]
        ],
        degrading_total=len(found.degrading),
        degrading=[
            DegradingPoint(**asdict(_point(index, one.failure, one.behind, most)), lowest=one.lowest)
            for one in found.degrading[:limit]
        ],
        unexamined=found.unexamined,
    )


def _important(index: Topology, entities: Sequence[str]) -> list[str]:
    """In the order given or, of all the business, by tier, users and id."""
    if entities:
        return list(dict.fromkeys(entities))
    facts = [index.entities[name] for name in business(index)]
    facts.sort(key=lambda one: (99 if one.tier is None else one.tier, -(one.users or 0), one.id))
    return [one.id for one in facts]


def _defaults() -> dict[str, float]:
    return {kind.value: ppm / MILLION for kind, ppm in ASSUMED.items()} | {"fate": ASSUMED_FATE / MILLION}


def _failure(failure: Failure) -> BasicFailure:
    return BasicFailure(failure.name, failure.fate, failure.probability, failure.assumed)


def _risk(index: Topology, risk: Risk) -> EntityRisk:
    entity = index.entities[risk.entity]
    return EntityRisk(
        entity=risk.entity,
        name=entity.name,
        kind=entity.kind.value,
        tier=entity.tier,
        users=entity.users,
        probability=risk.probability,
        low=risk.low,
        high=risk.high,
        fate_share=risk.fate_share,
        method=risk.method,
        worlds=risk.worlds,
        hits=risk.hits,
        stratum=risk.stratum,
        alone=[_failure(failure) for failure in risk.alone[:SHOWN]],
        alone_total=len(risk.alone),
        together=risk.together,
        assumed=risk.assumed,
    )


def _next(index: Topology, risk: Risk, cuts: CutSets) -> NextRisk:
    double = [[_failure(one), _failure(other)] for one, other in cuts.double[:SHOWN]]
    return NextRisk(**asdict(_risk(index, risk)), double=double, double_total=len(cuts.double))


def _behind(behind: Behind, most: int | None) -> dict[str, Any]:
    low, high = behind.users or (0, 0)
    found = BusinessBehind(
        tier=behind.tier,
        business=behind.total,
        users=None if behind.users is None else (low, high if most is None else max(low, min(most, high))),
        obligations=list(behind.obligations),
        first=list(behind.first),
    )
    return asdict(found)


def _point(index: Topology, failure: Failure, behind: Behind, most: int | None) -> SinglePoint:
    entity = None if failure.fate else index.entities[failure.name]
    hit = impact(index, dict.fromkeys(failure.entities, 0))[behind.first[0]]
    ends = [step.at for step in hit.later if step.low == 0] if hit.low else []
    return SinglePoint(
        **_behind(behind, most),
        failure=_failure(failure),
        kind=entity.kind.value if entity else "fate",
        owner=entity.owner if entity else "",
        path=hit.path,
        after=(ends[0] if ends else hit.at) / 1000,
    )
