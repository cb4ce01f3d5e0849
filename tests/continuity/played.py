"""One outage played through the API of a real engine, as several people, from the first alert to the accepted review.

What the server answered on the way is kept by name, for the tests to look at; the clock can be moved on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from api import bootstrap
from tests.api.live import Live, alert, live
from tests.continuity.payments import PLAYBOOKS
from tests.real.components import eventually

MINUTE, HOUR = 60_000, 3_600_000
PEOPLE = {"ada": "operator", "bo": "operator", "cy": "operator", "vic": "viewer", "root": "admin", "feed": "ingest"}
TOKENS = "tokens:\n" + "".join(
    f"  - {{name: {name}, role: {role}, sha256: {hashlib.sha256(name.encode()).hexdigest()}}}\n"
    for name, role in PEOPLE.items()
)
CATALOGUE = """
entities:
  - {id: checkout, name: Checkout, kind: business_service, owner: sales, tier: 1, rto: 30m, users: 900,
     depends_on: [orders-db]}
  - {id: orders-db, kind: database, owner: team-data, rpo: 60s, rto: 30m}
  - {id: cloud, kind: third_party, contract: {reference: C-7, response: 15m, expires: 2099-01-01}}
"""
RULES = """
escalation:
  roles: {crisis_lead: [ada], dba: [bo], duty_manager: [cy]}
  teams: {SEV1: [crisis_lead], SEV2: [crisis_lead]}
exposure:
  - {id: lag, match: {__name__: pg_lag}, gives: lag_seconds}
"""
SHIFT = "      - {person: cy, from: %s, until: %s}"
GATE = "      - {id: front, check: attested, authority: crisis_lead, text: a test purchase went through}"
CHANGES = {
    "      - {person: Cy, from: 2026-09-22T08:00:00Z, until: 2026-09-22T20:00:00Z}": "\n".join(
        (
            SHIFT % ("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            SHIFT % ("2026-01-01T00:00:00Z", "2098-01-01T00:00:00Z"),
        )
    ),
    'contacts: {Cy: "+49 30 1"}': 'contacts: {cy: "+49 30 1"}',
    "      - {id: same, check: consistency, name: orders-same}\n": "",
    "      - {id: front, check: probe, name: shop-front}": GATE,
    "[lag, same, window]": "[lag, window]",
}
BOOKS = PLAYBOOKS
for _before, _after in CHANGES.items():
    assert _before in BOOKS
    BOOKS = BOOKS.replace(_before, _after)


class Played:
    """The server, its clock, and what was answered. ``id`` is the incident's."""

    def __init__(self, served: Live, ahead: list[int]) -> None:
        self.served, self._ahead = served, ahead
        self.answers: dict[str, dict[str, Any]] = {}
        self.id = ""

    def later(self, span: int) -> None:
        """Let so many milliseconds pass."""
        self._ahead[0] += span

    def ask(self, who: str, action: str, target: str = "", reason: str = "", **facts: str) -> httpx.Response:
        """Somebody asks for something."""
        body = {"action": action, "target": target or self.id, "reason": reason, "facts": facts}
        return self.served.client.post("/api/v1/commands", json=body, headers={"authorization": f"Bearer {who}"})

    def do(self, who: str, action: str, target: str = "", reason: str = "", **facts: str) -> dict[str, Any]:
        """Somebody does something, and it is done."""
        answer = self.ask(who, action, target, reason, **facts)
        assert answer.status_code == 200, (action, answer.text)
        return dict(answer.json())

    def refused(self, name: str, who: str, action: str, target: str = "", reason: str = "", **facts: str) -> None:
        """Somebody tries something, and the answer is kept."""
        answer = self.ask(who, action, target, reason, **facts)
        self.answers[name] = {"status": answer.status_code, **answer.json()}

    def get(self, path: str, **parameters: Any) -> Any:
        """What a viewer reads."""
        return self.served.get(f"/api/v1/{path}", **parameters)

    def response(self) -> dict[str, Any]:
        """How the incident is being worked on."""
        return dict(self.get(f"incidents/{self.id}/response")["response"])


@contextmanager
def outage(
    folder: Path,
    extra: Mapping[str, str] | None = None,
    settings: str = "",
    variables: Mapping[str, str] | None = None,
    id: str = "",
) -> Iterator[Played]:
    """A running server with an open incident of severity 2; ``id``: it is there already."""
    for name, text in {"rules/r.yaml": RULES, "playbooks/p.yaml": BOOKS, **(extra or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    ahead = [0]
    clock, declared = (lambda: bootstrap.now() + ahead[0]), TOKENS + settings
    with live(folder, declared, variables=variables, clock=clock, catalogue=CATALOGUE) as served:
        served.client.headers["authorization"] = "Bearer vic"
        played = Played(served, ahead)
        if id:
            played.id = id
            yield played
            return
        sent = served.client.post(
            "/api/v2/alerts", json=[alert("DbDown", "orders-db")], headers={"authorization": "Bearer feed"}
        )
        assert sent.status_code == 200
        played.id = served.incident_of("orders-db")["id"]
        played.later(2 * MINUTE)
        eventually(lambda: played.get(f"incidents/{played.id}")["incident"]["declared_at"], "it is declared")
        played.do("ada", "override_severity", reason="all customers", level="SEV2")
        yield played


def play(one: Played) -> None:
    """From activation to the handover, with what is refused on the way."""
    one.refused("viewer", "vic", "activate_playbook", reason="r", playbook="orders-db-lost")
    one.do("cy", "confirm_assessor")
    one.do("ada", "activate_playbook", reason="the database is gone", playbook="orders-db-lost")
    one.answers["planned"] = one.response()["execution"]
    one.do("bo", "start_task", task="look", version="0")
    one.refused("conflict", "cy", "start_task", task="look", version="0")
    one.do("ada", "request_grant", reason="to look at the disk", person="bo", system="orders-db", minutes="60")
    one.refused("own grant", "ada", "approve_grant", grant="grant-1")
    one.do("cy", "approve_grant", grant="grant-1")
    one.do("ada", "call_vendor", vendor="cloud-support", text="the volume is gone")
    one.later(20 * MINUTE)
    eventually(lambda: one.response()["vendors"][0]["breached"], "the vendor is late")
    one.do("ada", "vendor_answered", call="call-1", text="a new volume is there")
    one.do("bo", "finish_task", task="look")
    one.refused("authority", "bo", "decide", reason="faster", task="choose", option="failover")
    one.do("ada", "decide", reason="faster than repair", task="choose", option="failover")
    one.refused("gates", "bo", "start_task", task="failover")
    _lag(one, 4)
    one.do("ada", "override_gate", reason="customers cannot pay", gate="window")
    one.do("bo", "start_task", task="failover")
    one.do("bo", "register_measure", kind="route", text="reads go to the replica")
    one.later(15 * MINUTE)
    one.do("bo", "finish_task", task="failover", output="replica-1 is primary")
    eventually(lambda: one.response()["briefing_overdue"], "the briefing is overdue")
    one.do("ada", "brief", text="failed over; checking purchases", teams="infrastructure; database; security")
    one.do("ada", "attest_gate", gate="front", evidence="order 4711 went through")
    one.do("cy", "start_task", task="serve")
    one.do("cy", "finish_task", task="serve")
    one.refused("left open", "ada", "close", reason="done")
    one.do("bo", "revert_measure", measure="measure-1")
    one.do("cy", "revoke_grant", grant="grant-1")
    one.do("ada", "hand_over", to="cy", text="stable on the replica", risks="one copy only", actions="rebuild")
    one.refused("not yet accepted", "ada", "close", reason="done")
    one.do("cy", "accept_handover")


def review(one: Played) -> None:
    """Closed; nobody reviews it in time; then it is reviewed."""
    one.do("ada", "close", reason="back in service")
    one.later(73 * HOUR)
    eventually(lambda: one.response()["review"]["reminded"], "somebody is reminded")
    one.do("ada", "hold_review", technical="bo; cy", business="sales", findings="no second replica", well="calm")
    one.do("ada", "add_action", text="a second replica", owner="team-data", kind="gap")
    one.do("ada", "review", reason="accepted")


def _lag(one: Played, seconds: float) -> None:
    now = bootstrap.now() + one._ahead[0]
    body = {"kind": "metric", "t": now / 1000, "service": "orders-db", "metric": "pg_lag", "value": seconds}
    sent = one.served.client.post("/api/v1/signals", json=body, headers={"authorization": "Bearer feed"})
    assert sent.status_code == 200, sent.text
