"""Random catalogues with everything that can be said of entities, dependencies, groups and shared fates."""

from __future__ import annotations

from hypothesis import strategies as st

from topology.continuity import NOTHING_SAID, Agreement, Assumption, Continuity, Contract, SharedFate
from topology.model import Content, Dependency, Entity, Group, Kind, Semantics

IDS = [*"abcdef", "é", "name of more than eight bytes", "n" * 200, "x,y", 'say "so"', "😀"]
texts = st.sampled_from(["", "Ops", "1", "ü, \"x\"; 'y'"])
numbers = st.one_of(st.none(), st.integers(0, 10**10))
seconds = st.one_of(st.none(), st.integers(0, 10**6))


def names(most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    words = st.lists(st.sampled_from(["p1", "p2", "p3", "p4"]), unique=True, max_size=most)
    return words.map(lambda found: tuple(sorted(found)))


contracts = st.builds(Contract, reference=texts, rto=seconds, support=st.sampled_from(["", "24x7"]))
agreements = st.builds(Agreement, order=st.just(("u1", "u2")), by=texts)
assumptions = st.builds(Assumption, id=st.sampled_from("kl"), on=st.sampled_from(IDS), text=texts)
continuities = st.one_of(
    st.just(NOTHING_SAID),
    st.just(Continuity()),
    st.builds(
        Continuity,
        restore=seconds, mtd=seconds, failure=st.none() | st.integers(0, 10**6), fates=names(), backup=seconds,
        durable=st.one_of(st.none(), st.booleans()), contract=st.one_of(st.none(), contracts), unit=texts,
        assumptions=st.lists(assumptions, max_size=1).map(tuple), agreement=st.one_of(st.none(), agreements),
        priority=st.one_of(st.none(), st.integers(1, 9)), transactions=numbers, critical=st.none() | st.booleans(),
    ),
)  # fmt: skip


@st.composite
def entities(draw: st.DrawFn, id: str) -> Entity:
    return Entity(
        id=id,
        kind=draw(st.sampled_from(Kind)),
        name=draw(texts),
        owner=draw(texts),
        tier=draw(st.one_of(st.none(), st.integers(0, 100))),
        rto=draw(seconds),
        users=draw(numbers),
        obligations=draw(names()),
        scope=draw(st.booleans()),
        domain=draw(st.sampled_from(["", "", "d"])),
        aliases=draw(names(1)),
        facts=draw(st.dictionaries(st.sampled_from(["site", "rack"]), st.sampled_from(["1", "2"]))),
        part_of=draw(st.sampled_from(["", "a"])),
        continuity=draw(continuities),
    )


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Parts in any order, which need not be a good catalogue."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS)))
    ends = st.sampled_from(ids) if ids else st.nothing()
    keys = st.tuples(ends, ends, st.sampled_from(["", "", "g", "h"]))
    pairs = draw(st.lists(keys, unique=True, max_size=25)) if ids else []
    edges = [draw(dependencies(*key)) for key in pairs if key[0] != key[1]]
    owners = draw(st.lists(st.tuples(ends, st.sampled_from("gk")), unique=True, max_size=5)) if ids else []
    capacity = st.one_of(st.none(), st.integers(1, 10**13))
    groups = [Group(consumer=c, name=n, need=draw(st.integers(1, 3)), capacity=draw(capacity)) for c, n in owners]
    fates = [SharedFate(name=name, failure=draw(numbers)) for name in draw(names())]
    return Content(tuple(draw(entities(id)) for id in ids), tuple(edges), tuple(groups), tuple(fates))


@st.composite
def dependencies(draw: st.DrawFn, consumer: str, provider: str, group: str) -> Dependency:
    return Dependency(
        consumer=consumer,
        provider=provider,
        group=group,
        semantics=draw(st.sampled_from(Semantics)),
        factor=draw(st.integers(0, 1000)),
        buffer=draw(st.sampled_from([0, 90, 100 * 366 * 86400])),
        weight=draw(st.sampled_from([0, 500, 1000, 10**9])),
        timeout=draw(st.sampled_from([0, 250, 10**12])),
        discovered=draw(st.booleans()),
    )
