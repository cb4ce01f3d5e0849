"""The inbox: what is offered is delivered in order, answered once, and refused rather than left waiting."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoreUnavailable
from engine.ports import Decoded, Record, Source
from engine.signals import AlertEvent, Labels
from ingest.errors import Overloaded
from ingest.inbox import HttpInbox
from ingest.overload.policy import Lane, Limits, Space, Why, refusal


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Sender:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Exception | None] = []

    def __call__(self, error: Exception | None) -> None:
        self.told.append(error)


EQUAL = (1.0, 1.0, 1.0, 1.0)


def record(number: int = 0, size: int = 1) -> Record:
    return Record("http", "json", bytes(size) if size > 1 else b"%d" % number)


def test_records_come_out_in_the_order_of_their_offers_and_are_answered_when_durable() -> None:
    inbox: HttpInbox = HttpInbox()
    source: Source = inbox
    source.resume({("http", 0): 5})
    senders = [Sender() for _ in range(5)]
    for number, sender in enumerate(senders):
        inbox.offer(record(number), sender)
    first, second = source.poll(3, 0), source.poll(3, 0)
    assert [found.body for found in [*first, *second]] == [b"0", b"1", b"2", b"3", b"4"]
    assert source.poll(3, 0) == []
    assert [sender.told for sender in senders] == [[]] * 5

    source.committed(first)
    error = StoreUnavailable("the disk is full")
    source.failed(second, error)

    assert [sender.told for sender in senders] == [[None]] * 3 + [[error]] * 2
    assert inbox.depth() == (0, 0, 0.0)


def test_too_many_records_are_refused_until_some_are_durable() -> None:
    inbox = HttpInbox(limits=Limits(shares=EQUAL, records=2))
    inbox.offer(record(), Sender())
    inbox.offer(record(), Sender())
    taken = inbox.poll(10, 0)
    with pytest.raises(Overloaded, match="2 requests") as refused:
        inbox.offer(record(), Sender())
    assert 5 <= refused.value.retry_after <= 30
    inbox.committed(taken)
    inbox.offer(record(), Sender())
    assert inbox.refused == 1


def test_too_many_bytes_are_refused_but_one_large_record_alone_is_not() -> None:
    inbox = HttpInbox(limits=Limits(shares=EQUAL, bytes=10_000))
    inbox.offer(record(size=20_000), Sender())
    with pytest.raises(Overloaded, match="20512 bytes"):
        inbox.offer(record(), Sender())


def test_when_the_oldest_record_waits_too_long_new_ones_are_refused() -> None:
    clock = Clock()
    inbox = HttpInbox(limits=Limits(ages=(15, 15, 15, 5)), monotonic=clock)
    inbox.offer(record(1), Sender())
    clock.now += 10
    inbox.offer(record(2), Sender())
    assert inbox.depth()[2] == 10
    clock.now += 6
    with pytest.raises(Overloaded, match="more than 15 s"):
        inbox.offer(record(3), Sender())
    inbox.committed(inbox.poll(1, 0))
    inbox.offer(record(3), Sender())  # the oldest is now six seconds old
    assert inbox.depth()[2] == 6


def test_refused_senders_are_asked_to_come_back_at_different_times() -> None:
    inbox = HttpInbox(limits=Limits(shares=EQUAL, records=1))
    inbox.offer(record(), Sender())
    delays = []
    for _ in range(26):
        with pytest.raises(Overloaded) as refused:
            inbox.offer(record(), Sender())
        delays.append(refused.value.retry_after)
    assert len(set(delays)) == 26


def test_a_waiting_poll_wakes_for_an_offer_and_otherwise_gives_up_in_time() -> None:
    inbox = HttpInbox()
    threading.Timer(0.1, inbox.offer, (record(), Sender())).start()
    begin = time.monotonic()
    assert len(inbox.poll(1, 10)) == 1
    assert time.monotonic() - begin < 5
    begin = time.monotonic()
    assert inbox.poll(1, 0.05) == []
    assert 0.04 < time.monotonic() - begin < 2


def test_closing_wakes_the_poll_and_tells_waiting_senders_to_try_again() -> None:
    inbox = HttpInbox()
    threading.Timer(0.1, inbox.close).start()
    assert inbox.poll(1, 10) == []
    with pytest.raises(Overloaded, match="stopping"):
        inbox.offer(record(), Sender())

    inbox, waiting, flying = HttpInbox(), Sender(), Sender()
    inbox.offer(record(1), flying)
    taken = inbox.poll(1, 0)
    inbox.offer(record(2), waiting)
    inbox.close()
    inbox.committed(taken)
    assert flying.told == [None]
    assert isinstance(waiting.told[0], Overloaded)
    assert inbox.poll(1, 0) == []


def test_a_sender_that_has_gone_away_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def gone(_: Exception | None) -> None:
        raise RuntimeError("event loop is closed")

    inbox, sender = HttpInbox(), Sender()
    inbox.offer(record(1), gone)
    inbox.offer(record(2), sender)
    inbox.committed(inbox.poll(10, 0))
    assert sender.told == [None]
    assert "could not be told" in caplog.text


def test_many_threads_lose_and_repeat_nothing() -> None:
    inbox, sender = HttpInbox(limits=Limits(records=100_000)), Sender()

    def offer(base: int) -> None:
        for i in range(500):
            inbox.offer(record(base + i), sender)

    threads = [threading.Thread(target=offer, args=(base,)) for base in range(0, 4000, 500)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while len(seen) < 4000:
        taken = inbox.poll(64, 1)
        assert taken
        seen += [int(found.body) for found in taken]
        inbox.committed(taken)
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(4000))
    assert sender.told == [None] * 4000
    assert inbox.depth()[:2] == (0, 0)


# ------------------------------------------------------------------------------------------------------- lanes

LANES = {b"U": Lane.URGENT, b"A": Lane.ALERTS, b"T": Lane.TELEMETRY, b"B": Lane.BACKFILL}


def by_letter(one: Record) -> Lane:
    return LANES[one.body[:1]]


def lettered(text: str) -> Record:
    return Record("http", "json", text.encode())


def taken_by(inbox: HttpInbox, text: str) -> Why | None:
    """None when the offer is taken, else why it is not."""
    before = inbox.shed.copy()
    try:
        inbox.offer(lettered(text), Sender())
    except Overloaded:
        ((_, why),) = (inbox.shed - before).keys()
        return why
    return None


def test_what_is_urgent_overtakes_what_came_before_it_and_each_lane_keeps_its_order() -> None:
    inbox = HttpInbox(classify=by_letter)
    for n in range(40):
        for letter in "BTAU":
            inbox.offer(lettered(f"{letter}{n:02} {'x' * 2_000}"), Sender())
    out = [one.body[:3].decode() for one in inbox.poll(60, 0)]
    shares = [sum(one.startswith(letter) for one in out) for letter in "UATB"]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] >= 28
    assert shares[3] >= 2
    for letter in "UATB":
        of_lane = [one for one in out if one.startswith(letter)]
        assert of_lane == sorted(of_lane)
    assert len(out) + len(inbox.poll(1000, 0)) == 160


def test_a_lane_is_shed_by_the_age_of_the_oldest_alert_and_taken_again_by_itself() -> None:
    clock = Clock()
    inbox = HttpInbox(classify=by_letter, monotonic=clock)
    inbox.offer(lettered("A"), Sender())
    held = inbox.poll(1, 0)
    found = []
    for seconds in (4, 2, 10, 15):  # 4, 6, 16, 31 s
        clock.now += seconds
        found.append("".join(letter for letter in "UATB" if taken_by(inbox, letter) is None))
    assert found == ["UATB", "UAT", "UA", "U"]
    inbox.committed([*held, *inbox.poll(100, 0)])
    assert all(taken_by(inbox, letter) is None for letter in "UATB")


def test_what_is_less_urgent_cannot_fill_the_queue_of_what_is_more_urgent() -> None:
    inbox = HttpInbox(classify=by_letter, limits=Limits(records=100))
    taken = {letter: sum(taken_by(inbox, letter) is None for _ in range(200)) for letter in "BTAU"}
    assert taken == {"B": 50, "T": 25, "A": 15, "U": 10}


def test_on_a_full_disk_only_what_is_urgent_is_taken() -> None:
    inbox = HttpInbox(classify=by_letter)
    inbox.space = Space.LOW
    assert [taken_by(inbox, letter) for letter in "UATB"] == [None, None, Why.DISK_LOW, Why.DISK_LOW]
    inbox.space = Space.FULL
    assert [taken_by(inbox, letter) for letter in "UATB"] == [None, *[Why.DISK_FULL] * 3]
    inbox.space = Space.AMPLE
    assert [taken_by(inbox, letter) for letter in "UATB"] == [None] * 4


def test_in_a_crowd_alerts_of_tier_0_go_ahead() -> None:
    clock = Clock()
    inbox = HttpInbox(monotonic=clock)
    inbox.urgent = lambda event: event.labels.as_dict()["service"] == "edge"
    for n in range(600):
        inbox.offer(alert(f"shop-{n}"), Sender())
    inbox.offer(alert("edge"), Sender())
    first = [one.body for one in inbox.poll(64, 0)]
    assert b"edge" in first
    clock.now += 31
    with pytest.raises(Overloaded):
        inbox.offer(alert("shop-1"), Sender())
    assert inbox.waiting()[Lane.URGENT] == 1


def alert(service: str) -> Record:
    signal = AlertEvent(Labels.of({"service": service}))
    return Record("http", "json", service.encode(), decoded=Decoded((signal,)))


@given(st.lists(st.tuples(st.sampled_from("UATB"), st.integers(0, 12_000), st.integers(0, 9)), max_size=40))
def test_the_short_cut_for_calm_times_says_what_the_policy_says(offers: list[tuple[str, int, int]]) -> None:
    clock, limits = Clock(), Limits(records=30, bytes=100_000)
    inbox = HttpInbox(classify=by_letter, limits=limits, monotonic=clock)
    for letter, size, seconds in offers:
        for lane in Lane:
            assert inbox._refusal(lane, size) == refusal(lane, inbox.load(), limits, size)
        taken_by(inbox, letter + "x" * size)
        clock.now += seconds
        if seconds == 7:
            inbox.committed(inbox.poll(5, 0))
