"""Exchanges with each vendor, as files: what is sent stays the same, byte for byte, unless somebody means it to change.

``python -m tests.publish.vendors.recorded`` writes tests/data/sinks anew from the stand-ins; read the difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.publish.pagerduty import PagerDuty
from engine.publish.ticketing.tracker import Draft, Tracker, Wanted
from engine.sending import OutboxRow
from tests.publish.receiver import publication
from tests.publish.vendors.desks import jira_site, service_now
from tests.publish.vendors.jira import JiraSite
from tests.publish.vendors.pagerduty import ROUTING_KEY, PagerDutyService
from tests.publish.vendors.servicenow import ServiceNowInstance
from tests.publish.vendors.vendor import Vendor, running

FOLDER = Path(__file__).parents[2] / "data" / "sinks"
TEXT = "Cause: db-1\nImpact: 3 entities [checkout] *now* & {later}\n\nFor those who are affected:\nCheckout is down."


def life_of_a_ticket(tracker: Tracker, queue: str, priorities: tuple[str, str]) -> None:
    """Everything that a tracker can be asked, once."""
    draft = Draft(
        key="headwater-0123456789abcdef01234567", title="[SEV2] db-1 is down", text=TEXT, queue=queue,
        priority=priorities[0], assignee="headwater",
    )  # fmt: skip
    tracker.find(draft.key)
    first, second = tracker.create(draft), tracker.create(draft)
    for wanted in (
        Wanted(title="[SEV1] db-1 is down", priority=priorities[1]), Wanted(state="closed"), Wanted(state="open"),
    ):  # fmt: skip
        seen = tracker.read(first.remote)
        assert seen is not None
        tracker.change(seen, wanted)
    tracker.say(first, "Cause: db-1 since 12:00\n\n[headwater 12-0.1.update.2]")
    tracker.notes(first.remote)
    tracker.join(second, first, "duplicate")
    tracker.join(second, first, "related")
    tracker.find(draft.key)
    tracker.read("0" * 32 if first.remote.isalnum() and len(first.remote) == 32 else "99999999")


def life_of_an_alert(vendor: PagerDutyService) -> None:
    """An alert that changes, ends, and comes again."""
    sink = PagerDuty(
        "duty", vendor.egress, lambda: 0, frozenset({"engineers"}), ROUTING_KEY, url=vendor.url,
        console="https://headwater.example",
    )  # fmt: skip
    for action, generation, level in (
        ("open", 1, "SEV3"),
        ("update", 1, "SEV1"),
        ("resolve", 1, "SEV1"),
        ("reopen", 2, "SEV2"),
    ):
        made = publication(action, action=action, severity={"level": level}, why="errors above the baseline")
        made = msgspec.structs.replace(made, generation=generation)
        sink.send(OutboxRow(id=1, publication=made, sink="duty", attempts=0, epoch=1))


def on_servicenow(**desk: Any) -> Vendor:
    vendor = ServiceNowInstance()
    with running(vendor):
        life_of_a_ticket(service_now(vendor, **desk), "network", ("2", "1"))
    return vendor


def on_jira(*, cloud: bool, queue: str = "OPS", **site: Any) -> Vendor:
    vendor = JiraSite(cloud=cloud)
    with running(vendor):
        life_of_a_ticket(jira_site(vendor, **site), queue, ("High", "Highest"))
    return vendor


def on_pagerduty() -> Vendor:
    vendor = PagerDutyService()
    with running(vendor):
        life_of_an_alert(vendor)
    return vendor


DESK: dict[str, Any] = {"desk": "1", "request": "10", "form": frozenset({"priority"})}
RECORDINGS: dict[str, Callable[[], Vendor]] = {
    "servicenow": on_servicenow,
    "servicenow-import": lambda: on_servicenow(staging="u_headwater"),
    "jira-cloud": lambda: on_jira(cloud=True),
    "jira-data-center": lambda: on_jira(cloud=False),
    "jira-service-management": lambda: on_jira(cloud=True, **DESK),
    "pagerduty": on_pagerduty,
}


def lines(vendor: Vendor) -> list[str]:
    """One exchange each: the request as it was sent, the answer as it was read."""
    return [
        json.dumps(
            {
                "request": {"method": asked.method, "target": asked.target, "body": asked.body.decode()},
                "answer": {"status": said.status, "body": said.body().decode()} if said else None,
            }
        )
        for asked, said in vendor.exchanges
    ]


def main() -> None:
    """Write all files."""
    for name, record in RECORDINGS.items():
        (FOLDER / f"{name}.jsonl").write_text("\n".join(lines(record())) + "\n")


if __name__ == "__main__":
    main()
