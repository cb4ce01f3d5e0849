"""Topics as an operator declares them: made where they are missing, compared where they are there.

Nothing that is there is changed: more partitions would tear apart what one key holds together, and how long records are
kept is a decision of whoever owns the cluster. Differences are told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ingest.kafka.client import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic, errors, options
from ingest.kafka.topic import BROKERS, Topic

_KNOWN = 10.0


class Difference(NamedTuple):
    """What a topic is and what it is declared to be. ``what`` is ``missing``, ``partitions``, ``replication`` or the
    name of a setting."""

    topic: str
    what: str
    declared: str
    found: str

    def __str__(self) -> str:
        if self.what == "missing":
            return f"topic {self.topic} does not exist"
        return f"topic {self.topic}: {self.what} is {self.found}, declared is {self.declared}"


class Topics:
    """The topics of a cluster. ``given`` are options of kafka-python. Raises ConnectionError and KafkaError."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._admin = KafkaAdminClient(**options({"client_id": "headwater", **given}))

    def create(self, topics: Sequence[Topic]) -> list[str]:
        """Make those that are missing; their names. What is there stays as it is."""
        missing = {one.topic for one in self.differences(topics) if one.what == "missing"}
        made = []
        for topic in topics:
            if topic.name in missing:
                wanted = NewTopic(
                    name=topic.name, num_partitions=topic.partitions, replication_factor=topic.replication,
                    topic_configs=dict(topic.settings),
                )  # fmt: skip
                with suppress(errors.TopicAlreadyExistsError):  # by somebody else, at the same time
                    self._admin.create_topics([wanted])
                    made.append(topic.name)
        self._wait_for(made)
        return made

    def differences(self, topics: Sequence[Topic]) -> list[Difference]:
        """Where the cluster is not as declared, in the order of the declarations."""
        found = self._described([topic.name for topic in topics])
        settings = self._settings([topic for topic in topics if topic.name in found])
        different: list[Difference] = []
        for topic in topics:
            if topic.name not in found:
                different.append(Difference(topic.name, "missing", "", ""))
                continue
            partitions, replication = found[topic.name]
            if partitions != topic.partitions:
                different.append(Difference(topic.name, "partitions", str(topic.partitions), str(partitions)))
            if topic.replication not in (BROKERS, replication):
                different.append(Difference(topic.name, "replication", str(topic.replication), str(replication)))
            for name, value in topic.settings.items():
                is_now = settings.get(topic.name, {}).get(name, "")
                if is_now != value:
                    different.append(Difference(topic.name, name, value, is_now))
        return different

    def close(self) -> None:
        """Give up the connections."""
        self._admin.close()

    def _wait_for(self, names: Sequence[str]) -> None:
        """Brokers hear of new topics a moment after the controller has made them."""
        end = time.monotonic() + _KNOWN
        while self._described(names).keys() < set(names) and time.monotonic() < end:
            time.sleep(0.1)

    def _described(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Name -> (partitions, replicas of the first), of those that exist."""
        there = set(self._admin.list_topics()) & set(names)
        found = {}
        for one in self._admin.describe_topics(sorted(there)) if there else ():
            partitions = one["partitions"]
            found[one["name"]] = len(partitions), len(partitions[0]["replica_nodes"])
        return found

    def _settings(self, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
        """Name -> settings in force."""
        asked = [topic for topic in topics if topic.settings]
        if not asked:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name, list(topic.settings)) for topic in asked]
        return _values(self._admin.describe_configs(resources))


def _values(described: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        topic: {name: str(one["value"]) for name, one in values.items()}
        for topic, values in described.get("topic", {}).items()
    }
