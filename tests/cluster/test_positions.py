"""Positions in raw topics are kept apart by activation, and do not grow with every activation."""

from __future__ import annotations

from engine.group import ACTIVATIONS, Cursor, Group
from engine.ports import Origin, Record
from engine.worker import TOPIC

RAW = "kafka:raw/alerts"


def taken(cursor: Cursor, offset: int, origin: Origin) -> tuple[Cursor, Group]:
    """The cursor after one envelope of the shard's partition."""
    group = Group(cursor)
    record = Record(TOPIC, "shard", b"", 0, offset, origin=origin)
    assert not group.repeats(record)
    group.enter(record, 1)
    return group.cursor, group


def test_a_thousand_activations_leave_as_many_positions_as_a_few() -> None:
    cursor = Cursor(positions={("kafka:raw/other@7", 0): 5, (f"{RAW}@x", 0): 5})
    others = dict(cursor.positions)
    kept = dict(others)
    for number in range(1, 1001):
        for partition in range(3):
            cursor, group = taken(cursor, 3 * number + partition, Origin(RAW, partition, 10 * number, "json", number))
            commit = group.commit
            kept = commit.positions_after(kept)
    assert kept == cursor.positions
    latest = {(f"{RAW}@{number}", partition): 10 * number for number in range(997, 1001) for partition in range(3)}
    assert len(latest) == 3 * ACTIVATIONS
    assert cursor.positions == {**others, **latest, (TOPIC, 0): 3002}


def test_what_comes_again_under_one_of_the_latest_activations_is_known() -> None:
    cursor = Cursor()
    for number in (8, 9, 10, 11):
        cursor, _ = taken(cursor, number, Origin(RAW, 2, 100 + number, "json", number))
    again = Record(TOPIC, "shard", b"", 0, 50, origin=Origin(RAW, 2, 109, "json", 9))
    assert Group(cursor).repeats(again)
    divided_anew = Record(TOPIC, "shard", b"", 0, 50, origin=Origin(RAW, 2, 109, "json", 12))
    assert not Group(cursor).repeats(divided_anew)


def test_one_that_is_late_does_not_push_a_later_one_out() -> None:
    cursor = Cursor()
    for number in (8, 9, 10, 11, 3):
        cursor, group = taken(cursor, 20 + number if number > 3 else 60, Origin(RAW, 0, 100, "json", number))
    assert group.commit.forgotten == [(f"{RAW}@3", 0)]
    assert sorted(source for source, _ in cursor.positions if source != TOPIC) == sorted(
        f"{RAW}@{number}" for number in (8, 9, 10, 11)
    )
