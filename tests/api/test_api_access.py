"""Closed by default: every route, every role, and what a browser could be made to do."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterator

import httpx
import pytest

from api.access_settings import Role
from api.auth.entries import ENTRIES, INGEST_PATHS, OPEN
from api.auth.policy import grants
from api.routes.ingest import ROWS
from tests.api.live import Live, live

ROLES = tuple(Role)
TOKENS = "tokens:\n" + "".join(
    f"  - {{name: {role}-1, role: {role}, sha256: {hashlib.sha256(role.encode()).hexdigest()}}}\n" for role in ROLES
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("guarded"), TOKENS) as served:
        yield served


def routes() -> list[tuple[str, str, str]]:
    """(action, method, path) of everything that is served."""
    found = [(action, *line.split()) for line, action in ENTRIES.items() if "/hooks/" not in line]
    return [(action, method, path.replace("{", "").replace("}", "")) for action, method, path in found]


def call(served: Live, method: str, path: str, headers: dict[str, str]) -> int:
    if path == "/api/v1/stream":
        with served.client.stream(method, path, headers=headers) as answer:
            return answer.status_code
    return served.client.request(method, path, headers=headers).status_code


def test_no_route_but_those_that_are_open_answers_without_a_token(guarded: Live):
    wrong = [
        (action, method, path, status)
        for action, method, path in routes()
        if ((status := call(guarded, method, path, {})) == 401) == (action == OPEN)
        and path not in ("/login/first", "/login/callback")  # they say 401 themselves
    ]
    assert wrong == []
    assert call(guarded, "GET", "/nowhere", {}) == 401


def test_every_role_may_do_exactly_what_the_policy_says(guarded: Live):
    wrong = []
    for (action, method, path), role in itertools.product(routes(), ROLES):
        if action == OPEN:
            continue
        status = call(guarded, method, path, {"authorization": f"Bearer {role}"})
        if (status != 403) != grants(role, action) or status == 401:
            wrong.append((role, method, path, status))
    assert wrong == []


def test_what_is_not_there_is_told_to_those_who_may_come_in(guarded: Live):
    for role in ROLES:
        assert call(guarded, "GET", "/nowhere", {"authorization": f"Bearer {role}"}) == 404
    answer = guarded.client.delete("/api/v1/incidents", headers={"authorization": "Bearer viewer"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_the_ingest_table_and_the_guard_know_the_same_paths():
    assert {row.path for row in ROWS} == set(INGEST_PATHS)


def test_basic_authentication_takes_the_token_as_password(guarded: Live):
    credential = base64.b64encode(b"prometheus:viewer").decode()
    assert guarded.client.get("/metrics", headers={"authorization": f"Basic {credential}"}).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer nobody", "Bearer", "Basic %%%", "Digest x", "viewer", "Bearer \xfcml\xe4ut"]
)
def test_a_wrong_credential_is_a_401_that_says_how(guarded: Live, header: str):
    answer = guarded.client.get("/api/v1/incidents", headers={b"authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]


def test_a_foreign_host_name_is_refused_on_loopback(world: Live):
    answer = world.client.get("/api/v1/incidents", headers={"host": "attacker.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")
    port = world.url.rpartition(":")[2]
    for name in ("localhost", f"localhost:{port}", "[::1]:80", "127.0.0.1"):
        assert world.client.get("/api/v1/incidents", headers={"host": name}).status_code == 200


def test_a_page_of_another_site_cannot_post_and_is_told_nothing_about_cors(world: Live):
    headers = {"origin": "https://attacker.example", "content-type": "application/json"}
    answer = world.client.post("/api/v2/alerts", content=b"[]", headers=headers)
    assert answer.status_code == 403
    assert not any(name.startswith("access-control") for name in answer.headers)
    own = {"origin": world.url, "content-type": "application/json"}
    assert world.client.post("/api/v2/alerts", content=b"[]", headers=own).status_code == 200


def test_an_address_that_others_reach_is_closed_from_the_start(tmp_path):
    with live(tmp_path, server="host: 0.0.0.0, port: 0") as served:
        url = served.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/api/v1/incidents").status_code == 401
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_the_host_header_is_free_where_the_address_is_public_and_no_names_are_given(tmp_path):
    with live(tmp_path, TOKENS, server="host: 0.0.0.0, port: 0") as served:
        port = served.url.rpartition(":")[2]
        answer = httpx.get(
            f"http://127.0.0.1:{port}/api/v1/totals", headers={"host": "noc", "authorization": "Bearer viewer"}
        )
        assert answer.status_code == 200
