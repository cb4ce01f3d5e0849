"""Membership in a consumer group: who owns which partitions, told in time, read from where the owner says.

What a group means here: each partition has one reader. Rebalances are cooperative (KIP-429): a member keeps what it is
not asked to give up, and goes on reading it. ``instance`` makes membership static (KIP-345): a member that is back
within its session's time gets its partitions back without a rebalance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ingest.kafka.client import (
    AsyncConsumerRebalanceListener,
    CooperativeStickyAssignor,
    Future,
    KafkaConsumer,
    KafkaError,
    OffsetAndMetadata,
    Partition,
    TopicPartition,
    options,
)

CLOSE_MS = 3000


class Owner(Protocol):
    """Who hears what becomes of the assignment.

    Called on a thread of its own while `Member.poll` or `Member.close` waits for it: what the polling thread holds
    needs no lock. Heartbeats go on meanwhile, so that a call may take until ``max_poll_interval_ms``.
    """

    def assigned(self, partitions: frozenset[Partition]) -> None:
        """These are ours from now on: say by `Member.seek` where to read each; else from where the group committed."""

    def revoked(self, partitions: frozenset[Partition]) -> None:
        """These go to somebody else as soon as this returns: finish what is under way."""

    def lost(self, partitions: frozenset[Partition]) -> None:
        """These have been somebody else's for some time: what is under way counts for nothing."""


class Member:
    """A member of ``group`` that reads ``topics``; not to be shared between threads.

    ``given`` goes to `kafka.KafkaConsumer` (``bootstrap_servers``, security, timeouts). Offsets are never committed by
    themselves. Raises ConnectionError and KafkaError where the cluster cannot be reached.
    """

    def __init__(
        self, given: Mapping[str, Any], topics: Sequence[str], group: str, owner: Owner, *, instance: str = ""
    ) -> None:
        settings: dict[str, Any] = {
            "client_id": "headwater",
            "metrics_enabled": False,
            "auto_offset_reset": "earliest",
            "metadata_max_age_ms": 10_000,
            "partition_assignment_strategy": (CooperativeStickyAssignor,),
            **given,
            "group_id": group,
            "group_instance_id": instance or None,
            "enable_auto_commit": False,
        }
        self._consumer = KafkaConsumer(**options(settings))
        for topic in topics:  # a leader that does not know the partitions yet would assign none, and look again late
            self._consumer.partitions_for_topic(topic)
        self._consumer.subscribe(list(topics), listener=_Told(owner, self._consumer))

    def poll(self, seconds: float, most: int | None = None) -> dict[Partition, list[Any]]:
        """Up to ``most`` records as `kafka.consumer.fetcher.ConsumerRecord`, of each partition in the order of its
        offsets, waiting at most ``seconds`` for the first. Raises KafkaError."""
        found = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=most)
        return {(one.topic, one.partition): records for one, records in found.items()}

    def seek(self, partition: Partition, offset: int | None) -> None:
        """Read this partition from ``offset``, None: from its beginning. Raises ValueError when it is not ours."""
        if offset is None:
            self._consumer.seek_to_beginning(TopicPartition(*partition))
        else:
            self._consumer.seek(TopicPartition(*partition), offset)

    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return frozenset((one.topic, one.partition) for one in self._consumer.assignment())

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Fetch nothing more of these; they stay ours."""
        self._consumer.pause(*(TopicPartition(*one) for one in partitions))

    def paused(self) -> frozenset[Partition]:
        """Those of which nothing is fetched."""
        return frozenset((one.topic, one.partition) for one in self._consumer.paused())

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Fetch these again."""
        self._consumer.resume(*(TopicPartition(*one) for one in partitions))

    def end(self, partition: Partition) -> int | None:
        """The offset behind the last record, as last heard; None before anything was fetched."""
        try:
            end = self._consumer.highwater(TopicPartition(*partition))
        except KafkaError:  # revoked a moment ago
            return None
        return None if end is None else int(end)

    def bounds(self, partitions: Sequence[Partition], seconds: float) -> dict[Partition, tuple[int, int]]:
        """(first offset that is still there, offset behind the last) of each. Asks the brokers; raises KafkaError."""
        asked = [TopicPartition(*one) for one in partitions]
        first = self._consumer.beginning_offsets(asked, timeout_ms=int(seconds * 1000))
        behind = self._consumer.end_offsets(asked, timeout_ms=int(seconds * 1000))
        return {(one.topic, one.partition): (first[one], behind[one]) for one in asked}

    def tell(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the offsets that are to be read next, some time soon; failures are of no consequence here."""
        self._consumer.commit_async({TopicPartition(*key): _metadata(offset) for key, offset in offsets.items()})

    def commit(self, offsets: Mapping[Partition, int], seconds: float) -> None:
        """Commit the offsets that are to be read next, and wait for it. Raises KafkaError."""
        told = {TopicPartition(*key): _metadata(offset) for key, offset in offsets.items()}
        self._consumer.commit(told, timeout_ms=int(seconds * 1000))

    def in_touch(self) -> bool:
        """Whether the group has answered within a session's time: else it may have given us up, and we cannot know."""
        return not self._consumer._coordinator.heartbeat.session_timeout_expired()

    def close(self) -> None:
        """Leave the group (a static member only goes away). What was assigned is revoked first. Raises KafkaError."""
        self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)


def _metadata(offset: int) -> Any:
    return OffsetAndMetadata(offset, "", -1)


class _Told(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Calls the owner beside the loop that drives kafka-python, which goes on with its heartbeats meanwhile."""

    def __init__(self, owner: Owner, consumer: Any) -> None:
        self._owner = owner
        self._consumer = consumer

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self._beside(self._owner.assigned, assigned)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self._beside(self._owner.revoked, revoked)

    async def on_partitions_lost(self, lost: Any) -> None:
        await self._beside(self._owner.lost, lost)

    async def _beside(self, call: Callable[[frozenset[Partition]], None], partitions: Any) -> None:
        found = frozenset((one.topic, one.partition) for one in partitions)
        done, loop = Future(), self._consumer._client._net

        def run() -> None:
            try:
                call(found)
            except Exception as error:  # it is raised by the poll that waits
                raised = error
                loop.call_soon_threadsafe(lambda: done.failure(raised))
            else:
                loop.call_soon_threadsafe(lambda: done.success(None))

        threading.Thread(target=run, name="kafka-owner", daemon=True).start()
        await done
