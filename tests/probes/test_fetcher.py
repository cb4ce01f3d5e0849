"""Windows of declared indicators: what is asked of a real HTTP server, when again, and what is put into the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from functools import cache
from urllib.parse import parse_qs

import pytest
from prometheus_client import CollectorRegistry

from api.fetcher import AGAIN, Fetcher
from api.outgoing import range_clients
from api.probe_settings import PrometheusSettings
from engine import own
from engine.errors import StoreUnavailable
from engine.outcomes import IncidentView
from engine.ports import Record
from engine.signals import Fetched
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.test_engine_recovery import seen
from tests.engine.test_engine_recovery_declared import CART
from tests.engine.test_engine_recovery_fetched import BACK, declared, outage
from tests.publish.receiver import Handler, Receiver, hang_up, receiver, status
from tests.scenarios.world import clock


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        started.behave = series
        yield started


def series(handler: Handler, count: int = 1) -> None:
    """Ten points of each series from the start that was asked for."""
    form = parse_qs(handler.server.got[-1].body.decode())
    start = float(form["start"][0])
    rows = [{"metric": {"n": str(n)}, "values": [[start + 30 * i, "100"] for i in range(10)]} for n in range(count)]
    handler.answer(200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}).encode())


class Log:
    def __init__(self, fails: int = 0) -> None:
        self.found: list[Fetched] = []
        self.fails = fails

    def __call__(self, record: Record) -> Future[None]:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("full")
        (signal,) = own.decode(record.body).signals
        assert isinstance(signal, Fetched)
        self.found.append(signal)
        durable: Future[None] = Future()
        durable.set_result(None)
        return durable


def rules(text: str = "") -> RuleSet:
    found, problems = parse_rules({"rules.yaml": text or declared()})
    assert found is not None, problems
    return found


@cache
def recovering() -> IncidentView:
    return seen(outage(BACK, until="10:34"))


class Clock:
    at = clock("10:34")


def fetcher(server: Receiver, log: Log, time: Clock, found: RuleSet | None = None) -> Fetcher:
    settings = (PrometheusSettings(name="prom", url=server.url, allow_private=True, timeout=3),)
    view = recovering()
    in_force = found or rules()
    clock_: Callable[[], int] = lambda: time.at  # noqa: E731 - moves with the test
    return Fetcher(
        range_clients(settings, ExitStack()), lambda: in_force, lambda: CART, lambda: [view], log, clock_,
        CollectorRegistry(),
    )  # fmt: skip


def test_what_is_past_is_asked_for_once_and_what_came_since_every_minute(server: Receiver) -> None:
    log, time = Log(), Clock()
    asks = fetcher(server, log, time)
    asks.step()
    assert [(one.occasion, one.weeks, len(one.times)) for one in log.found] == [
        ("before_onset", 0, 10),
        *(("past_week", week, 10) for week in (1, 2, 3, 4)),
        ("after", 0, 10),
    ]
    assert len(log.found) == len(server.got) == 6
    asks.step()
    assert len(log.found) == 6
    time.at += AGAIN
    asks.step()
    assert [one.occasion for one in log.found[6:]] == ["after"]
    assert log.found[-1].end == time.at


def test_a_server_that_does_not_answer_is_asked_once_a_round_and_every_window_is_told_why(server: Receiver) -> None:
    server.behave = hang_up
    log, time = Log(), Clock()
    asks = fetcher(server, log, time)
    asks.step()
    assert len(server.got) <= 1
    assert {one.said for one in log.found} == {log.found[0].said}
    assert log.found[0].said.startswith("prom does not answer")
    assert len(log.found) == 6
    time.at += AGAIN
    server.behave = series
    asks.step()
    assert [one.said for one in log.found[6:]] == [""] * 6


def test_a_query_that_is_refused_keeps_no_other_from_being_asked(server: Receiver) -> None:
    server.behave = status(400, b"{}")
    log = Log()
    fetcher(server, log, Clock()).step()
    assert len(server.got) == 6
    assert all("prom" in one.said for one in log.found)


def test_several_series_are_none(server: Receiver) -> None:
    server.behave = lambda handler: series(handler, 3)
    log = Log()
    fetcher(server, log, Clock()).step()
    assert {(one.said, one.times) for one in log.found} == {
        ("the expression gives 3 series: aggregate them into one", ())
    }


def test_what_could_not_be_stored_is_asked_for_again(server: Receiver) -> None:
    log, time = Log(fails=6), Clock()
    asks = fetcher(server, log, time)
    asks.step()
    assert log.found == []
    time.at += AGAIN
    asks.step()
    assert len(log.found) == 6


def test_a_server_that_the_settings_do_not_have_is_told(server: Receiver) -> None:
    text = declared().replace("expr: p99", "expr: p99, prometheus: other")
    log = Log()
    fetcher(server, log, Clock(), rules(text)).step()
    assert {one.said for one in log.found} == {"the settings have no prometheus 'other'"}
    assert server.got == []


def test_nothing_is_asked_for_incidents_that_do_not_touch_the_entity(server: Receiver) -> None:
    text = declared().replace("entity: cart", "entity: mail")
    log = Log()
    fetcher(server, log, Clock(), rules(text)).step()
    assert log.found == []
