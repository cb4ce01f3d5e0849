"""What an incident leaves behind: access, silences and rules, the catalogue, capacity; over a real engine's API."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api import bootstrap
from api.files import topology_of
from tests.continuity import played as stage
from tests.continuity.played import HOUR, Played, outage
from tests.publish.receiver import Receiver
from tests.real.components import eventually

SETTINGS = """
sinks:
  access:
    - {{name: doorman, url: "{url}/access", secret_env: DOORMAN, allow_private: true}}
alertmanagers:
  - {{name: am, url: "{url}/am", allow_private: true, timeout: 2}}
"""
SECRET = "long enough a secret"


class Doorman(Receiver):
    """The access system, and an Alertmanager: what it holds is in ``silences``; None: it is down."""

    def __init__(self) -> None:
        self.silences: list[dict[str, Any]] | None = []
        self.open = threading.Event()
        self.open.set()
        super().__init__()
        self.behave = self._answer

    def _answer(self, handler: Any) -> None:
        if handler.path == "/am/api/v2/silences":
            body = json.dumps(self.silences).encode()
            handler.answer(503 if self.silences is None else 200, body)
        else:
            handler.answer(200 if self.open.is_set() else 503)

    def told(self) -> list[tuple[str, str]]:
        return [(json.loads(one.body)["type"], one.headers["webhook-id"]) for one in self.got if one.path == "/access"]


@pytest.fixture(scope="module")
def doorman() -> Iterator[Doorman]:
    found = Doorman()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, doorman: Doorman) -> Iterator[Played]:
    with pytest.MonkeyPatch.context() as patched:
        url = f"http://127.0.0.1:{doorman.server_address[1]}"
        patched.setattr(stage, "TOKENS", stage.TOKENS + SETTINGS.format(url=url))
        with outage(tmp_path_factory.mktemp("left"), variables={"DOORMAN": SECRET}) as one:
            one.do("ada", "activate_playbook", reason="the database is gone", playbook="orders-db-lost")
            yield one


def test_access_is_granted_and_revoked_by_signed_web_hook_once_and_in_order(played: Played, doorman: Doorman):
    played.do("ada", "request_grant", reason="to look", person="bo", system="orders-db", minutes="60")
    played.do("cy", "approve_grant", grant="grant-1")
    granted = eventually(doorman.told, "the grant is told")
    assert granted == [("access.grant", f"{played.id}/grant-1.grant")]
    (got,) = [one for one in doorman.got if one.path == "/access"]
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    digest = b64encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{digest}"
    data = json.loads(got.body)["data"]
    assert (data["person"], data["system"], data["approved_by"]) == ("bo", "orders-db", "cy")

    doorman.open.clear()
    played.later(61 * 60_000)  # the time box is over

    def ledger() -> dict[str, Any]:
        return dict(played.get("continuity/access", incident=played.id))

    waiting = eventually(lambda: ledger()["items"][0]["revocation"] and ledger(), "it is over")
    assert (waiting["unconfirmed"], waiting["items"][0]["grant"]["state"]) == (1, "expired")
    gauge = "headwater_access_revocations_unconfirmed 1.0"
    assert gauge in played.served.client.get("/metrics").text
    eventually(lambda: len(doorman.told()) > 1, "it was tried")
    doorman.open.set()

    def confirmed() -> bool:
        played.later(HOUR // 60)
        return bool(ledger()["items"][0]["revocation"] == "confirmed")

    eventually(confirmed, "the revocation is confirmed")
    assert {key for kind, key in doorman.told() if kind == "access.revoke"} == {f"{played.id}/grant-1.revoke"}
    assert [one["action"] for one in ledger()["items"][0]["told"]] == ["grant", "revoke"]


def silence(id: str, value: str, state: str = "active") -> dict[str, Any]:
    now = bootstrap.now() + 200 * 60_000
    times = {"startsAt": now, "updatedAt": now, "endsAt": now + 48 * HOUR}
    shown = {name: _rfc(at) for name, at in times.items()}
    matcher = {"name": "service", "value": value, "isRegex": False, "isEqual": True}
    return {"id": id, "status": {"state": state}, "matchers": [matcher], "createdBy": "bo", "comment": "quiet", **shown}


def _rfc(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")


def measures(played: Played, kind: str) -> list[tuple[str, str]]:
    return [(one["key"], one["state"]) for one in played.response()["measures"] if one["kind"] == kind]


def test_silences_and_rules_changed_meanwhile_are_gone_or_accepted_before_the_handover(
    played: Played, doorman: Doorman
):
    played.do("bo", "silence", "quiet", reason="noise", until="2099-01-01T00:00:00Z", entities="orders-db")
    doorman.silences = [silence("a1", "orders-db"), silence("b2", "printers")]
    rules = played.served.folder / "rules" / "r.yaml"
    before = rules.read_text()
    rules.write_text(before + "\ncorrelation: {group_wait: 31s}\n")
    root = {"authorization": "Bearer root"}
    assert played.served.client.post("/api/v1/reload", headers=root).status_code == 200

    played.refused("early", "ada", "hand_over", to="cy", text="stable")
    said = played.answers["early"]["detail"]
    assert "silence quiet by bo: noise" in said
    assert "silence a1 of alertmanager.am by bo" in said
    assert "rules " in said
    assert "silence b2" not in said  # of somebody else's

    played.do("bo", "unsilence", "quiet", reason="over")
    assert measures(played, "silence") == [("quiet", "reverted"), ("a1", "open")]
    rules.write_text(before)
    assert played.served.client.post("/api/v1/reload", headers=root).status_code == 200
    assert [state for _, state in measures(played, "rules")] == ["reverted"]

    doorman.silences = None
    played.refused("down", "ada", "hand_over", to="cy", text="stable")
    assert "alertmanager.am could not be read: it answered 503" in played.answers["down"]["detail"]
    assert measures(played, "silence")[1] == ("a1", "open")  # nobody knows better
    doorman.silences = [silence("a1", "orders-db", "expired")]
    played.do("ada", "reconcile")
    assert measures(played, "silence")[1] == ("a1", "reverted")
    assert [state for _, state in measures(played, "unread")] == ["reverted"]


def test_what_the_incident_showed_is_a_patch_of_the_catalogue_that_a_named_person_accepts(
    played: Played, tmp_path: Path
):
    played.do("ada", "propose_change", reason="they run it now", entity="orders-db", field="owner", value="team-store")
    played.refused("nonsense", "ada", "propose_change", reason="r", entity="orders-db", field="rto", value="soon")
    assert "is not a duration" in played.answers["nonsense"]["detail"]
    played.do("ada", "propose_change", reason="asked", entity="checkout", field="rto", value="45m")
    played.do("bo", "register_measure", kind="route", text="reads go to cloud", entity="checkout",
              field="depends_on", value="cloud")  # fmt: skip
    played.do("ada", "accept_measure", reason="it works better", measure=played.response()["measures"][-1]["id"])
    played.do("ada", "refuse_change", reason="not agreed", change="checkout.rto")
    played.do("cy", "accept_change", change="orders-db.owner")
    played.refused("again", "bo", "accept_change", change="orders-db.owner")
    assert played.answers["again"]["status"] == 409

    found = played.get(f"incidents/{played.id}/catalogue")
    assert [(one["id"], one["before"], one["state"], one["ended_by"]) for one in found["items"]] == [
        ("orders-db.owner", "team-data", "accepted", "cy"),
        ("checkout.rto", "1800", "refused", "ada"),
        ("checkout.depends_on.cloud", "", "open", ""),
    ]
    assert found["unplaced"] == []
    patch = played.served.client.get(f"/api/v1/incidents/{played.id}/catalogue.patch").text
    (tmp_path / "shop.yaml").write_text((played.served.folder / "catalogue" / "shop.yaml").read_text())
    subprocess.run(["patch", "-p1"], input=patch.encode(), cwd=tmp_path, check=True, capture_output=True)
    topology, wrong = topology_of(tmp_path)
    assert (wrong, topology is not None) == ([], True)
    assert topology is not None
    assert topology.entities["orders-db"].owner == "team-store"
    assert topology.entities["checkout"].rto == 1800
    assert [one.provider for one in topology.providers("checkout")] == ["cloud", "orders-db"]


def test_scaling_for_a_while_asks_for_a_capacity_review_that_the_review_waits_for(played: Played):
    played.do("bo", "register_measure", kind="scaling", text="ten more pods", entity="checkout")
    scaled = played.response()["measures"][-1]["id"]
    (action,) = played.response()["actions"]
    assert (action["kind"], action["owner"], action["blocks"], bool(action["due"])) == ("capacity", "sales", True, True)
    played.do("bo", "revert_measure", measure=scaled)
    played.do("ada", "abandon_playbook", reason="it came back by itself")
    played.do("ada", "hand_over", to="cy", text="stable")
    played.do("cy", "accept_handover")
    played.do("ada", "close", reason="back")
    played.refused("blocked", "ada", "review", reason="accepted")
    assert "action action-1 of sales" in played.answers["blocked"]["detail"]
    done = {"action": "close_action", "target": played.id, "facts": {"action": "action-1"}, "reason": "8 pods suffice"}
    ada = {"authorization": "Bearer ada"}
    silent = {**done, "reason": ""}
    assert played.served.client.post("/api/v1/commands", json=silent, headers=ada).status_code == 409
    assert played.served.client.post("/api/v1/commands", json=done, headers=ada).status_code == 200
    played.do("ada", "review", reason="accepted")
    assert played.get(f"incidents/{played.id}")["incident"]["state"] == "reviewed"
