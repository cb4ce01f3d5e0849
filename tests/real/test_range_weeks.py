"""A real Prometheus with weeks of history: what it has of past weeks is proof, its silence proves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.fetcher import Fetcher
from api.outgoing import range_clients
from api.probe_settings import PrometheusSettings
from engine import own
from engine.lifecycle import State
from engine.outcomes import IncidentView
from engine.ports import Record
from engine.recovery.window import WEEK
from engine.signals import Millis
from tests.engine.test_engine_recovery import seen
from tests.engine.test_engine_recovery_declared import CART, rules
from tests.engine.test_engine_recovery_fetched import BACK, MINUTE, WORSE, Source, declared
from tests.real.components import Child, free_port
from tests.scenarios.world import World, clock, shown

pytestmark = [pytest.mark.real("prometheus"), pytest.mark.timeout(120)]

STEP: Millis = 30_000
SOURCES: dict[str, Source] = {"back": BACK, "worse": WORSE}


class Prometheus(Child):
    """With the same three hours of five weeks in its blocks, and nothing to scrape."""

    def __init__(self, folder: Path) -> None:
        program, tool = shutil.which("prometheus"), shutil.which("promtool")
        assert program is not None
        assert tool is not None
        (folder / "history.om").write_text(history(), encoding="utf-8")
        command = [tool, "tsdb", "create-blocks-from", "openmetrics", "history.om", "tsdb"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (folder / "prometheus.yml").write_text("{}", encoding="utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                "--storage.tsdb.retention.time=20y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            f"{self.url}/-/ready",
            folder / "log",
        )

    def sleep(self) -> None:
        """It takes connections, and answers nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """It goes on."""
        os.kill(self._process.pid, signal.SIGCONT)


def history() -> str:
    """In OpenMetrics: each series week by week, oldest first."""
    lines = []
    for name, source in SOURCES.items():
        lines.append(f"# TYPE {name} gauge")
        for weeks in (4, 3, 2, 1, 0):
            for at in range(clock("08:30"), clock("12:30") if weeks else clock("10:55"), STEP):
                value = source(at) if not weeks else source(clock("09:00") + (at - clock("08:30")) // 8)
                lines.append(f"{name} {value} {(at - weeks * WEEK) / 1000}")
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    started = Prometheus(tmp_path_factory.mktemp("weeks"))
    yield started
    started.wake()
    started.stop()


class Story:
    """The cart alerts from 10:02 to 10:31 and is asked for once a minute."""

    def __init__(self, series: str, prometheus: Prometheus, stack: ExitStack, *, timeout: float = 10) -> None:
        self.rules = rules(declared().replace("expr: p99", f"expr: {series}"))
        self.world = World(CART, self.rules)
        self.now = clock("10:02")
        settings = (PrometheusSettings(name="prom", url=prometheus.url, allow_private=True, timeout=timeout),)
        self.fetcher = Fetcher(
            range_clients(settings, stack), lambda: self.rules, lambda: CART, self.world.driven.incidents,
            self._submit, lambda: self.now, CollectorRegistry(),
        )  # fmt: skip
        self.world.at("10:02").fire("cart", "LatencyHigh", severity="critical")

    def until(self, end: str) -> Story:
        while self.now < clock(end):
            self.now += MINUTE
            moment = self.world.at(shown(self.now))
            if self.now == clock("10:31"):
                moment.resolve("cart", "LatencyHigh")
            if self.now >= clock("10:30"):
                self.fetcher.step()
        return self

    def _submit(self, record: Record) -> Future[None]:
        self.world.driven.feed(self.now, own.decode(record.body).signals)
        stored: Future[None] = Future()
        stored.set_result(None)
        return stored

    @property
    def view(self) -> IncidentView:
        return seen(self.world)


def test_the_same_hours_of_past_weeks_prove_that_it_is_back(prometheus: Prometheus) -> None:
    with ExitStack() as stack:
        view = Story("back", prometheus, stack).until("10:53").view
    assert view.recovery is not None
    assert (view.state, view.closed_as) == (State.RESOLVED, "restored")
    (indicator,) = view.recovery.indicators
    assert (indicator.id, indicator.verdict, indicator.weeks, indicator.unused) == ("slow", "restored", 4, ())
    assert indicator.usual is not None
    assert indicator.usual[1] == pytest.approx(100, rel=0.02)


def test_the_same_hours_of_past_weeks_show_that_it_is_not(prometheus: Prometheus) -> None:
    with ExitStack() as stack:
        view = Story("worse", prometheus, stack).until("10:53").view
    assert view.recovery is not None
    assert (view.state, view.recovery.verdict) == (State.RECOVERING, "residual_degradation")
    assert view.recovery.indicators[0].harm == pytest.approx(40, rel=0.1)


def test_a_prometheus_that_hangs_proves_nothing_until_it_answers_again(prometheus: Prometheus) -> None:
    with ExitStack() as stack:
        story = Story("back", prometheus, stack, timeout=0.2).until("10:34")
        prometheus.sleep()
        try:
            hung = story.until("10:41").view
        finally:
            prometheus.wake()
        assert hung.recovery is not None
        assert (hung.state, hung.recovery.verdict) == (State.RECOVERING, "inconclusive")
        assert hung.recovery.indicators[0].why == ("no_answer",)
        assert "prom does not answer" in hung.recovery.indicators[0].detail
        assert story.until("10:54").view.closed_as == "restored"


def test_a_prometheus_that_never_answered_leaves_no_baseline(prometheus: Prometheus) -> None:
    with ExitStack() as stack:
        story = Story("back", prometheus, stack, timeout=0.2)
        prometheus.sleep()
        try:
            view = story.until("10:40").view
        finally:
            prometheus.wake()
    assert view.recovery is not None
    assert (view.recovery.verdict, view.recovery.indicators[0].why) == ("no_baseline", ("no_answer",))
    assert view.recovery.unmeasured == ("cart",)


def test_what_it_does_not_know_is_no_baseline(prometheus: Prometheus) -> None:
    with ExitStack() as stack:
        view = Story("no_such_series", prometheus, stack).until("10:40").view
    assert view.recovery is not None
    assert (view.recovery.verdict, view.closed_as) == ("no_baseline", "ended" if view.resolved_at else "")
