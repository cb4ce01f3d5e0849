"""What every source must do: deliver in order, wait no longer than asked, pass on word of what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from engine import own
from engine.errors import StoreUnavailable
from engine.ports import Source
from engine.signals import Command
from engine.submissions import Submissions
from ingest.errors import Overloaded
from ingest.inbox import HttpInbox
from ingest.overload.policy import Limits

BOUND = 5


class Word(NamedTuple):
    """What a sender has heard: nothing yet, that its record is durable, or why it is not."""

    heard: Callable[[], bool]
    error: Callable[[], BaseException | None]


class Case(NamedTuple):
    source: Source
    put: Callable[[str], Word]


def _submissions() -> Case:
    source = Submissions(bound=BOUND)

    def put(text: str) -> Word:
        future = source.command(Command("ann", "note", "INC-1", facts={"text": text}))
        return Word(future.done, lambda: future.exception(0))

    return Case(source, put)


def _inbox() -> Case:
    source = HttpInbox(limits=Limits(shares=(1.0, 1.0, 1.0, 1.0), records=BOUND))

    def put(text: str) -> Word:
        said: list[Exception | None] = []
        source.offer(own.command(Command("ann", "note", "INC-1", facts={"text": text})), said.append)
        return Word(lambda: bool(said), lambda: said[0])

    return Case(source, put)


@pytest.fixture(params=[_submissions, _inbox], ids=["submissions", "http inbox"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    made = request.param()
    yield made
    made.source.close()


def test_records_come_in_their_order_and_no_more_than_asked_for(case: Case) -> None:
    for text in "abc":
        case.put(text)
    first, rest = case.source.poll(2, 0), case.source.poll(2, 0)
    assert [len(first), len(rest)] == [2, 1]
    signals = [own.decode(record.body).signals[0] for record in [*first, *rest]]
    assert [signal.facts["text"] for signal in signals if isinstance(signal, Command)] == ["a", "b", "c"]


def test_what_rides_along_decoded_equals_what_the_body_decodes_to(case: Case) -> None:
    case.put("a")
    (record,) = case.source.poll(1, 0)
    assert record.decoded in (None, own.decode(record.body))


def test_an_empty_source_waits_as_long_as_asked_and_no_longer(case: Case) -> None:
    started = time.monotonic()
    assert not case.source.poll(1, 0)
    assert time.monotonic() - started < 0.09
    assert not case.source.poll(1, 0.1)
    assert 0.09 < time.monotonic() - started < 2


@pytest.mark.parametrize("how", ["a record", "closing"])
def test_a_waiting_poll_is_woken(case: Case, how: str) -> None:
    timer = threading.Timer(0.05, case.source.close if how == "closing" else lambda: case.put("a"))
    timer.start()
    started = time.monotonic()
    case.source.poll(1, 30)
    assert time.monotonic() - started < 10
    timer.join()


def test_each_sender_hears_of_its_own_record_and_only_when_it_is_decided(case: Case) -> None:
    good, bad = case.put("a"), case.put("b")
    records = case.source.poll(2, 0)
    assert not good.heard()
    assert not bad.heard()
    case.source.committed(records[:1])
    case.source.failed(records[1:], StoreUnavailable("disk"))
    assert good.error() is None
    assert isinstance(bad.error(), StoreUnavailable)


def test_a_full_source_refuses_instead_of_growing_and_takes_again_when_there_is_room(case: Case) -> None:
    for _ in range(BOUND):
        case.put("a")
    with pytest.raises((StoreUnavailable, Overloaded)):
        case.put("too many")
    case.source.committed(case.source.poll(1, 0))
    case.put("fits")


def test_after_closing_nothing_more_is_taken_and_nobody_is_left_without_word(case: Case) -> None:
    waiting = case.put("a")
    case.source.close()
    with pytest.raises((StoreUnavailable, Overloaded)):
        case.put("b")
    left = case.source.poll(9, 0)
    assert len(left) == 1 or isinstance(waiting.error(), Exception)
    case.source.committed(left)
    assert waiting.heard()


def test_somebody_who_no_longer_waits_disturbs_nobody() -> None:
    source = Submissions()
    command = Command("ann", "note", "INC-1", facts={"text": "a"})
    gone, waiting = source.command(command), source.command(command)
    gone.cancel()
    source.committed(source.poll(2, 0))
    assert waiting.result(0) is None
