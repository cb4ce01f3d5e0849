"""Each loop of a running engine dies, and each stands still: readiness, the gauge and the log say which one.

The loops are those that the application itself has; a thread that nobody watches fails the test.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.watchdog import Turns, Watchdog, Watched
from engine.publish.loop import Loop
from ingest.turning import Turning
from tests.api.live import Live, live
from tests.real.components import eventually

ROOT = Path(__file__).resolve().parents[2]
WITH_ALL = """\
sinks: {log: true, webhooks: [{name: desk, url: "http://127.0.0.1:9/desk", allow_private: true}]}
prometheus: [{name: here, url: "http://127.0.0.1:9", allow_private: true}]
kafka: [{name: shop, bootstrap: ["127.0.0.1:9"], group: headwater, topics: [alerts], dead_letters: letters}]
"""
BEGUN_ELSEWHERE = {
    "api/commands/demo.py": "the demonstration's own, which end with it",
    "api/conductor.py": "runs the saved scenarios once",
    "api/kafka/looking.py": "looks at each topic once",
    "api/restoring/runner.py": "ends its pool",
    "engine/publish/loop.py": "a loop that is watched",
    "ingest/kafka/members.py": "hands partitions over once",
    "ingest/turning.py": "a loop that is watched",
}
"""Where threads begin. What goes on for as long as the process does is a `Turning` or a `Loop`."""
FLEETING = ("AnyIO", "asyncio_", "scenarios", "kafka-topics", "probe_", "kafka-python", "Thread-", "MainThread")
"""Beginnings of names of threads that serve one call, or belong to a library."""


class Faults:
    """What is to happen to a loop when its next turn begins, by its name."""

    def __init__(self) -> None:
        self.dies: set[str] = set()
        self.stands: dict[str, threading.Event] = {}
        self.standing = threading.Semaphore(0)

    def strike(self, name: str) -> None:
        if name in self.dies:
            raise SystemExit
        if (freed := self.stands.get(name)) is not None:
            self.standing.release()
            freed.wait(30)


@pytest.fixture(scope="module")
def faults() -> Iterator[Faults]:
    """Strikes at the begin of each turn, of whatever turns."""
    found = Faults()
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Turning, Loop):
            patch.setattr(kind, "turn", _struck(kind.turn, found))
        yield found


def _struck(turn: Callable[[Any], None], faults: Faults) -> Callable[[Any], None]:
    def struck(self: Any) -> None:
        if threading.current_thread().name == self.name:  # not whoever begins it
            faults.strike(self.name)
        turn(self)

    return struck


@pytest.fixture(scope="module")
def dogs() -> Iterator[list[Watchdog]]:
    made: list[Watchdog] = []
    begin = Watchdog.start

    def start(self: Watchdog) -> None:
        made.append(self)
        begin(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watchdog, "start", start)
        yield made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, faults: Faults, dogs: list[Watchdog]) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("loops"), WITH_ALL) as served:
        yield served


def said(world: Live) -> tuple[int, str]:
    answer = world.client.get("/readyz")
    return answer.status_code, next(one["detail"] for one in answer.json()["checks"] if one["name"] == "loops")


def stuck(world: Live) -> set[str]:
    lines = world.client.get("/metrics").text.splitlines()
    return {line.split('"')[1] for line in lines if line.startswith("headwater_loop_stuck{") and line.endswith(" 1.0")}


def once_woken(loop: Any, look: Callable[[], bool]) -> bool:
    loop.wake()
    return look()


def test_every_thread_of_the_engine_is_watched(world: Live, dogs: list[Watchdog]) -> None:
    watched = [one.loop.name for one in dogs[0].watched]
    assert len(set(watched)) == len(watched)
    threads = {one.name for one in threading.enumerate()}
    assert {name for name in threads if not name.startswith(FLEETING)} == set(watched) - {"stream"}
    assert {
        "engine", "disk", "prober", "fetcher", "stream", "watchdog", "publish-log", "publish-desk", "publish-leases",
        "kafka:shop", "dead-letters-letters", "dead-letters-letters-producer",
    } <= set(watched)  # fmt: skip
    assert said(world) == (200, f"{len(watched)} turn")


def test_threads_begin_only_where_they_are_watched_or_end_by_themselves() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in ("api", "engine", "ingest", "rules", "topology")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"\bThread\(|import .*\bThread\b", path.read_text(encoding="utf-8"))
    }
    assert found == set(BEGUN_ELSEWHERE)


def test_each_loop_that_stands_still_is_named_and_named_no_more_when_it_goes_on(
    world: Live, dogs: list[Watchdog], faults: Faults
) -> None:
    for loop, patience in threads_of(dogs[0]):
        freed = faults.stands[loop.name] = threading.Event()
        eventually(partial(once_woken, loop, partial(faults.standing.acquire, blocking=False)), f"{loop.name} stands")
        loop._turned -= patience + 1  # type: ignore[attr-defined] # so much time has passed for it
        assert said(world)[0] == 503
        assert f"{loop.name} has not turned for" in said(world)[1]
        assert stuck(world) == {loop.name}
        del faults.stands[loop.name]
        freed.set()
        eventually(partial(once_woken, loop, lambda: not stuck(world)), f"{loop.name} turns again")
    assert said(world)[0] == 200


def test_the_stream_that_stands_still_or_dies_is_named_and_one_that_fails_goes_on(world: Live) -> None:
    """It is a task of the server's own thread, and waits for the database in another."""
    stream = world.app.state.parts.broadcaster
    freed, standing = threading.Event(), threading.Event()

    async def hangs(_: asyncio.Event) -> None:
        standing.set()
        await asyncio.to_thread(freed.wait, 30)
        del stream.hand_out
        raise OSError("the connection is gone")

    stream.hand_out = hangs
    stream._loop.call_soon_threadsafe(stream._news.set)
    assert standing.wait(20)
    stream._turned -= 61
    assert "stream has not turned for" in said(world)[1]
    assert stuck(world) == {"stream"}
    freed.set()
    eventually(lambda: said(world)[0] == 200, "the stream goes on")
    stream._loop.call_soon_threadsafe(stream._task.cancel)
    eventually(lambda: "stream has ended" in said(world)[1], "its end is told")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_each_loop_that_dies_is_named(
    world: Live, dogs: list[Watchdog], faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    gone = {"stream"}
    for loop, _ in sorted(threads_of(dogs[0]), key=lambda one: one.loop.name == "watchdog"):
        faults.dies.add(loop.name)
        eventually(partial(once_woken, loop, partial(dead, loop)), f"{loop.name} dies")
        gone.add(loop.name)
        status, detail = said(world)
        assert status == 503
        assert f"{loop.name} has ended" in detail
        assert stuck(world) == gone
    assert [type(one) for one in world.broken] == [SystemExit]  # without its engine the process ends
    world.broken.clear()
    dogs[0].look()
    assert {one.message for one in caplog.records} >= {f"{name} has ended" for name in gone}


def dead(loop: Turns) -> bool:
    return not loop.alive


def threads_of(dog: Watchdog) -> list[Watched]:
    return [one for one in dog.watched if one.loop.name != "stream"]
