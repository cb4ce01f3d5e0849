"""Spans of one trace, put together: own time, time on the way, failures and calls."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.traces import assembly, network_time, operation, store
from engine.evidence.traces.cell import RECENT
from engine.evidence.traces.store import Traces
from tests.evidence.spans import MINUTE, T0, network_ms, seen, self_ms, shows, span

CALL = (
    span("server", "shop", at=0, lasts=100, kind="server"),
    span("client", "shop", "server", at=20, lasts=60, kind="client"),
    span("other", "cart", "client", at=25, lasts=40, kind="server"),
)


def test_a_call_is_split_into_own_time_of_both_sides_and_the_way_between():
    traces = seen(*CALL)
    assert self_ms(traces, "shop") == 40  # 100 without the 60 it waited
    assert self_ms(traces, "cart") == 40
    assert network_ms(traces, "shop", "cart") == [20, 1]
    assert traces.edges["shop"]["cart"].calls == 1


def test_without_kinds_a_span_whose_only_child_is_elsewhere_is_the_client():
    plain = [(entity, msgspec.structs.replace(one, kind="")) for entity, one in CALL]
    assert shows(seen(*plain)) == shows(seen(*CALL))


@pytest.mark.parametrize("skew", [-9_000_000, -30, 30, 9_000_000])
def test_skew_between_the_clocks_of_two_hosts_changes_nothing(skew: int):
    entity, remote = CALL[2]
    moved = msgspec.structs.replace(remote, start_us=(remote.start_us or 0) + skew * 1000)
    traces = seen(CALL[0], CALL[1], (entity, moved))
    assert self_ms(traces, "shop") == 40
    assert self_ms(traces, "cart") == 40
    assert network_ms(traces, "shop", "cart") == [20, 1]


def test_a_caller_without_a_client_span_has_own_time_but_no_network_time():
    first = span("b", "cart", "a", at=10, lasts=20)
    second = span("c", "mail", "a", at=120_000, lasts=20)  # another host, another clock
    traces = seen(span("a", "shop", lasts=100), first, second)
    assert network_ms(traces, "shop", "cart") == network_ms(traces, "shop", "mail") == [0, 0]
    assert self_ms(traces, "shop") == 100 - 20 - 20
    assert traces.edges["shop"]["cart"].calls == traces.edges["shop"]["mail"].calls == 1


def test_waiting_for_somebody_who_reports_no_spans_is_not_own_time():
    traces = seen(span("a", "shop", lasts=100), span("b", "shop", "a", at=5, lasts=90, kind="client"))
    assert self_ms(traces, "shop") == 10
    assert network_ms(traces, "shop", network_time.UNSEEN) == [90, 1]


def test_a_message_taken_later_is_no_wait():
    sent = span("a", "shop", lasts=2, kind="producer")
    taken = span("b", "mail", "a", at=60_000, lasts=500, kind="consumer")
    traces = seen(sent, taken)
    assert self_ms(traces, "shop") == 2
    assert network_ms(traces, "shop", "mail") == [0, 0]
    assert traces.edges["shop"]["mail"].calls == 1


def test_an_orphan_counts_for_its_own_entity_and_for_no_edge():
    traces = seen(span("b", "cart", "never-sent", lasts=7))
    assert self_ms(traces, "cart") == 7
    assert traces.edges == {}


def test_children_that_overlap_are_subtracted_once_and_not_beyond_their_parent():
    children = [span(f"c{n}", "shop", "a", at=at, lasts=40) for n, at in enumerate((10, 20, 30, 90, -20))]
    traces = seen(span("a", "shop", lasts=100, operation="parent"), *children)
    cell = traces.of("shop")["parent"]
    (tally,) = cell.minutes.values()
    assert tally.total == 20_000  # the union is 0…70 and 90…100


def test_a_failure_counts_where_it_began():
    traces = seen(
        span("a", "shop", lasts=100, kind="server", failed=True),
        span("b", "shop", "a", lasts=90, kind="client", failed=True),
        span("c", "cart", "b", lasts=80, kind="server", failed=True),
    )
    counts = {
        entity: [(t.failed, t.origin) for cell in traces.of(entity).values() for t in cell.minutes.values()]
        for entity in ("shop", "cart")
    }
    assert counts == {"shop": [(1, 0)], "cart": [(1, 1)]}
    assert traces.edges["shop"]["cart"].failed == 1


def test_repeated_spans_change_nothing_and_are_counted():
    traces = seen(*CALL, *CALL, *reversed(CALL))
    assert shows(traces) == shows(seen(*CALL))
    assert traces.assembly.repeated == 6


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}])
def test_cycles_of_parents_end_and_take_no_more_time_than_there_is(parents: dict[str, str]):
    traces = seen(*(span(name, f"e-{name}", parent, lasts=10) for name, parent in parents.items()))
    assert all(0 <= self_ms(traces, f"e-{name}") <= 10 for name in parents)


def test_nothing_and_less_than_nothing_are_times_of_zero():
    backwards = msgspec.structs.replace(span("b", "shop")[1], duration_us=-5)
    no_micros = msgspec.structs.replace(span("c", "shop")[1], start_us=None, duration_us=None, end=T0 - 5)
    endless = msgspec.structs.replace(span("d", "cart")[1], duration_us=1 << 70)
    traces = seen(span("a", "shop", lasts=0), ("shop", backwards), ("shop", no_micros), ("cart", endless))
    assert self_ms(traces, "shop") == 0
    assert self_ms(traces, "cart") == store.LONGEST / 1000


def test_a_trace_of_a_hundred_thousand_spans_is_bounded_and_the_rest_is_counted():
    traces = seen(*(span(f"s{n}", "shop", "s0" if n else "", at=n, lasts=1) for n in range(100_000)))
    assert traces.assembly.held == assembly.MOST_OF_ONE
    assert traces.assembly.beyond == 100_000 - assembly.MOST_OF_ONE
    assert traces.entities["shop"].spans == assembly.MOST_OF_ONE


def test_more_spans_than_are_held_push_out_the_oldest_traces_and_are_still_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "MOST_HELD", 100)
    monkeypatch.setattr(assembly, "MOST_HELD", 100)
    traces = seen(*(span("s", "shop", trace=f"t{n}", at=n * 1000, lasts=1) for n in range(240)))
    assert traces.assembly.held <= 100
    assert traces.assembly.early == 240 - traces.assembly.held
    assert self_ms(traces, "shop") == 240


def test_of_countless_operations_those_with_the_smallest_hashes_are_told_apart_in_any_order():
    names = [f"op {chr(97 + n % 26)}{n}x" for n in range(20_000)]
    spans = [span(name, "shop", trace=name, operation=name) for name in names]
    forwards, backwards = seen(*spans), seen(*reversed(spans))
    assert len(forwards.of("shop")) == store.OPERATIONS + 1
    assert operation.SHARED in forwards.of("shop")
    assert shows(forwards) == shows(backwards)
    assert self_ms(forwards, "shop") == 10 * len(names)


def test_ids_in_operations_make_no_operations():
    assert len(seen(*(span("s", "shop", trace=str(n), operation=f"GET /cart/{n}") for n in range(500))).of("shop")) == 1


def test_cells_beyond_the_limit_are_not_kept_and_what_they_miss_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "MOST_CELLS", 10)
    traces = seen(*(span("s", f"e{n}", trace=str(n)) for n in range(30)))
    assert (traces.cells, traces.ignored) == (10, 20)


def test_old_minutes_become_blocks_and_old_blocks_are_forgotten():
    traces = seen(*(span("s", "shop", trace=str(n), at=n * MINUTE, lasts=1) for n in range(0, 600, 5)))
    (cell,) = traces.of("shop").values()
    assert len(cell.minutes) == RECENT // 5
    assert len(cell.blocks) <= 5
    assert not traces.assembly.traces.keys() & {"0", "5"}
    late = seen(*(span("s", "shop", trace=str(n), at=n * MINUTE, lasts=1) for n in range(595, -5, -5)))
    assert shows(late)["own"] == shows(traces)["own"]


@st.composite
def traces_of_spans(draw: st.DrawFn) -> list:
    """Spans of traces within five minutes, with random parents (cycles, strangers), entities, kinds and times."""
    names = draw(st.lists(st.tuples(st.sampled_from("tuv"), st.sampled_from("abcdefgh")), unique=True, max_size=14))
    kinds = st.sampled_from(["", "", "client", "server", "internal", "producer", "consumer"])
    return [
        span(
            name,
            draw(st.sampled_from(["shop", "cart", "mail"])),
            draw(st.sampled_from(["", *"abcdefghz"])),
            trace=trace,
            at=draw(st.integers(-140_000, 140_000)),
            lasts=draw(st.integers(0, 90_000)) / 1000,
            kind=draw(kinds),
            failed=draw(st.booleans()),
            operation=draw(st.sampled_from(["x", "y"])),
        )
        for trace, name in names
    ]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_order_of_arrival_and_no_repetition_changes_what_spans_show(data: st.DataObject):
    spans = data.draw(traces_of_spans())
    again = data.draw(st.permutations([*spans, *spans[:3]]))
    assert shows(seen(*again)) == shows(seen(*spans))


@given(traces_of_spans())
@settings(max_examples=50, deadline=None)
def test_a_snapshot_keeps_everything(spans: list):
    half = len(spans) // 2
    traces = msgspec.msgpack.decode(msgspec.msgpack.encode(seen(*spans[:half])), type=Traces)
    for entity, one in spans[half:]:
        traces.add(entity, one, T0 * 2)
    assert shows(traces) == shows(seen(*spans))
