"""What a topic is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

BROKERS = -1
"""As many replicas as the cluster gives by default (KIP-464)."""


class Topic(NamedTuple):
    """``replication``: copies of each partition. ``settings``: of the topic, by Kafka's names for them
    (https://kafka.apache.org/documentation/#topicconfigs)."""

    name: str
    partitions: int
    replication: int = BROKERS
    settings: Mapping[str, str] = {}
