"""Dependencies that spans show, over the API, as gauges and on the command line."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.api.live import CATALOGUE, Live, live
from tests.real.components import eventually
from tests.zygote import program

START = 1767225600.0


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("traced")
    (folder / "catalogue").mkdir()
    (folder / "catalogue" / "shop.yaml").write_text(CATALOGUE, encoding="utf-8")
    with live(folder) as served:
        lines = b"\n".join(msgspec.json.encode(span) for n in range(5) for span in trace(n))
        sent = served.client.post("/api/v1/signals", content=lines, headers={"Content-Type": "application/x-ndjson"})
        assert sent.is_success, sent.text
        yield served


def trace(number: int) -> Iterator[dict[str, object]]:
    """The shop calls the checkout, as declared, and a fraud check that nobody declared."""
    calls = [("a", None, "shop", 0.3), ("b", "a", "checkout-api", 0.1), ("c", "a", "fraud", 0.1)]
    for offset, (span, parent, service, duration) in enumerate(calls):
        yield {
            "kind": "span",
            "trace": f"t{number}",
            "span": span,
            "parent": parent,
            "service": service,
            "operation": "POST /orders",
            "start": START + 10 * number + offset * 0.1,
            "duration": duration,
        }


def test_what_spans_show_and_nobody_declared_is_a_finding_and_changes_no_topology(traced: Live):
    version = traced.get("/api/v1/topology")["version"]
    found = eventually(lambda: _all_of(traced), "ten calls")
    fraud, checkout = found["edges"]
    assert (fraud["consumer"], fraud["provider"], fraud["declared"]) == ("shop", "fraud", False)
    assert (checkout["consumer"], checkout["provider"], checkout["declared"]) == ("shop", "checkout", True)
    assert (fraud["calls"], fraud["failed"], fraud["per_minute"]) == (5, 0, 5.0)
    assert (found["undeclared"], found["unseen_total"], found["unknown"]) == (1, 0, ["fraud"])
    assert found["versions"]["topology"] == version == traced.get("/api/v1/topology")["version"]
    assert traced.client.get("/api/v1/topology/fraud").status_code == 404


def test_the_differences_are_gauges(traced: Live):
    eventually(lambda: _all_of(traced), "ten calls")
    metrics = traced.client.get("/metrics").text
    assert "headwater_edges_seen_undeclared 1.0" in metrics
    assert "headwater_edges_declared_unseen 0.0" in metrics


def test_the_command_line_says_what_to_declare(traced: Live):
    eventually(lambda: _all_of(traced), "ten calls")
    command = ("catalogue", "observed", "--url", traced.url)
    said = program.run(*command).stdout
    assert "seen, not declared: shop calls fraud, 5 a minute" in said
    assert "- {on: fraud, discovered: true}" in said
    as_json = program.run(*command, "--json").stdout
    assert msgspec.json.decode(as_json)["undeclared"] == 1


def _all_of(traced: Live) -> dict:
    found = traced.get("/api/v1/topology/observed")
    return found if sum(edge["calls"] for edge in found["edges"]) == 10 else {}
