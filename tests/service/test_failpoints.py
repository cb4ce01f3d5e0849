"""Failpoints do nothing until they are armed, and then exactly what was asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine import failpoints


@pytest.fixture(autouse=True)
def _disarm() -> Iterator[None]:
    yield
    failpoints.arm("")


def test_nothing_happens_at_a_point_that_is_not_armed() -> None:
    failpoints.reach("ingest.before_commit")


def test_the_action_happens_the_nth_time_and_once() -> None:
    failpoints.arm("ingest.before_commit:raise:3")
    failpoints.reach("ingest.before_commit")
    failpoints.reach("ingest.before_commit")
    failpoints.reach("snapshot.before")
    with pytest.raises(failpoints.FailpointReached):
        failpoints.reach("ingest.before_commit")
    failpoints.reach("ingest.before_commit")


def test_everything_wrong_with_a_specification_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"nowhere.*explode.*:0") as wrong:
        failpoints.arm("nowhere, snapshot.before:explode, snapshot.after:raise:0")
    assert str(wrong.value).count(";") == 2
