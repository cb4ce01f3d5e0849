"""Publications go out in order, are tried again as their receivers say, and are given up visibly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from engine.errors import SinkError
from engine.metrics import EngineMetrics
from engine.outcomes import Publication
from engine.ports import Commit
from engine.publish.dispatcher import Dispatcher, DispatchSettings
from engine.sending import OutboxRow, Receipt, Sink
from engine.storage.sqlite.store import SqliteStore
from tests.publish.receiver import publication


class Script:
    """A sink that answers with what it was given beforehand, then with success."""

    audiences = frozenset({"engineers"})

    def __init__(self, *answers: Exception, name: str = "ticket", idempotent: bool = True) -> None:
        self.name, self.idempotent = name, idempotent
        self.answers = list(answers)
        self.got: list[str] = []

    def send(self, row: OutboxRow) -> Receipt:
        self.got.append(row.publication.key)
        if self.answers:
            raise self.answers.pop(0)
        return Receipt(f"T-{row.publication.key}")


class Asked(Script):
    """A sink that does not deduplicate but can be asked."""

    def __init__(self, *answers: Exception, holds: frozenset[str] = frozenset()) -> None:
        super().__init__(*answers, idempotent=False)
        self.holds = holds
        self.asked = 0

    def find(self, row: OutboxRow) -> Receipt | None:
        self.asked += 1
        key = row.publication.key
        return Receipt(f"T-{key}") if key in self.holds else None


class Desk:
    """An outbox in a real file, a dispatcher without threads, a clock that is set by hand."""

    def __init__(self, path: Path, *sinks: Sink, settings: DispatchSettings | None = None) -> None:
        self.now = 0
        self.store = SqliteStore(path, {sink.name: sink.audiences for sink in sinks})
        self.registry = CollectorRegistry()
        self.sinks = sinks
        self.dispatcher = Dispatcher(
            self.store, sinks, lambda: self.now, EngineMetrics(self.registry),
            settings=settings or DispatchSettings(attempts=5), jitter=lambda: 1.0,
        )  # fmt: skip

    def put(self, *publications: Publication) -> None:
        self.store.commit(Commit(outbox=list(publications)))

    def work(self, after: float = 0) -> None:
        """Until nothing is due ``after`` so many seconds."""
        self.now += round(after * 1000)
        for sink in self.sinks:
            while self.dispatcher.round(sink):
                pass

    def states(self) -> dict[str, str]:
        return {row["key"]: row["state"] for row in self.store.outbox().items}  # type: ignore[index]

    def count(self, result: str) -> float | None:
        return self.registry.get_sample_value("headwater_publications_total", {"sink": "ticket", "result": result})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db"


def test_a_publication_goes_out_once_and_is_confirmed(path: Path) -> None:
    desk = Desk(path, sink := Script())
    desk.put(publication("a"))
    desk.work()
    desk.work(3600)
    assert sink.got == ["a"]
    assert desk.states() == {"a": "confirmed"}
    assert desk.count("confirmed") == 1
    desk.store.close()


def test_what_follows_waits_for_what_failed_but_only_within_its_incident(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("busy")))
    desk.put(publication("a1"), publication("a2", action="resolve"), publication("b1", incident="INC-2"))
    desk.work()
    assert sink.got == ["a1", "b1"]
    desk.work(after=1)
    assert sink.got == ["a1", "b1", "a1", "a2"]
    desk.store.close()


def test_the_distances_between_tries_grow(path: Path) -> None:
    desk = Desk(path, sink := Script(*[SinkError("busy")] * 3))
    desk.put(publication("a"))
    for after, tries in ((0, 1), (0.9, 1), (0.1, 2), (1.9, 2), (0.1, 3), (3.9, 3), (0.1, 4)):
        desk.work(after)
        assert len(sink.got) == tries
    assert desk.states() == {"a": "confirmed"}
    desk.store.close()


def test_a_receiver_that_says_when_is_obeyed(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("busy", after=120.0)))
    desk.put(publication("a"))
    desk.work()
    desk.work(after=119)
    assert len(sink.got) == 1
    desk.work(after=1)
    assert len(sink.got) == 2
    desk.store.close()


def test_a_permanent_error_is_given_up_at_once_and_can_be_redriven(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("no such project", permanent=True)))
    desk.put(publication("a"))
    desk.work()
    desk.work(3600)
    assert sink.got == ["a"]
    assert desk.states() == {"a": "dead"}
    (row,) = desk.store.outbox(state=["dead"]).items
    assert row["error"] == "no such project"  # type: ignore[index]
    assert desk.store.redrive(row["id"], desk.now)  # type: ignore[index]
    desk.work()
    assert desk.states() == {"a": "confirmed"}
    desk.store.close()


@pytest.mark.parametrize("ambiguous", [False, True])
def test_tries_end(path: Path, ambiguous: bool) -> None:
    desk = Desk(path, sink := Script(*[SinkError("busy", ambiguous=ambiguous)] * 9))
    desk.put(publication("a"))
    for _ in range(20):
        desk.work(600)
    assert len(sink.got) == 5
    assert desk.states() == {"a": "dead"}
    assert desk.count("dead") == 1
    desk.store.close()


def test_an_unclear_answer_of_a_sink_that_deduplicates_is_simply_tried_again(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("timeout", ambiguous=True)))
    desk.put(publication("a"))
    desk.work()
    assert desk.states() == {"a": "ambiguous"}
    desk.work(after=1)
    assert sink.got == ["a", "a"]
    assert desk.states() == {"a": "confirmed"}
    desk.store.close()


def test_an_unclear_answer_of_another_sink_is_looked_up_before_anything_is_created(path: Path) -> None:
    desk = Desk(path, sink := Asked(SinkError("timeout", ambiguous=True), holds=frozenset({"a"})))
    desk.put(publication("a"))
    desk.work()
    desk.work(after=30)
    assert sink.got == ["a"]
    assert desk.states() == {"a": "confirmed"}
    assert desk.count("found") == 1
    desk.store.close()


def test_what_is_not_found_three_times_is_created_again(path: Path) -> None:
    desk = Desk(path, sink := Asked(SinkError("timeout", ambiguous=True)))
    desk.put(publication("a"))
    for after in (0, 30, 120, 300):
        assert sink.got in ([], ["a"])
        desk.work(after)
    assert sink.asked == 3
    assert sink.got == ["a", "a"]
    assert desk.states() == {"a": "confirmed"}
    desk.store.close()


def test_an_unclear_answer_of_a_sink_that_cannot_be_asked_is_left_to_a_person(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("timeout", ambiguous=True), idempotent=False))
    desk.put(publication("a"))
    desk.work()
    desk.work(after=30)
    assert sink.got == ["a"]
    assert desk.states() == {"a": "dead"}
    desk.store.close()


def test_a_process_that_died_while_sending_leaves_an_unclear_row(path: Path) -> None:
    class Killed(BaseException):
        pass

    desk = Desk(path, sink := Asked(holds=frozenset({"a"})))
    sink.answers = [Killed()]  # type: ignore[list-item]
    desk.put(publication("a"))
    with pytest.raises(Killed):
        desk.work()
    desk.work(after=29)
    assert sink.asked == 0
    desk.work(after=2)
    assert (sink.got, sink.asked) == (["a"], 1)
    assert desk.states() == {"a": "confirmed"}
    desk.store.close()


def test_a_sink_with_an_error_of_its_own_does_not_stop_the_publisher(path: Path) -> None:
    desk = Desk(path, sink := Script(KeyError("bug")))
    desk.put(publication("a"))
    desk.work()
    desk.work(after=1)
    assert sink.got == ["a", "a"]
    desk.store.close()


def test_a_publication_is_not_sent_before_its_time(path: Path) -> None:
    desk = Desk(path, sink := Script())
    early = publication("a")
    early.not_before = 30_000
    desk.put(early)
    desk.work(after=29.9)
    assert not sink.got
    desk.work(after=0.1)
    assert sink.got == ["a"]
    desk.store.close()


def test_a_pause_that_one_publication_was_asked_for_holds_for_all(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("slow down", after=60.0)))
    desk.put(*[publication(f"{n}", incident=f"INC-{n}") for n in range(4)])
    desk.work()
    desk.work(after=59)
    assert sink.got == ["0"]
    desk.work(after=1)
    assert sink.got == ["0", "0", "1", "2", "3"]
    assert [row["attempts"] for row in desk.store.outbox().items] == [1, 1, 1, 1]  # type: ignore[index]
    desk.store.close()


def test_a_receiver_that_is_away_for_a_day_kills_no_publication(path: Path) -> None:
    desk = Desk(path, sink := Script(*[SinkError("refused")] * 300), settings=DispatchSettings())
    desk.put(*[publication(f"{n}", incident=f"INC-{n}") for n in range(9)])
    for _ in range(24 * 10):
        desk.work(after=360)
    assert not desk.count("dead")
    assert 200 < len(sink.got) < 300, "now and then somebody tries whether it is back"
    sink.answers.clear()
    desk.work(after=600)
    assert set(desk.states().values()) == {"confirmed"}
    desk.store.close()


def test_who_is_away_is_tried_with_one_call_at_a_time(path: Path) -> None:
    desk = Desk(path, sink := Script(*[SinkError("refused")] * 100))
    desk.put(*[publication(f"{n}", incident=f"INC-{n}") for n in range(40)])
    desk.work()
    assert len(sink.got) == 5
    desk.work(after=5)
    assert len(sink.got) == 6
    desk.store.close()


def test_a_call_that_takes_longer_than_the_lease_is_not_made_twice(path: Path, gate: threading.Event) -> None:
    class Slow(Script):
        def send(self, row: OutboxRow) -> Receipt:
            receipt = super().send(row)
            gate.wait(10)
            return receipt

    desk = Desk(path, sink := Slow(), settings=DispatchSettings(lease=900, idle_seconds=0.02))
    started = time.monotonic()
    clock = lambda: round((time.monotonic() - started) * 1000)  # noqa: E731
    both = [
        Dispatcher(desk.store, [sink], clock, EngineMetrics(CollectorRegistry()), settings=DispatchSettings(lease=900))
        for _ in range(2)
    ]
    desk.put(publication("a"))
    both[0].start()
    while not sink.got:
        time.sleep(0.001)
    end = clock() + 2000
    while clock() < end:
        assert both[1].round(sink) == 0
    gate.set()
    both[0].stop()
    assert sink.got == ["a"]
    assert desk.states() == {"a": "confirmed"}
    desk.store.close()


def test_a_dead_publication_is_sent_again_at_once_when_somebody_says_so(path: Path) -> None:
    desk = Desk(path, sink := Script(SinkError("no", permanent=True)))
    desk.put(publication("a"))
    desk.work()
    (row,) = desk.store.outbox(state=["dead"]).items
    assert not desk.dispatcher.redrive(99)
    assert desk.dispatcher.redrive(row["id"])  # type: ignore[index]
    desk.work()
    assert sink.got == ["a", "a"]
    assert desk.registry.get_sample_value("headwater_redrives_total") == 1
    assert desk.registry.get_sample_value("headwater_sink_breaker", {"sink": "ticket", "state": "closed"}) == 1
    desk.store.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_slow_receiver_keeps_nobody_else_waiting(path: Path, gate: threading.Event) -> None:
    done = threading.Event()

    class Slow(Script):
        def send(self, row: OutboxRow) -> Receipt:
            gate.wait(10)
            return super().send(row)

    class Quick(Script):
        def send(self, row: OutboxRow) -> Receipt:
            done.set()
            return super().send(row)

    desk = Desk(path, Slow(name="slow"), Quick(name="quick"), settings=DispatchSettings(idle_seconds=0.02))
    desk.dispatcher.start()
    desk.put(publication("a"))
    desk.dispatcher.wake()
    assert done.wait(5)
    gate.set()
    desk.dispatcher.stop()
    desk.store.close()
