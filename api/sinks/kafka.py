"""Receivers of publications behind topics of a Kafka cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from api.sinks.cluster import Cluster, Topic, TopicName, topic
from api.sinks.declared import Declared, World, strict
from engine.sending import Sink


@dataclass(frozen=True, config=strict, kw_only=True)
class Kafka(Cluster, Declared):
    """Publications as records of ``incidents``; what an incident reaches as records of ``impact``, and whether service
    is back as records of ``recovery``, where these are declared."""

    incidents: TopicName | Topic = "headwater.incidents"
    impact: TopicName | Topic | None = None
    recovery: TopicName | Topic | None = None
    compression: Literal["none", "gzip", "lz4", "snappy", "zstd"] = "none"

    def open(self, world: World) -> Sink:
        """The sink itself."""
        from engine.publish.kafka import Kafka as Sender
        from engine.publish.kafka import Places
        from ingest.kafka.client import producer

        compression = {} if self.compression == "none" else {"compression_type": self.compression}
        impact, recovery = (None if one is None else topic(one).name for one in (self.impact, self.recovery))
        places = Places(topic(self.incidents).name, impact, recovery)
        given = {**self.given(), **compression}

        def opened(more: Mapping[str, Any]) -> Any:
            return producer({**given, **more})

        sender = Sender(self.name, opened, places, frozenset(self.audiences), world.deadline)
        world.stack.callback(sender.close)
        return sender

    def declared(self) -> list[Topic]:
        """All of them."""
        return [topic(one) for one in (self.incidents, self.impact, self.recovery) if one is not None]

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What only shows when settings are seen together."""
        yield from self.unsafe()
