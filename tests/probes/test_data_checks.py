"""Data checks on real SQLite files: a primary and its copy, sound, behind, and damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.signals import Answer
from ingest.probes.network import Database, World
from ingest.probes.run import run
from rules.probes import DataCheck, Side
from tests.probes.servers import world

COUNT = "select count(*) from orders"
SUM = "select group_concat(id || ':' || total, ',') from orders"
SEQUENCE = "select count(*), min(id), max(id) from orders"


@pytest.fixture
def stores(tmp_path: Path) -> World:
    """The copy lacks order 3."""
    for name, ids in (("orders", range(1, 101)), ("copy", [n for n in range(1, 101) if n != 3])):
        made = sqlite3.connect(tmp_path / f"{name}.db")
        made.execute("create table orders (id integer, total real)")
        made.executemany("insert into orders values (?, 1.0)", [(n,) for n in ids])
        made.commit()
        made.close()
    files = {name: Database(driver="sqlite3", database=str(tmp_path / f"{name}.db")) for name in ("orders", "copy")}
    return world(databases=files)


def checked(stores: World, kind: str, query: str, where: str = "orders", other: str = "", **more: float) -> Answer:
    right = Side(other, query) if other else None
    check = DataCheck(id="c", entity="db", kind=kind, left=Side(where, query), right=right, **more)  # type: ignore[arg-type]
    return run(check, stores)


def test_rows_lag_and_gaps_lie_within_their_limits(stores: World) -> None:
    assert checked(stores, "rows", COUNT, least=100).passed == "yes"
    few = checked(stores, "rows", COUNT, "copy", least=100)
    assert (few.passed, few.value, few.unit, few.detail) == ("no", 99, "rows", "99 rows is less than 100")
    assert checked(stores, "lag", "select 12.5", most=30).unit == "s"
    assert checked(stores, "lag", "select 45", most=30).detail == "45 s is more than 30"
    assert checked(stores, "gaps", SEQUENCE, most=0).passed == "yes"
    assert checked(stores, "gaps", SEQUENCE, "copy", most=0).detail == "1 missing is more than 0"
    assert checked(stores, "gaps", "select 0, null, null", most=0).passed == "yes"


def test_both_sides_are_the_same_or_near_enough(stores: World) -> None:
    assert checked(stores, "checksum", SUM, other="orders").passed == "yes"
    assert checked(stores, "checksum", SUM, other="copy").passed == "no"
    apart = checked(stores, "compare", COUNT, other="copy")
    assert (apart.passed, apart.value) == ("no", 1)
    assert apart.detail == "100 here, 99 there, 1 apart, 0 allowed"
    assert checked(stores, "compare", COUNT, other="copy", tolerance=1).passed == "yes"
    assert checked(stores, "compare", COUNT, other="copy", percent=0.5).passed == "no"
    assert checked(stores, "compare", COUNT, other="copy", percent=1).passed == "yes"


@pytest.mark.parametrize(
    ("kind", "query", "other"),
    [
        ("rows", "select null", ""),
        ("rows", "select 1 where 0", ""),
        ("gaps", "select 1", ""),
        ("rows", "select * from nowhere", ""),
        ("compare", "select 'many'", "copy"),
        ("checksum", "select 1", "nowhere"),
    ],
)
def test_what_cannot_be_asked_is_unknown_and_never_sound(stores: World, kind: str, query: str, other: str) -> None:
    assert checked(stores, kind, query, other=other, most=10).passed == "unknown"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_are_not_sound(stores: World, value: str) -> None:
    for kind, other in (("lag", ""), ("compare", "copy")):
        found = checked(stores, kind, f"select '{value}'", other=other, most=30, least=-5, tolerance=1e9)
        assert found.passed == "no", found
        assert found.value is None
