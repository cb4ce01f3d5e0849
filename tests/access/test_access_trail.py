"""The trail: what is in it, that nothing can be changed in it unseen, and that people can be forgotten."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from api import bootstrap
from api.access_settings import Role
from api.auth import keys, people
from api.auth.principal import Kind, Principal
from api.auth.sqlite import SqliteAccess
from api.auth.trail import Trail
from engine.chain import Head, Report, verify
from tests.access.seen import headwater, raw
from tests.api.live import alert, live

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Head]:
    """A folder with a trail of twelve records, and its end as it was after eight."""
    folder = tmp_path_factory.mktemp("trail")
    with closing(SqliteAccess(folder)) as store:
        trail = Trail(store, bootstrap.now)
        anchor = store.head()
        for number in range(12):
            who = Principal("ann" if number % 3 else "bob", frozenset({Role.OPERATOR}), Kind.PERSON)
            trail.record(who, "command", f"POST /api/v1/incidents/{number}/close", "192.0.2.7", 200)
            anchor = store.head() if number == 7 else anchor
    return folder, anchor


def changed(folder: Path, copy: Path, *statements: str) -> Path:
    """A copy of the folder in which somebody has had their way with the file."""
    shutil.copytree(folder, copy)
    with closing(sqlite3.connect(copy / "access.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return copy


def verified(folder: Path, anchor: Head | None = None) -> Report:
    with closing(SqliteAccess(folder)) as store:
        return verify(store.trail(), anchor, store.head())


def test_an_untouched_trail_is_intact(filled: tuple[Path, Head]):
    folder, anchor = filled
    report = verified(folder, anchor)
    assert (report.intact, report.records, report.erased) == (True, 12, 0)


DAMAGE: dict[str, Callable[[int], tuple[str, ...]]] = {
    "payload": lambda n: (f"UPDATE trail SET payload = CAST(payload || ' ' AS BLOB) WHERE seq = {n}",),
    "time": lambda n: (f"UPDATE trail SET at = at - 1 WHERE seq = {n}",),
    "salt": lambda n: (f"UPDATE trail SET salt = zeroblob(16) WHERE seq = {n}",),
    "digest": lambda n: (f"UPDATE trail SET digest = zeroblob(32) WHERE seq = {n}",),
    "link": lambda n: (f"UPDATE trail SET link = zeroblob(32) WHERE seq = {n}",),
    "gone": lambda n: (f"DELETE FROM trail WHERE seq = {n}",),
    "half erased": lambda n: (f"UPDATE trail SET salt = NULL WHERE seq = {n}",),
    "swapped": lambda n: (
        f"UPDATE trail SET seq = 100 WHERE seq = {n}",
        f"UPDATE trail SET seq = {n} WHERE seq = {n % 12 + 1}",
        f"UPDATE trail SET seq = {n % 12 + 1} WHERE seq = 100",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_is_changed_in_any_record_is_seen(filled: tuple[Path, Head], tmp_path: Path, damage: str):
    for number in range(1, 13):
        copy = changed(filled[0], tmp_path / str(number), *DAMAGE[damage](number))
        assert not verified(copy).intact, number


def test_a_cut_off_end_is_seen_even_by_a_forged_head_once_an_anchor_is_kept_elsewhere(
    filled: tuple[Path, Head], tmp_path: Path
):
    folder, anchor = filled
    assert not verified(changed(folder, tmp_path / "cut", "DELETE FROM trail WHERE seq > 9")).intact
    forged = "UPDATE trail_head SET seq = 6, link = (SELECT link FROM trail WHERE seq = 6)"
    copy = changed(folder, tmp_path / "forged", "DELETE FROM trail WHERE seq > 6", forged)
    assert verified(copy).intact, "the file alone cannot show it"
    report = verified(copy, anchor)
    assert (report.intact, report.reason) == (False, "the chain ends at 6; 8 records were made")


def test_the_command_line_verifies_against_an_exported_head(filled: tuple[Path, Head], tmp_path: Path):
    folder, _ = filled
    head = tmp_path / "head.json"
    head.write_text(headwater("trail", "head", "--data", str(folder)).stdout, encoding="utf-8")
    assert json.loads(head.read_text())["seq"] == 12
    good = headwater("trail", "verify", "--data", str(folder), "--anchor", str(head))
    assert (good.returncode, good.stdout) == (0, "access: ok, 12 records\n")
    forged = "UPDATE trail_head SET seq = 6, link = (SELECT link FROM trail WHERE seq = 6)"
    copy = changed(folder, tmp_path / "forged", "DELETE FROM trail WHERE seq > 6", forged)
    bad = headwater("trail", "verify", "--data", str(copy), "--anchor", str(head))
    assert bad.returncode == 1
    assert "BROKEN at record 7" in bad.stdout


# what is in it


def test_changes_and_denials_are_recorded_and_reading_is_not(tmp_path: Path):
    with live(tmp_path) as world:
        access = world.app.state.parts.access
        people.put(access.store, "ann", access.clock(), role=Role.OPERATOR, password=PASSWORD)
        auditor = keys.create(access.store, "auditor", Role.AUDITOR, access.clock(), "test").secret
        access.door.forget()
        client = httpx.Client(base_url=world.url)
        with client:
            client.post("/login", data={"name": "ann", "password": "wrong"})
            client.post("/login", data={"name": "ann", "password": PASSWORD})
            token = {"x-csrf-token": client.get("/api/v1/me").json()["csrf_token"]}
            client.post("/api/v2/alerts", json=[alert("Down", "db")], headers=token)
            client.get("/api/v1/incidents")
            client.post("/api/v1/incidents/none/acknowledge", headers=token)
            client.post("/api/v1/reload", headers=token)
            client.post("/api/v1/incidents/none/declare")
        httpx.get(f"{world.url}/api/v1/incidents%1b[31m")
        headers = {"authorization": f"Bearer {auditor}"}
        found = httpx.get(f"{world.url}/api/v1/access/trail", headers=headers).json()
    told = [(one["event"]["who"], one["event"]["asked"], one["event"]["result"]) for one in found["items"]][::-1]
    assert told == [
        ("ann", "log in", 401),
        ("ann", "log in", 200),
        ("ann", "POST /api/v1/incidents/none/acknowledge acknowledge none", 404),
        ("ann", "POST /api/v1/reload", 403),
        ("ann", "POST /api/v1/incidents/none/declare", 403),
        ("", "GET /api/v1/incidents�[31m", 401),
    ]
    assert {one["event"]["origin"] for one in found["items"]} == {"127.0.0.1"}
    assert verified(tmp_path / "headwater-data").intact


def test_a_flood_of_denials_is_counted_and_does_not_fill_the_disk(tmp_path: Path):
    with closing(SqliteAccess(tmp_path)) as store:
        now = [1_000_000]
        trail = Trail(store, lambda: now[0])
        for _ in range(5_000):
            trail.record(None, "", "GET /", "192.0.2.7", 401)
        assert store.head().seq == 100
        now[0] += 1_000
        trail.record(None, "", "GET /", "192.0.2.7", 401)
        (newest,) = store.trail(limit=1)
        assert b'"unwritten":4900' in (newest.payload or b"")


# forgetting


def test_a_person_is_forgotten_and_both_records_still_verify(tmp_path: Path):
    with live(tmp_path) as world:
        access = world.app.state.parts.access
        people.put(access.store, "ann", access.clock(), role=Role.OPERATOR, password=PASSWORD)
        access.door.forget()
        with httpx.Client(base_url=world.url) as client:
            client.post("/login", data={"name": "ann", "password": PASSWORD})
            token = {"x-csrf-token": client.get("/api/v1/me").json()["csrf_token"]}
            world.client.cookies.update(client.cookies)
            client.post("/api/v2/alerts", json=[alert("Down", "db")], headers=token)
            incident = world.incident_of("db")["id"]
            assert client.post(f"/api/v1/incidents/{incident}/acknowledge", headers=token).status_code == 200
        used = headwater("erase", "--person", "ann", "--data", str(tmp_path / "headwater-data"))
        assert used.returncode == 3, "the engine has its file"
    data = tmp_path / "headwater-data"
    done = headwater("erase", "--person", "ann", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert " 1 of the record of decisions" in done.stdout
    assert b"ann" not in raw(data, "access.db*")
    report = verified(data)
    assert report.intact
    assert report.erased >= 2
    audit = headwater("audit", "verify", "--data", str(data))
    assert audit.returncode == 0
    assert "1 of them erased" in audit.stdout


def test_what_is_older_than_its_retention_is_forgotten_when_the_server_starts(tmp_path: Path):
    data = tmp_path / "headwater-data"
    with closing(SqliteAccess(data)) as store:
        Trail(store, lambda: bootstrap.now() - 401 * 86_400_000).record(None, "", "GET /", "192.0.2.7", 401)
        Trail(store, bootstrap.now).record(None, "", "GET /", "192.0.2.7", 401)
    with live(tmp_path):
        pass
    report = verified(data)
    assert (report.intact, report.records, report.erased) == (True, 2, 1)
