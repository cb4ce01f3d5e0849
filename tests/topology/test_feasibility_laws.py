"""Laws of the audit, on random catalogues with cycles, groups, capacities and buffers, against the slow reckoning."""

from __future__ import annotations

from datetime import date
from random import Random

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.topology.feasible import catalogues, changed, on_a_buffered_cycle, reckoned, units
from topology.feasibility.audit import audit
from topology.feasibility.case import Case
from topology.feasibility.repair import repaired
from topology.feasibility.times import NEVER
from topology.model import Dependency, Topology

ON = date(2026, 1, 31)
RTO = ("rto-chain", "rto-achievable")


def subjects(topology: Topology, *checks: str) -> set[tuple[str, str]]:
    return {(f.check, f.entities[0]) for f in audit(topology, ON).findings if f.check in checks}


@settings(max_examples=150, deadline=None)
@given(catalogues())
def test_times_and_losses_equal_the_slow_reckoning(topology: Topology) -> None:
    case = Case(topology, ON, {})
    exact = not on_a_buffered_cycle(topology)
    for times, own, promised, add in (
        (case.promised, case.restore, case.rto, True),
        (case.achievable, case.alone, case.believed, True),
        (case.lost, case.exposure, case.kept, False),
    ):
        slow = reckoned(
            topology,
            dict(zip(case.names, own, strict=True)),
            dict(zip(case.names, promised, strict=True)),
            add=add,
        )
        fast = dict(zip(case.names, times.total, strict=True))
        assert fast == slow if exact else all(fast[name] <= slow[name] for name in fast)


@settings(max_examples=150, deadline=None)
@given(catalogues())
def test_who_is_started_together_equals_the_slow_reckoning(topology: Topology) -> None:
    case = Case(topology, ON, {})
    found: dict[int, set[str]] = {}
    for name, unit in zip(case.names, case.needs.unit, strict=True):
        if unit != -1:
            found.setdefault(unit, set()).add(name)
    assert {frozenset(members) for members in found.values()} == set(units(topology).values())


@settings(max_examples=150, deadline=None)
@given(catalogues())
def test_a_chain_leads_from_the_objective_to_what_breaks_it(topology: Topology) -> None:
    for finding in audit(topology, ON).findings:
        if finding.check not in (*RTO, "rpo-chain"):
            continue
        assert finding.chain[0] == finding.entities[0]
        assert finding.chain[-1] == finding.entities[-1]
        assert finding.slack is not None
        assert finding.slack < 0
        together = units(topology)
        for consumer, provider in zip(finding.chain, finding.chain[1:], strict=False):
            near = {d.provider for d in topology.providers(consumer)} | together.get(consumer, frozenset())
            assert provider in near


@settings(max_examples=150, deadline=None)
@given(catalogues())
def test_a_fix_removes_its_finding(topology: Topology) -> None:
    for finding in audit(topology, ON).findings:
        if finding.fix is not None:
            mended = repaired(topology, finding.fix)
            assert mended.version != topology.version
            left = {(f.check, f.entities) for f in audit(mended, ON).findings}
            if finding.check in (*RTO, "rpo-chain", "rpo-store"):  # whoever is to blame then
                assert (finding.check, finding.entities[0]) not in {(check, who[0]) for check, who in left}, (
                    finding,
                    msgspec.json.encode(topology.content),
                )
            assert (finding.check, finding.entities) not in left, finding


@settings(max_examples=150, deadline=None)
@given(catalogues(), st.data())
def test_slack_never_adds_findings(topology: Topology, data: st.DataObject) -> None:
    """A shorter restoration, lag or backup interval, a longer MTD or buffer."""
    before = _late(topology)
    entity = data.draw(st.sampled_from(sorted(topology.entities)))
    said = topology.entities[entity].continuity
    field = data.draw(st.sampled_from(["restore", "replication", "backup", "mtd"]))
    value = getattr(said, field)
    if value is not None:
        other = value + 1 if field == "mtd" else data.draw(st.integers(0, value))
        assert _late(changed(topology, entity, **{field: other})) <= before
    longer = [msgspec.structs.replace(d, buffer=d.buffer and d.buffer + 3) for d in topology.content.dependencies]
    assert _late(_with(topology, longer)) <= before


@settings(max_examples=150, deadline=None)
@given(catalogues())
def test_a_provider_may_promise_what_its_limit_says_and_no_second_more(topology: Topology) -> None:
    single = {(d.consumer, d.provider): msgspec.structs.replace(d, group="") for d in topology.content.dependencies}
    topology = Topology.build(topology.entities.values(), single.values())
    assume(not on_a_buffered_cycle(topology))
    case = Case(topology, ON, {})
    limits, before = case.rto_limits, subjects(topology, "rto-chain")
    for n, name in enumerate(case.names):
        limit, first = limits.limit[n], case.names[limits.chain(n)[0]]
        if case.rto[n] is not None or limit == NEVER or limit < 0 or ("rto-chain", first) in before:
            continue
        kept, late = (
            subjects(_promising(topology, name, limit + more), "rto-chain") - {("rto-chain", name)} for more in (0, 1)
        )
        assert kept <= before
        assert ("rto-chain", first) in late, (name, first, limit, msgspec.json.encode(topology.content))


@settings(max_examples=80, deadline=None)
@given(catalogues(), st.randoms(use_true_random=False))
def test_the_order_of_parts_changes_nothing(topology: Topology, random: Random) -> None:
    content = topology.content
    entities, dependencies, groups = list(content.entities), list(content.dependencies), list(content.groups)
    random.shuffle(entities)
    random.shuffle(dependencies)
    random.shuffle(groups)
    assert audit(Topology.build(entities, dependencies, groups), ON) == audit(topology, ON)


def _late(topology: Topology) -> set[tuple[str, str]]:
    """What is lost by an entity itself and what below it can hide each other where entities are started together."""
    tied = units(topology)
    found = subjects(topology, *RTO, "rpo-chain", "rpo-store", "mtd-below-rto")
    return {("rpo" if check.startswith("rpo") and entity in tied else check, entity) for check, entity in found}


def _promising(topology: Topology, entity: str, rto: int) -> Topology:
    content = topology.content
    entities = [msgspec.structs.replace(e, rto=rto) if e.id == entity else e for e in content.entities]
    return Topology.build(entities, content.dependencies, content.groups)


def _with(topology: Topology, dependencies: list[Dependency]) -> Topology:
    return Topology.build(topology.entities.values(), dependencies, topology.groups.values())
