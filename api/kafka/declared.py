"""The sources of `headwater.yaml` under ``kafka:``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.cluster import Cluster, Topic, TopicName, topic
from api.sinks.declared import Name, strict
from ingest.decoders import DECODERS

_HEARTBEATS = 10  # in a session, at least


@dataclass(frozen=True, config=strict, kw_only=True)
class Kafka(Cluster):
    """A source: all records of ``topics``, shared with whoever else is in ``group``. ``instance``: a name by which
    this member gets its partitions back after a restart, without a rebalance. ``session_timeout``: seconds of silence
    after which a member is taken for dead. ``most_lag``: records behind the end of a partition from which on the engine
    is not ready; without it the lag is only told. ``dead_letters``: a topic that gets what could not be used."""

    name: Name
    topics: Annotated[tuple[TopicName | Topic, ...], Field(min_length=1)]
    group: Name = "headwater"
    instance: Name | None = None
    session_timeout: Annotated[float, Field(ge=1, le=1800)] = 45.0
    most_lag: Annotated[int, Field(ge=0)] | None = None
    dead_letters: TopicName | Topic | None = None

    @property
    def read(self) -> list[Topic]:
        """The topics that are read."""
        return [topic(one) for one in self.topics]

    def declared(self) -> list[Topic]:
        """All topics."""
        return self.read + ([] if self.dead_letters is None else [topic(self.dead_letters)])

    def options(self) -> dict[str, Any]:
        """Options of its consumer. Raises OSError."""
        session = round(self.session_timeout * 1000)
        return {
            **self.given(),
            "session_timeout_ms": session,
            "heartbeat_interval_ms": min(3000, session // _HEARTBEATS),
        }

    def wrong(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """(setting, what is wrong with it)."""
        yield from self.unsafe()
        for number, one in enumerate(self.read):
            if one.format not in DECODERS:
                yield (
                    ("topics", number),
                    f"unknown format {one.format!r}; expected one of {', '.join(sorted(DECODERS))}",
                )
            if one.name in [before.name for before in self.read[:number]]:
                yield ("topics", number), f"{one.name} is named twice"
        if self.dead_letters is not None and topic(self.dead_letters).name in [one.name for one in self.read]:
            yield ("dead_letters",), "is one of the topics that are read"


def unset(sources: Sequence[Kafka], variables: Mapping[str, str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(place, variable) of every variable that is named and not set."""
    for number, source in enumerate(sources):
        for name in source.secrets():
            variable = getattr(source, name)
            if variable and not variables.get(variable):
                yield (number, name), f"{variable} is not set"


def with_secrets(source: Kafka, variables: Mapping[str, str]) -> Kafka:
    """The same with its secrets filled in."""
    held: dict[str, Any] = {
        held: variables.get(getattr(source, name) or "", "") for name, held in source.secrets().items()
    }
    return replace(source, **held)
