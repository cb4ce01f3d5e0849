"""A recorded trouble through the real roles: one worker with one shard, and three with eight, decide the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.kafka.brokers import Cluster
from tests.real.kafka.recorded import decided
from tests.real.postgres import Postgres
from tests.scenarios.canonical import differences
from tests.scenarios.troubles import make

pytestmark = [pytest.mark.real("postgres", "apache-kafka"), pytest.mark.timeout(600)]


def both(seed: int, stretches: int, folder: Path, postgres: Postgres, address: str) -> None:
    world = make(seed)
    with postgres.database() as dsn:
        one, _ = decided(world, folder / "one", dsn, address, shards=1, workers=1, stretches=stretches)
    with postgres.database() as dsn:
        many, recording = decided(world, folder / "many", dsn, address, shards=8, workers=3, stretches=stretches)
    found = differences(one, many, lambda number: world.events[number].entity)
    assert not found, "\n".join(found)
    assert recording.handovers, "what became one domain was handed over"
    assert any(said.get("cause") for said in one.values())


def test_one_worker_and_three_on_kafka_and_postgresql_decide_a_recorded_trouble_equally(
    tmp_path: Path, postgres: Postgres, apache_kafka: Cluster
) -> None:
    both(1, 4, tmp_path, postgres, apache_kafka.address)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_other_troubles_in_smaller_stretches(
    seed: int, tmp_path: Path, postgres: Postgres, apache_kafka: Cluster
) -> None:
    both(seed, 12, tmp_path, postgres, apache_kafka.address)
