"""A smoke test of the read routes by the document: no question leads to a 5xx or an undocumented answer."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from tests.api.live import Live, alert

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
