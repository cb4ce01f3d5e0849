"""A loop of the process that has ended or does not turn is told; and log lines for people and for programs."""

from __future__ import annotations

import json
import logging
import threading
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from api.logging_format import JsonLines
from api.watchdog import Watchdog
from engine.publish.loop import Loop
from tests.real.components import eventually


class Stood(NamedTuple):
    """A loop as it was at one moment."""

    name: str = "publish-rt"
    begun: bool = True
    alive: bool = True
    years: float = 0.0

    def age(self) -> float:
        return self.years


def dog(loop: Stood, registry: CollectorRegistry | None = None) -> Watchdog:
    made = Watchdog(registry or CollectorRegistry())
    made.watch([loop], 60.0)
    return made


@pytest.mark.parametrize(
    ("loop", "ok", "detail"),
    [
        (Stood(years=59.0), True, "1 turn"),
        (Stood(years=61.0), False, "publish-rt has not turned for 61 s"),
        (Stood(alive=False), False, "publish-rt has ended"),
        (Stood(alive=False, begun=False), False, "publish-rt has not begun"),
    ],
)
def test_a_loop_is_in_trouble_when_it_has_ended_or_is_late(loop: Stood, ok: bool, detail: str) -> None:
    found = dog(loop).check()
    assert (found.ok, found.detail) == (ok, detail)


def test_the_log_tells_of_a_trouble_once_and_of_its_end(caplog: pytest.LogCaptureFixture) -> None:
    watching = dog(Stood(years=61.0))
    for _ in range(2):
        watching.look()
    watching.watched.clear()
    watching.watch([Stood(), Stood("kafka:shop", begun=False, alive=False)])
    watching.look()
    assert [record.message for record in caplog.records] == [
        "publish-rt has not turned for 61 s", "publish-rt turns again",
    ]  # fmt: skip


def test_a_loop_that_never_comes_back_from_its_work_grows_old_and_one_that_fails_does_not() -> None:
    freed, failures = threading.Event(), []

    def hang() -> bool:
        freed.wait(20)
        return False

    def fail() -> bool:
        raise RuntimeError("on our side")

    hanging, failing = Loop("hang", hang, 0.01, lambda: None), Loop("fail", fail, 0.01, lambda: failures.append(1))
    for loop in (hanging, failing):
        loop.start()
    try:
        eventually(lambda: hanging.age() > 0.3, "the one that hangs grows old")
        eventually(lambda: len(failures) > 3, "the one that fails goes on")
        assert failing.alive
        assert failing.age() < hanging.age()
    finally:
        freed.set()
        for loop in (hanging, failing):
            loop.end()
            loop.join(5)
    assert not hanging.alive


def test_the_age_is_a_gauge_by_loop() -> None:
    registry = CollectorRegistry()
    dog(Stood("engine", alive=False, years=7.0), registry)
    text = generate_latest(registry).decode()
    assert 'headwater_loop_age_seconds{loop="engine"} 7.0' in text
    assert 'headwater_loop_stuck{loop="engine"} 1.0' in text


def test_a_line_of_json_holds_what_was_said_and_its_stack_on_one_line() -> None:
    try:
        raise ValueError("line\nbreak")
    except ValueError as error:
        caught = error
    raw = logging.LogRecord(
        "engine.service", logging.ERROR, "f", 1, "group of %d\nfailed", (3,), (ValueError, caught, caught.__traceback__)
    )
    line = JsonLines().format(raw)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("error", "engine.service", "group of 3\nfailed")
    assert "ValueError: line" in found["error"]
    assert found["time"].endswith("+00:00")
