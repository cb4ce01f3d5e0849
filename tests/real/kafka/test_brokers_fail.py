"""Three brokers of Apache Kafka, two of which must have a record: one after the other is killed and comes back."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.faults.brokers import lost_in_turn

pytestmark = [pytest.mark.real("apache-kafka"), pytest.mark.slow]


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # kafka-python leaves sockets unclosed
def test_each_broker_is_killed_once_and_nothing_acknowledged_is_lost_and_no_position_goes_back(tmp_path: Path) -> None:
    assert lost_in_turn(tmp_path, 3).acknowledged > 2000
    gc.collect()
