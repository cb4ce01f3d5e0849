"""Samples in columns say the same as one by one: the same state, whatever the tables they come in."""

from __future__ import annotations

import math
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import Core
from engine.library import Library
from engine.signals import Activation, AlertEvent, Labels, SampleTable, Signal
from topology.model import Dependency, Entity, Kind, Topology

NOW = 1_795_332_750_000
SLOT = 30_000
SKEW = 60_000
NAMES = ("latency", "hits_total", "replication_lag_seconds", "cpu")
SERIES = [
    Labels.of({"__name__": name, "service": entity, "instance": str(copy)})
    for entity in ("db", "cart", "stranger", "")
    for name in NAMES
    for copy in range(2)
]
Row = tuple[int, int, float]
"""(series, time, value; NaN: the series has ended)."""


def table(rows: list[Row]) -> SampleTable:
    """One table: a run of rows of one series has one label set."""
    labels: list[Labels] = []
    numbers, before = array("q"), -1
    for number, _, _ in rows:
        if number != before:
            labels.append(SERIES[number])
        numbers.append(len(labels) - 1)
        before = number
    return SampleTable(
        tuple(labels), numbers, array("q", [at for _, at, _ in rows]), array("d", [value for _, _, value in rows])
    )


def core(most: int) -> Core:
    """With an incident of the shop's domain, so that evidence of it is waited for."""
    library = Library()
    entities = [Entity(id="db", kind=Kind.DATABASE, rpo=5), Entity(id="cart"), Entity(id="shop")]
    edges = [Dependency(consumer="cart", provider="db"), Dependency(consumer="shop", provider="cart")]
    version = library.add_topology(Topology.build(entities, edges))
    made = Core(library)
    made.state.telemetry.most = most
    made.state.telemetry.most_watched = 3
    made.handle(1, [Activation("topology", version)], NOW - 1000)
    made.handle(2, [AlertEvent(Labels.of({"alertname": "Slow", "service": "cart"}), starts_at=NOW - 1000)], NOW - 1000)
    return made


def left(made: Core) -> tuple[bytes, object]:
    """All that it remembers, and its timers."""
    return made.snapshot(), made.due()


rows_of_requests = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, len(SERIES) - 1),
            st.integers(-40, 4).map(lambda n: NOW + n * SLOT // 2),
            st.one_of(st.just(math.nan), st.integers(0, 50).map(float), st.floats(-1e6, 1e6)),
        ),
        min_size=1,
        max_size=25,
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(rows_of_requests, st.sampled_from([3, 8, 100]))
def test_a_table_leads_to_the_same_as_its_samples_one_by_one(requests: list[list[Row]], most: int) -> None:
    at_once, one_by_one = core(most), core(most)
    for position, rows in enumerate(requests * 2, start=3):
        now = NOW + position * 200_000 * (position > len(requests) + 2)
        shifted = [(number, at + now - NOW, value) for number, at, value in rows]
        signals: list[Signal] = [*table(shifted).one_by_one()]
        first = at_once.handle(position, [table(shifted)], now)
        other = one_by_one.handle(position, signals, now)
        assert first.decisions == other.decisions
        assert left(at_once) == left(one_by_one)
        assert at_once.state.telemetry.ignored == one_by_one.state.telemetry.ignored


@settings(max_examples=60, deadline=None)
@given(rows_of_requests, st.integers(1, 30))
def test_how_rows_are_cut_into_tables_changes_nothing(requests: list[list[Row]], size: int) -> None:
    whole, cut = core(100), core(100)
    rows = [row for request in requests for row in request]
    whole.handle(3, [table(rows)], NOW)
    cut.handle(3, [table(rows[at : at + size]) for at in range(0, len(rows), size)], NOW)
    assert left(whole) == left(cut)


def test_samples_of_the_future_are_counted_and_leave_no_series() -> None:
    made = core(100)
    made.handle(3, [table([(0, NOW, 1.0), (0, NOW + SKEW + 1, 2.0), (1, NOW + SKEW + 1, 3.0)])], NOW)
    assert (made.state.telemetry.count, made.state.telemetry.ignored) == (1, 2)
    made.handle(4, [table([(0, NOW + SKEW + 2, 2.0)])], NOW)
    assert (made.state.telemetry.count, made.state.telemetry.ignored) == (1, 3)


def test_other_versions_make_the_series_be_looked_at_again() -> None:
    made = core(100)
    library = made._context.library
    rows = [(number, NOW, 1.0) for number in range(8)]
    for position in (3, 4):
        made.handle(position, [table(rows)], NOW)
    assert made._context.entity_of.keys() == {SERIES[4].fingerprint, SERIES[5].fingerprint}  # say what a store loses
    version = library.add_topology(Topology.build([Entity(id="other", aliases=("db",))]))
    made.handle(5, [Activation("topology", version)], NOW)
    assert not made._context.entity_of
    made.handle(6, [table(rows)], NOW)
    assert {made._context.entity_of[SERIES[n].fingerprint][0] for n in range(8)} == {"other"}
