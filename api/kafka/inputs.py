"""Everything of Kafka that a running engine has: its sources, the look at topics, the copies of dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from api.findings import Finding, Wrong
from api.kafka.declared import Kafka
from api.kafka.lag import LagCollector
from api.kafka.looking import Look
from api.schemas import Check
from api.sinks.cluster import topic
from api.sinks.table import Sinks
from engine.ports import Reader
from ingest.kafka.deadletters import DeadLetterTopic
from ingest.kafka.source import KafkaSource
from ingest.turning import Turning


class Inputs:
    """``reader`` shows the dead letters; ``most``: bytes of a record."""

    def __init__(
        self,
        declared: Sequence[Kafka],
        sinks: Sinks,
        registry: CollectorRegistry,
        reader: Callable[[], Reader],
        most: int,
    ) -> None:
        """Raises Wrong where a file of certificates or a password cannot be read."""
        self._declared = declared
        self.sources = [_source(one, most) for one in declared]
        self._letters = [_letters(one, reader) for one in declared if one.dead_letters is not None]
        self._look = Look({f"kafka:{one.name}": [one] for one in declared} | {one.name: [one] for one in sinks.kafka})
        if declared:
            registry.register(LagCollector(self.sources))

    @property
    def loops(self) -> list[Turning]:
        """All threads that have begun and go on for as long as the engine does."""
        return [*(source.loop for source in self.sources), *(one for each in self._letters for one in each.loops)]

    def start(self) -> None:
        """Begin what is not the service's to begin."""
        self._look.start()
        for letters in self._letters:
            letters.start()

    def stop(self) -> None:
        """End it."""
        self._look.stop()
        for letters in self._letters:
            letters.stop()

    def buried(self) -> None:
        """There are new dead letters."""
        for letters in self._letters:
            letters.wake()

    def checks(self) -> list[Check]:
        """A broker that is away is told, and does not keep HTTP senders out: the engine stays ready, unless it is
        further behind than declared."""
        return [self._check(one, source) for one, source in zip(self._declared, self.sources, strict=True)]

    def _check(self, declared: Kafka, source: KafkaSource) -> Check:
        lag = source.lag().values()
        said = [source.trouble() or f"{sum(lag)} records behind", *self._look.found(source.name)]
        late = declared.most_lag is not None and max(lag, default=0) > declared.most_lag
        if late:
            said.append(f"more than {declared.most_lag} in one partition")
        return Check(source.name, not late, "; ".join(said))


def _source(declared: Kafka, most: int) -> KafkaSource:
    try:
        options = declared.options()
    except OSError as error:
        raise Wrong([Finding(f"kafka.{declared.name}", 0, f"a file cannot be read: {error}")]) from None
    return KafkaSource(
        options,
        [one.name for one in declared.read],
        declared.group,
        name=f"kafka:{declared.name}",
        formats={one.name: one.format for one in declared.read},
        instance=declared.instance or "",
        max_bytes=most,
    )


def _letters(declared: Kafka, reader: Callable[[], Reader]) -> DeadLetterTopic:
    assert declared.dead_letters is not None  # noqa: S101 - asked for only where there is one
    return DeadLetterTopic(declared.given(), topic(declared.dead_letters).name, f"kafka:{declared.name}/", reader)
