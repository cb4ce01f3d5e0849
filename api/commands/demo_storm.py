"""`headwater demo --storm`: ten thousand alerts because of one switch, as one incident whose ticket tells the story.

The plant is made up: a switch, the services behind it, a shop that sells through them. Waiting times are cut to seconds
by rules, so that the whole life of the incident, its end included, passes while a person looks on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from api.commands.console import say

ALERTS = 10_000
EACH = 20
"""Alerts of every service behind the switch."""
SWITCH, SHOP = "switch-7", "online-shop"
CHUNK = 500
LASTS = 8.0
"""Seconds before the switch is replaced: what lasts no longer than the group wait explains nothing."""
PATIENCE = 120.0
"""Seconds in which the incident is declared, and in which it ends once its alerts have."""
RULES = """\
correlation: {group_wait: 4s, group_interval: 5s, recover_after: 5s, lateness: 5s}
escalation:
  roles: {duty_manager: [Dana Duty], crisis_lead: [Ada Byron]}
tickets:
  rules:
    - {id: network, match: {owner: network}, queue: Network, priority: {SEV1: "1", SEV2: "2"}, assignee: owner_of_cause}
"""

Event = dict[str, Any]


def files() -> dict[str, str]:
    """The operator's files of the made-up plant, by their path in the demo's folder."""
    services = [f"svc-{number:03}" for number in range(ALERTS // EACH)]
    lines = ["entities:"]
    lines += [f"  - {{id: {SWITCH}, kind: network_device, owner: network}}"]
    for name in services:
        lines += [f"  - id: {name}", "    owner: team-shop", f"    depends_on: [{{on: {SWITCH}}}]"]
    lines += [f"  - id: {SHOP}", "    kind: business_service", "    name: Online shop", "    owner: commerce"]
    lines += ["    tier: 1", "    users: 48000", "    depends_on:"]
    lines += [f"      - {{on: {name}}}" for name in services[:10]]
    return {"catalogue/plant.yaml": "\n".join(lines) + "\n", "rules/storm.yaml": RULES}


def alerts(at: float, *, firing: bool) -> Iterator[Event]:
    """The switch, and what its loss does to everything behind it; or the end of all that."""
    status = "firing" if firing else "resolved"
    yield _alert(at, SWITCH, "LinkDown", status)
    for number in range(ALERTS - 1):
        yield _alert(at + 0.1, f"svc-{number // EACH:03}", f"Check{number % EACH}", status)


def _alert(at: float, service: str, name: str, status: str) -> Event:
    return {"t": at, "kind": "alert", "status": status, "name": name, "service": service, "severity": "critical"}


def write(folder: Path) -> None:
    """Put the plant's files into the demo's folder."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def play(client: httpx.Client) -> bool:
    """Send the storm and its end, and tell the ticket's history; False when it did not come to one."""
    say(f"A switch fails: {ALERTS:,} alerts.")
    _send(client, firing=True)
    if not _until(client, "declared"):
        return False
    time.sleep(LASTS)
    say("The switch is replaced: all alerts end.")
    _send(client, firing=False)
    ended = _until(client, "resolved")
    _history(client)
    return ended


def _send(client: httpx.Client, *, firing: bool) -> None:
    now = datetime.now().astimezone().timestamp()  # noqa: TID251 - the demo's alerts happen now
    events = list(alerts(now, firing=firing))
    for start in range(0, len(events), CHUNK):
        client.post("/api/v1/signals", json=events[start : start + CHUNK]).raise_for_status()


def _until(client: httpx.Client, state: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = client.get("/api/v1/incidents").json()["items"]
        if any(one["told"] and one["state"] == state for one in found):
            return True
        time.sleep(0.3)
    return False


def _history(client: httpx.Client) -> None:
    """What the ticketing system would hold: one ticket for each publication that opens one, and its comments."""
    found = client.get("/api/v1/outbox", params={"limit": 500}).json()["items"]
    told = [one for one in reversed(found) if one["audience"] == "tickets"]
    opened = sum(one["action"] == "open" for one in told)
    say(f"{opened} ticket{'' if opened == 1 else 's'} for {ALERTS:,} alerts. Its history:")
    for one in told:
        at = datetime.fromtimestamp(one["created_at"] / 1000, UTC)
        for line in one["body"]["news"]:
            say(f"  {at:%H:%M:%S} {line}")
