"""A smoke test by the document: no question leads to a 5xx or an undocumented answer, whoever asks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from api.access_settings import Role
from api.auth.entries import INGEST_PATHS, OPEN, Entries
from api.auth.policy import grants
from tests.api.live import Live, alert, live

EXAMPLES = 15


def test_no_question_makes_the_server_fail(world: Live):
    world.send(alert("DbDown", "db"), alert("Slow", "checkout"))
    document = world.get("/openapi.json")
    document["paths"].pop("/api/v1/stream")  # has no end
    reads = {path: {"get": item["get"]} for path, item in document["paths"].items() if "get" in item}
    schema = schemathesis.openapi.from_dict({**document, "paths": reads})
    asked = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        answer = case.call(base_url=world.url)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        case.validate_response(answer)

    for operation in schema.get_all_operations():
        assert isinstance(operation, Ok), operation
        given(operation.ok().as_strategy())(ask)()
    assert asked >= 5 * len(reads)


STATES = (None, *Role)
"""Nobody, and somebody of each role."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    tokens = "".join(
        f"  - {{name: {role}, role: {role}, sha256: {hashlib.sha256(role.encode()).hexdigest()}}}\n" for role in Role
    )
    rates = "access: {rates: {second: 10000, burst: 1000000}}\n"
    with live(tmp_path_factory.mktemp("states"), f"tokens:\n{tokens}{rates}") as served:
        yield served


@pytest.mark.parametrize("role", STATES)
def test_whatever_is_asked_the_policy_decides_and_nothing_fails(guarded: Live, role: Role | None):
    headers = {"Authorization": f"Bearer {role}"} if role else {}
    document = guarded.client.get("/openapi.json", headers={"Authorization": "Bearer admin"}).json()
    for path in ("/api/v1/stream", *INGEST_PATHS):  # the one has no end, the others take other things than JSON
        document["paths"].pop(path)
    entries, asked = Entries(), set()

    @settings(
        max_examples=1,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        entry = entries.find(case.method, case.operation.path)
        assert entry is not None
        answer = case.call(base_url=guarded.url, headers=headers)
        asked.add(case.operation.path)
        assert answer.status_code < 500 or answer.status_code == 503, (case.as_curl_command(), answer.text)
        if entry.action == OPEN or answer.status_code in (404, 405):
            return  # what was made up led to another route, or to none
        if role is None:
            assert answer.status_code in (400, 401), case.as_curl_command()
        elif not grants(role, entry.action):
            assert answer.status_code in (400, 403), case.as_curl_command()
        elif entry.action != "command":  # each command has its own line
            assert answer.status_code not in (401, 403) or "password" in entry.template, case.as_curl_command()

    for operation in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(operation, Ok), operation
        given(operation.ok().as_strategy())(ask)()
    assert len(asked) == len(document["paths"])
