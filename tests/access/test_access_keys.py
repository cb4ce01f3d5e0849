"""API keys over HTTP and on the command line, which works on the data of a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import bootstrap
from api.access_settings import Role
from api.auth import keys
from tests.access import seen
from tests.access.seen import Done, raw
from tests.api.live import Live, live
from tests.real.components import eventually

DAY = 86_400_000


class Clock:
    """The wall clock, moved by hand."""

    ahead = 0

    def __call__(self) -> int:
        return bootstrap.now() + self.ahead


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("keys"), clock=clock) as served:
        made = headwater(served, "key", "create", "root", "--role", "admin")
        served.client.headers["authorization"] = f"Bearer {made.stdout.strip()}"
        eventually(lambda: httpx.get(f"{served.url}/api/v1/me").status_code == 401, "the server knows of the key")
        yield served


def headwater(world: Live, *arguments: str, text: str = "") -> Done:
    return seen.headwater(*arguments, "--data", str(world.folder / "headwater-data"), text=text)


def make(world: Live, **asked: Any) -> str:
    answer = world.client.post("/api/v1/access/keys", json={"name": "x", "role": "viewer", **asked})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["secret"])


def status(world: Live, key: str, method: str = "GET", path: str = "/api/v1/incidents", **more: Any) -> int:
    return httpx.request(method, world.url + path, headers={"authorization": f"Bearer {key}"}, **more).status_code


def test_a_key_is_256_random_bits_shown_once_and_kept_as_a_digest(world: Live):
    key = make(world)
    prefix, id, secret = key.split("_", 2)
    assert (prefix, len(id), len(secret)) == ("hwk", 8, 43)
    kept = raw(world.folder, "access.db*")
    assert id.encode() in kept
    assert secret.encode() not in kept
    listed = world.client.get("/api/v1/access/keys").text
    assert id in listed
    assert secret not in listed
    assert keys.digest(key) not in listed


def test_scopes_narrow_a_key_to_actions(world: Live):
    key = make(world, role="operator", scopes=["read", "acknowledge", "command"])
    assert status(world, key) == 200
    assert status(world, key, "POST", "/api/v1/incidents/none/acknowledge") == 404, "past the policy"
    assert status(world, key, "POST", "/api/v1/incidents/none/declare") == 403
    assert status(world, key, "POST", "/api/v2/alerts", json=[]) == 403
    assert status(world, key, path="/api/v1/dead-letters") == 403


@pytest.mark.parametrize(
    "asked",
    [
        {"scopes": ["fly"]},
        {"role": "root"},
        {"days": 0},
        {"days": 1e9},
        {"name": ""},
        {"name": "a\nb"},
        {"id": "mine"},
        {"secret": "mine"},
        {"created_by": "somebody"},
    ],
)
def test_a_key_that_cannot_be_made_is_refused_with_the_reason(world: Live, asked: dict[str, object]):
    answer = world.client.post("/api/v1/access/keys", json={"name": "x", "role": "viewer", **asked})
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_key_expires(world: Live, clock: Clock):
    key = make(world, days=2)
    try:
        clock.ahead = 2 * DAY - 60_000
        assert status(world, key) == 200
        clock.ahead = 2 * DAY + 60_000
        assert status(world, key) == 401
    finally:
        clock.ahead = 0


def test_a_revoked_key_opens_nothing_from_now_on(world: Live):
    key = make(world)
    id = key.split("_")[1]
    assert status(world, key) == 200
    assert world.client.post(f"/api/v1/access/keys/{id}/revoke").status_code == 200
    assert status(world, key) == 401
    assert world.client.post(f"/api/v1/access/keys/{id}/revoke").status_code == 404


def test_when_a_key_was_last_used_is_known(world: Live):
    key = make(world, name="seen")
    (row,) = [one for one in world.get("/api/v1/access/keys")["items"] if one["name"] == "seen"]
    assert row["used_at"] is None
    status(world, key)
    (row,) = [one for one in world.get("/api/v1/access/keys")["items"] if one["name"] == "seen"]
    assert row["used_at"] >= row["created_at"]


def test_lists_are_paged(world: Live):
    for _ in range(5):
        make(world)
    seen, cursor = [], ""
    while True:
        page = world.get("/api/v1/access/keys", limit=2, cursor=cursor)
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    everything = world.get("/api/v1/access/keys", limit=500)["items"]
    assert seen == [one["id"] for one in everything]
    assert len(seen) > 5


def test_the_command_line_makes_lists_and_revokes_keys_of_a_running_server(world: Live):
    made = headwater(world, "key", "create", "prometheus", "--role", "ingest", "--days", "30")
    key = made.stdout.strip()
    assert (made.returncode, len(made.stdout.splitlines())) == (0, 1), "nothing but the key, for scripts"
    assert status(world, key, "POST", "/api/v2/alerts", json=[]) == 200
    listed = json.loads(headwater(world, "key", "list", "--json").stdout)
    (row,) = [one for one in listed if one["name"] == "prometheus"]
    assert row["used_at"] is not None
    assert "prometheus" in headwater(world, "key", "list").stdout
    assert headwater(world, "key", "revoke", row["id"]).returncode == 0
    eventually(lambda: status(world, key, "POST", "/api/v2/alerts", json=[]) == 401, "the server knows")
    assert headwater(world, "key", "revoke", "nonsense").returncode == 1


def test_users_of_the_command_line_may_log_in(world: Live):
    done = headwater(world, "user", "add", "eve", "--role", "auditor", text="correct horse battery\n")
    assert done.returncode == 0, done.stderr
    assert "eve" in headwater(world, "user", "list").stdout
    assert "already" in headwater(world, "user", "add", "eve", text="correct horse battery\n").stderr
    assert "12 to 200" in headwater(world, "user", "add", "fay", text="short\n").stderr
    form = {"name": "eve", "password": "correct horse battery"}
    assert httpx.post(f"{world.url}/login", data=form).status_code == 200
    assert headwater(world, "user", "change", "eve", "--disable").returncode == 0
    assert httpx.post(f"{world.url}/login", data=form).status_code == 401


def test_wrong_use_is_told_in_one_line(world: Live, tmp_path: Path):
    for arguments, said in (
        (("key", "create", "x", "--role", "king"), "there is no role 'king'"),
        (("key", "create", "x", "--scope", "fly"), "there is no action fly"),
        (("user", "change", "nobody", "--disable"), "there is no user 'nobody'"),
        (("user", "change", "eve"), "nothing is to be changed"),
    ):
        done = headwater(world, *arguments)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr
    assert seen.headwater("trail", "verify", "--data", str(tmp_path)).returncode == 1


def test_every_role_can_have_a_key(world: Live):
    for role in Role:
        key = make(world, role=role.value)
        answer = httpx.get(f"{world.url}/api/v1/me", headers={"authorization": f"Bearer {key}"})
        assert answer.json()["roles"] == [role.value]
