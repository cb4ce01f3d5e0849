"""kafka-python, imported in one place, and what it leaves to its users.

It reads its message schemas in a way that Python 3.11 warns of, and takes its time to say that no broker is there.
"""

from __future__ import annotations

import importlib.util
import socket
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.errors import MissingDependency

with warnings.catch_warnings():  # kafka-python 3.0 reads its message schemas with importlib.resources.read_text
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import (
        AsyncConsumerRebalanceListener,
        KafkaConsumer,
        KafkaProducer,
        OffsetAndMetadata,
        TopicPartition,
        errors,
    )
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.errors import KafkaError
    from kafka.future import Future

__all__ = [
    "AsyncConsumerRebalanceListener",
    "ConfigResource",
    "ConfigResourceType",
    "CooperativeStickyAssignor",
    "Future",
    "KafkaAdminClient",
    "KafkaConsumer",
    "KafkaError",
    "KafkaProducer",
    "NewTopic",
    "OffsetAndMetadata",
    "RangePartitionAssignor",
    "TopicPartition",
    "errors",
    "options",
    "producer",
    "reachable",
]

Partition = tuple[str, int]
"""(topic, number of the partition)."""

BOOTSTRAP_MS = 5000
_CONNECT = 3.0


def options(given: dict[str, Any]) -> dict[str, Any]:
    """What every client is opened with. Raises `MissingDependency` without the C implementation of CRC-32C, and
    ConnectionError when no broker takes a connection."""
    if importlib.util.find_spec("crc32c") is None:
        raise MissingDependency("Kafka needs the package crc32c: pip install crc32c")
    if not given.get("proxy_url") and not given.get("socks5_proxy"):
        reachable(given["bootstrap_servers"])
    return {"bootstrap_timeout_ms": BOOTSTRAP_MS, **given}


def producer(given: Mapping[str, Any]) -> Any:
    """A `kafka.KafkaProducer`. Raises as `options`, and KafkaError."""
    return KafkaProducer(**options({"client_id": "headwater", "metrics_enabled": False, **given}))


def reachable(servers: Sequence[str]) -> None:
    """Raise ConnectionError unless one of the servers takes a connection.

    kafka-python would try for long, log each attempt, and leave the sockets of refused connections unclosed.
    """
    refused = []
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
        except (OSError, ValueError) as error:
            refused.append(f"{server}: {error}")
        else:
            return
    raise ConnectionError(f"no broker can be reached: {'; '.join(refused)}")
