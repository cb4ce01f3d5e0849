"""A worker's membership when the broker fails it: what passes is waited for, what does not is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from api.kafka.shards import ShardTopic
from api.roles import lanes
from engine.worker import Worker
from ingest.kafka.client import KafkaError, errors
from ingest.kafka.members import Member


class Failing(Member):
    """A member that answers with an error."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.error: KafkaError = errors.KafkaConnectionError("reset by peer")

    def poll(self, seconds: float, most: int | None = None) -> dict[tuple[str, int], list[Any]]:
        raise self.error


@pytest.fixture
def member(monkeypatch: pytest.MonkeyPatch) -> lanes.ShardMember:
    monkeypatch.setattr(lanes, "Member", Failing)

    def no_file(_: ShardTopic) -> Mapping[str, Any]:
        return {}

    monkeypatch.setattr(ShardTopic, "options", no_file)
    topic = ShardTopic(bootstrap=("127.0.0.1:1",), shards=1)
    return lanes.ShardMember(topic, Worker(lambda *_: (_ for _ in ()).throw(AssertionError), lambda _: None), "")


def test_a_lost_connection_is_no_end(member: lanes.ShardMember) -> None:
    assert member.poll(0) == []


def test_a_position_that_is_gone_is_told(member: lanes.ShardMember) -> None:
    member._member.error = errors.NoOffsetForPartitionError("away for too long")  # type: ignore[attr-defined]
    with pytest.raises(KafkaError):
        member.poll(0)
