"""Closed by default: every route, every role, and what a browser could be made to do."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterator

import httpx
import pytest
from api.access import ADMIN_PATHS, HOOKS, INGEST_PATHS, OPEN, PROBES, RAW_INPUT

from api import settings
from api.findings import Wrong
from api.routes.ingest import ROWS
from tests.api.live import Live, live, write_files

ROLES = ("viewer", "operator", "admin", "ingest")
TOKENS = "tokens:\n" + "".join(
    f"  - {{name: {role}-1, role: {role}, sha256: {hashlib.sha256(role.encode()).hexdigest()}}}\n" for role in ROLES
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("guarded"), TOKENS) as served:
        yield served


def routes(served: Live) -> list[tuple[str, str]]:
    """(method, path) of everything that is served, from the document and from what is not in it."""
    document = served.client.get("/openapi.json", headers={"authorization": "Bearer admin"}).json()
    documented = [(method.upper(), path) for path, item in document["paths"].items() for method in item]
    hidden = [("GET", path) for path in ("/", "/openapi.json", "/nowhere", *PROBES)]
    return [(method, path.replace("{", "").replace("}", "")) for method, path in documented + hidden]


def expected(role: str, method: str, path: str) -> bool:
    """The matrix, written down a second time, the other way round."""
    reads = method == "GET"
    if path in OPEN or path in PROBES:
        return True
    if role == "ingest":
        return (path in INGEST_PATHS or path.startswith(HOOKS)) and method == "POST"
    if role == "viewer":
        return reads and not path.startswith(RAW_INPUT)
    return role == "admin" or path not in ADMIN_PATHS


def call(served: Live, method: str, path: str, headers: dict[str, str]) -> int:
    if path == "/api/v1/stream":
        with served.client.stream(method, path, headers=headers) as answer:
            return answer.status_code
    return served.client.request(method, path, headers=headers).status_code


def test_no_route_but_the_probes_answers_without_a_token(guarded: Live):
    answers = {(method, path): call(guarded, method, path, {}) for method, path in routes(guarded)}
    assert len(answers) > 35
    opened = {path for (_, path), status in answers.items() if status != 401}
    assert opened == set(OPEN)


def test_every_role_may_do_exactly_what_the_matrix_says(guarded: Live):
    wrong = []
    for (method, path), role in itertools.product(routes(guarded), ROLES):
        status = call(guarded, method, path, {"authorization": f"Bearer {role}"})
        if (status != 403) != expected(role, method, path) or status == 401:
            wrong.append((role, method, path, status))
    assert wrong == []


def test_the_ingest_table_and_the_guard_know_the_same_paths():
    assert {row.path for row in ROWS} == INGEST_PATHS


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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_that_others_reach_needs_tokens(tmp_path, host: str):
    config = write_files(tmp_path, server=f"host: '{host}'")
    with pytest.raises(Wrong, match="headwater token create"):
        settings.load(config, environment={})
    config = write_files(tmp_path, TOKENS, server=f"host: '{host}'")
    assert settings.load(config, environment={}).server.host == host


def test_the_host_header_is_free_where_the_address_is_public_and_no_names_are_given(tmp_path):
    with live(tmp_path, TOKENS, server="host: 0.0.0.0, port: 0") as served:
        port = served.url.rpartition(":")[2]
        answer = httpx.get(
            f"http://127.0.0.1:{port}/api/v1/totals", headers={"host": "noc", "authorization": "Bearer viewer"}
        )
        assert answer.status_code == 200
