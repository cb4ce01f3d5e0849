"""A worker's membership when the broker fails it: what passes is waited for, what does not is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from api.kafka.shards import ShardTopic
from api.roles import lanes, shards
from engine.worker import Worker
from ingest.kafka.client import KafkaError, errors
from ingest.kafka.members import Member
from tests.real.components import eventually


class Failing(Member):
    """A member that answers with an error."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.error: KafkaError = errors.KafkaConnectionError("reset by peer")

    def poll(self, seconds: float, most: int | None = None) -> dict[tuple[str, int], list[Any]]:
        raise self.error


class Idle:
    """Nothing comes."""

    polled = 0

    def poll(self, timeout: float) -> list[Any]:
        self.polled += 1
        return []

    def close(self) -> None:
        """Nothing to leave."""


def nobody() -> Worker:
    """Owns nothing."""

    def opened(*_: Any) -> Any:
        raise AssertionError

    return Worker(opened, lambda _: None)


@pytest.fixture
def member(monkeypatch: pytest.MonkeyPatch) -> lanes.ShardMember:
    monkeypatch.setattr(lanes, "Member", Failing)

    def no_file(_: ShardTopic) -> Mapping[str, Any]:
        return {}

    monkeypatch.setattr(ShardTopic, "options", no_file)
    return lanes.ShardMember(ShardTopic(bootstrap=("127.0.0.1:1",), shards=1), nobody(), "")


def test_a_lost_connection_is_no_end(member: lanes.ShardMember) -> None:
    assert member.poll(0) == []


def test_a_group_that_cannot_be_joined_is_joined_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "AGAIN", 0.0)
    tried: list[Worker] = []
    ended: list[BaseException] = []

    def join(worker: Worker) -> None:
        tried.append(worker)
        if len(tried) < 3:
            raise errors.KafkaConnectionError("reset by peer")
        worker.join(member_of_none)

    member_of_none: Any = Idle()
    working = shards.Working(nobody(), join, ended.append)
    working.start()
    eventually(lambda: member_of_none.polled, "it works", 10)
    working.stop()
    assert (len(tried), ended, working.trouble) == (3, [], "")


def test_a_position_that_is_gone_is_told(member: lanes.ShardMember) -> None:
    member._member.error = errors.NoOffsetForPartitionError("away for too long")  # type: ignore[attr-defined]
    with pytest.raises(KafkaError):
        member.poll(0)
