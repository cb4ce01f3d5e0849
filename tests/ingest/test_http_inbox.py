"""The inbox: what is offered is delivered in order, answered once, and refused rather than left waiting."""

from __future__ import annotations

import threading
import time

import pytest

from engine.errors import StoreUnavailable
from engine.ports import Record, Source
from ingest.errors import Overloaded
from ingest.inbox import HttpInbox


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
    inbox = HttpInbox(max_records=2)
    inbox.offer(record(), Sender())
    inbox.offer(record(), Sender())
    taken = inbox.poll(10, 0)
    with pytest.raises(Overloaded, match="2 requests are waiting") as refused:
        inbox.offer(record(), Sender())
    assert 5 <= refused.value.retry_after <= 30
    inbox.committed(taken)
    inbox.offer(record(), Sender())
    assert inbox.refused == 1


def test_too_many_bytes_are_refused_but_one_large_record_alone_is_not() -> None:
    inbox = HttpInbox(max_bytes=10_000)
    inbox.offer(record(size=20_000), Sender())
    with pytest.raises(Overloaded, match="bytes are waiting"):
        inbox.offer(record(), Sender())


def test_when_the_oldest_record_waits_too_long_new_ones_are_refused() -> None:
    clock = Clock()
    inbox = HttpInbox(max_age=15, monotonic=clock)
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
    inbox = HttpInbox(max_records=0)
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
    inbox, sender = HttpInbox(max_records=100_000), Sender()

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
