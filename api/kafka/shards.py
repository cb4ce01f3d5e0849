"""The topic of shards of `headwater.yaml`, under ``cluster:``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.cluster import Cluster, Topic, TopicName
from api.sinks.declared import Name, strict
from engine.shards import MOST


@dataclass(frozen=True, config=strict, kw_only=True)
class ShardTopic(Cluster):
    """``shards``: how many there are; fixed when the cluster is made. ``topic`` has a partition for each. ``group`` is
    that of the workers; ``session_timeout``: seconds of silence after which a worker is taken for dead."""

    shards: Annotated[int, Field(ge=1, le=MOST)] = 16
    topic: TopicName = "headwater.shards"
    group: Name = "headwater-work"
    session_timeout: Annotated[float, Field(ge=1, le=1800)] = 15.0
    retention: Annotated[float, Field(gt=0)] = 7.0
    replication: Annotated[int, Field(ge=0, le=32)] = 0

    def declared(self) -> list[Topic]:
        """The topic, kept for as long as a worker may be away."""
        return [Topic(name=self.topic, partitions=self.shards, retention=self.retention, replication=self.replication)]

    def options(self) -> dict[str, Any]:
        """Options of a worker's consumer. Raises OSError."""
        session = round(self.session_timeout * 1000)
        return {**self.given(), "session_timeout_ms": session, "heartbeat_interval_ms": min(3000, session // 10)}


def unset(cluster: ShardTopic | None, variables: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(setting, what is wrong with it) of a cluster."""
    if cluster is not None:
        yield from cluster.unsafe()
        for name in cluster.secrets():
            variable = getattr(cluster, name)
            if variable and not variables.get(variable):
                yield (name,), f"{variable} is not set"


def with_secrets(cluster: ShardTopic, variables: Mapping[str, str]) -> ShardTopic:
    """The same with its secrets filled in."""
    found: dict[str, Any] = {
        held: variables.get(getattr(cluster, name) or "", "") for name, held in cluster.secrets().items()
    }
    return replace(cluster, **found)
