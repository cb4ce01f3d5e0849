"""The line to a real broker and to a real ticketing system, cut in each way once; `make faults`: thirty times each.

    python -m tests.faults.broker --runs 30
    python -m tests.faults.ticketing --runs 30
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import broker, ticketing
from tests.faults.proxy import MODES
from tests.real.kafka.brokers import Cluster
from tests.real.ticketing import System


@pytest.fixture
def collected() -> Iterator[None]:
    """What is left over goes while its warnings are ignored."""
    yield
    gc.collect()


@pytest.mark.slow
@pytest.mark.real("apache-kafka", "postgres")
@pytest.mark.usefixtures("collected")
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # kafka-python leaves sockets unclosed
def test_whatever_the_line_to_the_broker_does_each_alert_is_decided_once(
    apache_kafka: Cluster, postgres_dsn: str, tmp_path: Path
) -> None:
    if apache_kafka.line is None:
        pytest.skip("the cluster that HEADWATER_KAFKA names cannot be cut off")
    with broker.at_work(apache_kafka, postgres_dsn, tmp_path) as run:
        for mode in MODES:
            run.strike(mode, 1.0)


@pytest.mark.real("roundup")
@pytest.mark.timeout(400)
def test_whatever_the_line_to_the_ticketing_system_does_each_incident_has_one_ticket(
    roundup_system: System, tmp_path: Path
) -> None:
    with ticketing.at_work(roundup_system, tmp_path / "desk") as run:
        for mode in MODES:
            run.strike(mode, 1.0)
        run.end()
        made, second = run.check()
    assert made - second == len(run.told)
