"""What every source must do: deliver in order, wait no longer than asked, pass on word of what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from engine import own
from engine.errors import StoreUnavailable
from engine.signals import Command
from engine.submissions import Submissions


@pytest.fixture
def source() -> Iterator[Submissions]:
    made = Submissions(bound=5)
    yield made
    made.close()


def note(text: str) -> Command:
    return Command("ann", "note", "INC-1", facts={"text": text})


def test_records_come_in_their_order_and_no_more_than_asked_for(source: Submissions) -> None:
    for text in "abc":
        source.command(note(text))
    first, rest = source.poll(2, 0), source.poll(2, 0)
    assert [len(first), len(rest)] == [2, 1]
    texts = [own.decode(record.body).signals[0].facts["text"] for record in [*first, *rest]]  # type: ignore[union-attr]
    assert texts == ["a", "b", "c"]


def test_what_rides_along_decoded_equals_what_the_body_decodes_to(source: Submissions) -> None:
    source.command(note("a"))
    (record,) = source.poll(1, 0)
    assert record.decoded == own.decode(record.body)


def test_an_empty_source_waits_as_long_as_asked_and_no_longer(source: Submissions) -> None:
    started = time.monotonic()
    assert source.poll(1, 0) == []
    assert time.monotonic() - started < 0.05
    assert source.poll(1, 0.1) == []
    assert 0.09 < time.monotonic() - started < 1


def test_a_waiting_poll_is_woken_by_a_record_and_by_closing(source: Submissions) -> None:
    for wake in (lambda: source.command(note("a")), source.close):
        timer = threading.Timer(0.05, wake)
        timer.start()
        started = time.monotonic()
        source.poll(1, 10)
        assert time.monotonic() - started < 5
        timer.join()


def test_a_durable_record_keeps_its_promise_and_a_failed_one_breaks_it(source: Submissions) -> None:
    good, bad = source.command(note("a")), source.command(note("b"))
    records = source.poll(2, 0)
    assert not good.done()
    source.committed(records[:1])
    source.failed(records[1:], StoreUnavailable("disk"))
    assert good.result(0) is None
    assert isinstance(bad.exception(0), StoreUnavailable)


def test_somebody_who_no_longer_waits_disturbs_nobody(source: Submissions) -> None:
    gone, waiting = source.command(note("a")), source.command(note("b"))
    gone.cancel()
    source.committed(source.poll(2, 0))
    assert waiting.result(0) is None


def test_a_full_source_refuses_instead_of_growing(source: Submissions) -> None:
    for _ in range(5):
        source.command(note("a"))
    with pytest.raises(StoreUnavailable):
        source.command(note("a"))


def test_after_closing_nothing_more_is_taken_but_what_waits_is_delivered(source: Submissions) -> None:
    source.command(note("a"))
    source.close()
    with pytest.raises(StoreUnavailable):
        source.command(note("b"))
    assert len(source.poll(9, 0)) == 1
