"""The policy of overload, for every load there may be: what is more urgent is never refused for what is less so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.ports import Decoded, Record
from engine.signals import AlertEvent, Heartbeat, Labels, LogRecord, Samples, Signal, Span
from ingest.overload.classify import Classifier
from ingest.overload.lanes import WEIGHTS, LaneQueues
from ingest.overload.policy import MODES, Lane, Limits, Load, Room, Space, Why, modes, refusal, space

MIB = 1 << 20
ages = st.tuples(*[st.floats(0, 100)] * 4)
loads = st.builds(Load, ages, st.integers(0, 25_000), st.integers(0, 300 * MIB), st.sampled_from(Space))
NOW = 1_700_000_000_000


@given(loads, st.integers(0, 8 * MIB))
def test_whatever_is_refused_all_that_is_less_urgent_is_refused_too(load: Load, size: int) -> None:
    refused = [refusal(lane, load, Limits(), size) is not None for lane in Lane]
    assert refused == sorted(refused)


@given(loads, loads)
def test_more_load_never_opens_a_lane(one: Load, other: Load) -> None:
    order = list(Space)
    worse = Load(
        tuple(map(max, one.ages, other.ages)), max(one.records, other.records), max(one.bytes, other.bytes),
        max(one.space, other.space, key=order.index),
    )  # fmt: skip
    for lane in Lane:
        if refusal(lane, one, Limits()) is not None:
            assert refusal(lane, worse, Limits()) is not None


@given(loads)
def test_the_urgent_lane_is_closed_only_by_its_own_age_and_a_queue_full_to_the_last_place(load: Load) -> None:
    why, limits = refusal(Lane.URGENT, load, Limits()), Limits()
    if why is Why.QUEUE_AGE:
        assert load.ages[Lane.URGENT] > 30
    elif why is not None:
        assert why is Why.QUEUE_FULL
        assert load.records >= limits.records or load.bytes > limits.bytes


@given(st.floats(0, 100))
def test_the_thresholds_of_the_oldest_alert_are_those_documented(age: float) -> None:
    load = Load((0.0, age, 0.0, 0.0))
    open_lanes = [lane for lane in Lane if refusal(lane, load, Limits()) is None]
    expected = 4 if age <= 5 else 3 if age <= 15 else 2 if age <= 30 else 1
    assert len(open_lanes) == expected
    assert len(list(modes(load, Limits()))) == 4 - expected
    assert set(modes(load, Limits())) <= set(MODES)


def test_an_idle_engine_takes_everything() -> None:
    assert [refusal(lane, Load(), Limits(), 64 * MIB) for lane in Lane] == [None] * 4


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=60), st.integers(1, 400_000))
def test_the_state_of_the_disk_does_not_flap(frees: list[int], total: int) -> None:
    """Between two states lies the margin: the same free space twice changes nothing."""
    room, state = Room(low_bytes=20_000, floor=1_000, margin=500), Space.AMPLE
    for free in frees:
        state = space(free, total, state, room)
        assert space(free, total, state, room) is state
        assert (free < room.floor) <= (state is Space.FULL)
        assert (free >= room.low(total) + room.margin) <= (state is Space.AMPLE)


# ------------------------------------------------------------------------------------------------------ fairness


@given(st.lists(st.tuples(st.sampled_from(Lane), st.integers(1, 300_000)), max_size=200), st.integers(1, 70))
def test_the_lanes_deliver_everything_once_each_in_its_order(offers: list[tuple[Lane, int]], limit: int) -> None:
    queues, out = LaneQueues(), []
    for n, (lane, size) in enumerate(offers):
        queues.push(lane, Record("http", str(int(lane)), b"", offset=n), size)
    while len(queues):
        some = queues.take(limit)
        assert 0 < len(some) <= limit
        out += some
    assert sorted(one.offset or 0 for one in out) == list(range(len(offers)))
    for lane in Lane:
        of_lane = [one.offset or 0 for one in out if one.format == str(int(lane))]
        assert of_lane == sorted(of_lane)


def test_busy_lanes_share_by_their_weights_in_bytes() -> None:
    queues = LaneQueues()
    for lane in Lane:
        for _ in range(2_000):
            queues.push(lane, Record("http", str(int(lane)), b""), 1_024)
    out = [int(one.format) for one in queues.take(1_500)]
    assert [round(out.count(lane) / 100) for lane in range(4)] == list(WEIGHTS)


# -------------------------------------------------------------------------------------------------- which lane


def lane(*signals: Signal) -> Lane:
    return Classifier(lambda: NOW)(Record("http", "json", b"", decoded=Decoded(signals)))


def test_the_lane_of_an_input_is_that_of_its_most_urgent_signal() -> None:
    labels = Labels.of({"service": "db"})
    sample = Samples(labels, (NOW,), (1.0,))
    old = Samples(labels, (NOW - 3_600_000,), (1.0,))
    assert lane(Heartbeat("cron", 1000)) is Lane.URGENT
    assert lane(AlertEvent(labels)) is Lane.ALERTS
    assert lane(sample) is lane(LogRecord(labels, None, "error", "x")) is Lane.TELEMETRY
    assert lane(old) is lane(Span(labels, "t", "s", "", "op", 0, 1)) is Lane.BACKFILL
    assert lane(old, sample) is Lane.TELEMETRY
    assert lane(old, AlertEvent(labels)) is Lane.ALERTS
    assert lane(old, Heartbeat("cron", 1000), AlertEvent(labels)) is Lane.URGENT
