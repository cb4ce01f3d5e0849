"""`headwater risk`: how probable it is that business goes down, what would take it down next, and what alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.commands.console import DONE, Failed, say
from api.commands.folders import catalogue_in, resolved, rules_in
from api.commands.impact import duration
from api.risk import next_of, risk_of, single_points_of
from api.risk_schemas import (
    BasicFailure,
    BusinessBehind,
    EntityRisk,
    HollowGroup,
    NextRisk,
    NextRisks,
    RiskOf,
    SinglePoint,
    SinglePointsOf,
)

LISTED = 20
"""Single points in words; `--json` gives `MOST`."""
MOST = 500
NAMED = 3
"""Failures named in a line."""


class Asked(NamedTuple):
    """The command line."""

    entities: Sequence[str]
    down: Sequence[str]
    single_points: bool
    worlds: int
    catalogue: Path | None
    rules: Path | None
    as_json: bool


def run(asked: Asked) -> int:
    """Print the answer, in words or as JSON."""
    if asked.single_points and (asked.entities or asked.down):
        raise Failed("--single-points is about the whole catalogue with everything up", "leave out ENTITY and --down")
    topology = catalogue_in(asked.catalogue)
    entities, down = resolved(topology, asked.entities, asked.down)
    found: RiskOf | NextRisks | SinglePointsOf
    if asked.single_points:
        found = single_points_of(topology, MOST if asked.as_json else LISTED, rules_in(asked.rules))
    elif down:
        found = next_of(topology, down, entities, asked.worlds)
    else:
        found = risk_of(topology, entities, asked.worlds)
    say(msgspec.json.encode(found).decode() if asked.as_json else in_words(found))
    return DONE


def in_words(found: RiskOf | NextRisks | SinglePointsOf) -> str:
    """One line per finding."""
    if isinstance(found, SinglePointsOf):
        return "\n".join(_points_in_words(found))
    lines = [_heading(found)]
    for item in found.items:
        lines.append(f"  {_risk_in_words(item)}")
        if isinstance(item, NextRisk) and item.double:
            pairs = "; ".join(" and ".join(map(_name, pair)) for pair in item.double[:NAMED])
            lines.append(f"    together ({item.double_total}): {pairs}")
    if found.left_off:
        lines.append(f"  {found.left_off} more were too many for one answer")
    if isinstance(found, NextRisks) and not found.complete:
        lines.append("  there are more pairs of failures than were looked at; single failures are all here")
    lines.append(f"Expected to go down: {found.expected:.2g} of {len(found.items)}. Topology {found.version}.")
    return "\n".join(lines)


def _heading(found: RiskOf | NextRisks) -> str:
    hours = f"within {found.horizon // 3600} h"
    if isinstance(found, RiskOf):
        return f"Probability to go down {hours}:"
    fallen = f", and with it {', '.join(found.fallen)}" if found.fallen else ""
    return f"With {', '.join(found.down)} down{fallen}; probability to go down next {hours}:"


def _risk_in_words(item: EntityRisk) -> str:
    facts = ["exact" if item.method == "exact" else f"{percent(item.low)} … {percent(item.high)}"]
    if item.fate_share >= 0.005:
        facts.append(f"{item.fate_share:.0%} of it by shared fates")
    if item.assumed:
        facts.append(f"{item.assumed} of {item.alone_total + item.together} probabilities assumed")
    text = f"{item.entity}{_tier(item.tier)}: {percent(item.probability)} ({', '.join(facts)})"
    if item.alone:
        more = f" and {item.alone_total - NAMED} more" if item.alone_total > NAMED else ""
        text += f"; alone: {', '.join(map(_name, item.alone[:NAMED]))}{more}"
    return text


def _points_in_words(found: SinglePointsOf) -> list[str]:
    lines = [f"{found.points_total} of {found.failures} failures take business down alone:"]
    lines += [f"  {_point_in_words(one)}{_after(one)}, by {' → '.join(one.path)}" for one in found.points]
    lines += [f"{found.hollow_total} groups are redundant on paper only:"]
    lines += [f"  {_hollow_in_words(one)}" for one in found.hollow]
    lines += [f"{found.degrading_total} failures only degrade:"]
    lines += [f"  {_point_in_words(one)}, down to {one.lowest / 10:g} %" for one in found.degrading]
    if found.unexamined:
        lines.append(f"  {found.unexamined} failures were not looked at for that: the catalogue is too large")
    return [*lines, f"Topology {found.version}, rules {found.rules}."]


def _point_in_words(one: SinglePoint) -> str:
    return f"{_name(one.failure)}{_behind_in_words(one)}"


def _after(one: SinglePoint) -> str:
    return f" after {duration(one.after)}" if one.after else ""


def _behind_in_words(one: BusinessBehind) -> str:
    facts = [f"tier {one.tier}"] if one.tier is not None else []
    if one.users:
        low, high = one.users
        facts.append(f"{low} users" if low == high else f"{low} … {high} users")
    facts += one.obligations
    named = ", ".join(one.first[:NAMED]) + (f" and {one.business - NAMED} more" if one.business > NAMED else "")
    return f": {named} ({', '.join(facts)})" if facts else f": {named}"


def _hollow_in_words(one: HollowGroup) -> str:
    shared = ", ".join(map(_name, one.shared))
    more = f" and {one.shared_total - len(one.shared)} more" if one.shared_total > len(one.shared) else ""
    members = ", ".join(one.members[:NAMED]) + (" …" if len(one.members) > NAMED else "")
    text = f"{one.group} of {one.consumer} ({one.need} of {len(one.members)}: {members}) falls with {shared}{more}"
    return text + (f"{_behind_in_words(one)}" if one.business else "")


def _name(failure: BasicFailure) -> str:
    return f"shared fate {failure.name}" if failure.fate else failure.name


def _tier(tier: int | None) -> str:
    return "" if tier is None else f" (tier {tier})"


def percent(share: float) -> str:
    """Three digits."""
    return f"{100 * share:.3g} %"
