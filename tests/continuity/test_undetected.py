"""An entity that deviates without any alert gets a proposed rule, tested on what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api import bootstrap
from tests.api.live import alert, live
from tests.real.components import eventually

MINUTE = 60_000
CATALOGUE = """
entities:
  - {id: checkout, kind: business_service, depends_on: [orders-db]}
  - {id: orders-db, kind: database}
"""


def test_a_rule_for_what_nobody_was_told_of_is_tested_on_the_stored_history(tmp_path: Path):
    """The queue has grown before, and nothing came of it: of that the rule would have told for nothing."""
    with live(tmp_path, catalogue=CATALOGUE) as served:
        now = bootstrap.now()

        def queue(since: int, until: int, value: float) -> list[dict[str, object]]:
            return [
                {"kind": "metric", "t": (now - ago * MINUTE) / 1000, "service": "orders-db", "metric": "queue",
                 "value": value + ago % 3}
                for ago in range(since, until, -1)
            ]  # fmt: skip

        body = [*queue(1400, 600, 10), *queue(600, 590, 200), *queue(590, 8, 10), *queue(8, -1, 200)]
        for begin in range(0, len(body), 500):
            assert served.client.post("/api/v1/signals", json=body[begin : begin + 500]).status_code == 200
        assert served.send(alert("Errors", "checkout")).status_code == 200
        id = served.incident_of("checkout")["id"]

        def items() -> list[dict[str, Any]]:
            return list(served.get(f"/api/v1/incidents/{id}/undetected")["items"])

        (one,) = eventually(items, "the queue deviates")
        rule, tested = one["rule"], one["back_test"]
        assert (rule["entity"], rule["metric"], rule["above"]) == ("orders-db", "queue", True)
        assert 12 < rule["threshold"] < 200
        assert (tested["fired"], tested["incidents"], tested["outside"]) == (2, [id], 1)
        assert tested["samples"] == len(body)
        assert f'service=\\"orders-db\\"}} > {rule["threshold"]:g}' in one["alert"]
