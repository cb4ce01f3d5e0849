"""Topics of each declared cluster, for the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from api.kafka.declared import Kafka
from api.kafka.shards import ShardTopic
from api.sinks.cluster import Cluster
from api.sinks.kafka import Kafka as Sink
from ingest.kafka.topics import Topics


class Told(NamedTuple):
    """One topic: whether it was made now, and where it is not as declared."""

    topic: str
    created: bool
    differences: list[str]


class Steward:
    """The topics of one source or sink. Opening and asking raise ConnectionError, KafkaError and OSError."""

    def __init__(self, cluster: Cluster) -> None:
        self._wanted = [one.wanted() for one in cluster.declared()]
        self._topics = Topics(cluster.given())

    def create(self) -> list[Told]:
        """Make those that are missing; all of them."""
        return self._told(self._topics.create(self._wanted))

    def show(self) -> list[Told]:
        """All of them."""
        return self._told([])

    def close(self) -> None:
        """Give up the connections."""
        self._topics.close()

    def _told(self, made: Sequence[str]) -> list[Told]:
        found = [one for one in self._topics.differences(self._wanted) if one.topic not in made]
        return [
            Told(one.name, one.name in made, [str(said) for said in found if said.topic == one.name])
            for one in self._wanted
        ]


def stewards(
    sources: Sequence[Kafka], sinks: Sequence[Sink], shards: ShardTopic | None = None
) -> dict[str, Callable[[], Steward]]:
    """Name of each source and sink -> opens its topics; the topic of shards is ``cluster``'s."""
    named: dict[str, Cluster] = {f"kafka:{one.name}": one for one in sources} | {one.name: one for one in sinks}
    if shards is not None:
        named["cluster"] = shards
    return {name: lambda cluster=cluster: Steward(cluster) for name, cluster in named.items()}  # type: ignore[misc]
