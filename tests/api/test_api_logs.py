"""An entity's log templates over the API."""

from __future__ import annotations

from tests.api.live import Live
from tests.real.components import eventually

MINUTE = 60_000


def test_templates_are_served_masked_with_counts_and_whether_records_flow(world: Live) -> None:
    records = [
        {
            "kind": "log",
            "t": 1_767_225_600 + second,
            "service": "checkout-api",
            "level": "error",
            "message": f"cannot charge order {second} for ada{second}@example.com: password=hunter2",
        }
        for second in range(0, 120, 10)
    ]
    for record in records:
        assert world.client.post("/api/v1/signals", json=record).status_code < 300
    said = eventually(
        lambda: (found := world.get("/api/v1/entities/checkout/logs/templates"))["failed"] == 12 and found,
        "the records are counted",
    )
    (template,) = said["templates"]
    assert template["text"] == "cannot charge order <n> for <mail>: password=<secret>"
    assert (template["level"], template["lines"], template["recent"]) == ("failed", 12, 12)
    assert template["last"] - template["first"] == MINUTE
    assert (said["entity"], said["flow"], said["total"]) == ("checkout", "alive", 1)
    assert said["versions"]["topology"] == world.get("/api/v1/topology")["version"]
    lines = world.client.get("/metrics").text.splitlines()
    assert "headwater_log_groups" in {line.split(" ")[0] for line in lines}


def test_an_entity_without_records_has_none_and_an_unknown_one_is_not_found(world: Live) -> None:
    assert world.get("/api/v1/entities/db/logs/templates")["flow"] == "unknown"
    assert world.client.get("/api/v1/entities/nobody/logs/templates").status_code == 404
