"""What is agreed before anything happens, over the API: priorities, scope, assumptions, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.live import alert
from tests.continuity import played as stage
from tests.continuity.played import MINUTE, Played, outage
from tests.real.components import eventually

CATALOGUE = """
entities:
  - {id: checkout, name: Checkout, kind: business_service, owner: sales, tier: 1, rto: 30m, users: 900,
     unit: retail, priority: 1, depends_on: [orders-db],
     assumptions: [{id: db-stays, on: orders-db, text: the database is never away for long, agreed_by: ann,
                    reviewed: 2026-01-01}]}
  - {id: loans, kind: business_service, owner: lenders, unit: lending, priority: 1, depends_on: [orders-db]}
  - {id: orders-db, kind: database, owner: team-data, rpo: 60s, rto: 30m}
  - {id: cloud, kind: third_party, contract: {reference: C-7, response: 15m, expires: 2099-01-01}}
  - {id: lab, scope: false, facts: {scope_reason: nobody outside uses it, scope_review: 2020-01-01}}
"""
RULES = """
gates:
  scope:
    - {id: printers, entities: [printers], comment: not business critical, review: 2099-01-01}
    - {id: canteen, entities: [canteen]}
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage, "CATALOGUE", CATALOGUE)
        patched.setattr(stage, "RULES", stage.RULES.replace("roles: {", "roles: {priority_authority: [ada], "))
        with outage(tmp_path_factory.mktemp("agreed"), {"rules/s.yaml": RULES}) as one:
            yield one


def test_a_conflict_of_priority_is_open_until_the_authority_signs_it_off(played: Played):
    (before,) = played.get("continuity/priorities")["items"]
    assert (before["state"], before["conflict"]["provider"]) == ("open", "orders-db")
    assert before["conflict"]["rivals"] == ["lending", "retail"]
    assert before["escalation"] == ["lenders", "sales", "ada"]
    played.refused("who", "bo", "sign_order", "orders-db", reason="mine", order="retail; lending")
    assert "bo does not hold the authority 'priority_authority'; it is ada" in played.answers["who"]["detail"]
    played.refused("half", "ada", "sign_order", "orders-db", reason="short", order="retail")
    assert "each of lending, retail once" in played.answers["half"]["detail"]
    played.do("ada", "sign_order", "orders-db", reason="card payments first", order="retail; lending")
    found = played.get("continuity/priorities")
    (after,) = found["items"]
    assert (found["open"], after["state"], after["order"], after["by"]) == (0, "signed", ["retail", "lending"], "ada")
    assert after["version"] == played.get("playbooks")["versions"]["topology"]
    catalogue = played.served.folder / "catalogue" / "shop.yaml"
    third = "  - {id: cards, kind: business_service, unit: cards, priority: 1, depends_on: [orders-db]}\n"
    catalogue.write_text(CATALOGUE + third)
    assert played.served.client.post("/api/v1/reload", headers={"authorization": "Bearer root"}).status_code == 200
    assert played.get("continuity/priorities")["open"] == 1  # another unit: the signature does not cover it
    catalogue.write_text(CATALOGUE)
    assert played.served.client.post("/api/v1/reload", headers={"authorization": "Bearer root"}).status_code == 200


def test_what_is_left_out_has_a_reason_and_a_day_on_which_somebody_looks_again(played: Played):
    found = played.get("continuity/scope")
    assert {one["id"]: one["standing"] for one in found["items"]} == {
        "printers": "current",
        "canteen": "no_reason",
        "lab": "overdue",
    }
    assert found["weak"] == 2


def test_assumptions_are_records_that_incidents_and_tests_break_visibly(played: Played):
    def record() -> dict[str, Any]:
        (one,) = played.get("continuity/assumptions")["items"]
        return dict(one)

    assert (record()["assumption"]["agreed_by"], record()["state"]) == ("ann", "holds")
    assert [one["state"] for one in record()["broken"]] == ["at_stake"]
    played.do("ada", "activate_playbook", reason="it is gone", playbook="orders-db-lost")
    sent = {**alert("DbDown", "orders-db"), "endsAt": "2099-01-01T00:00:00Z"}
    played.served.client.post("/api/v2/alerts", json=[sent], headers={"authorization": "Bearer feed"})
    played.later(31 * MINUTE)
    eventually(lambda: record()["state"] == "broken", "it is broken")
    assert record()["broken"][0]["by"] == played.id
    people = {"people": "lead=ada, scribe=bo"}
    played.refused("none", "ada", "record_exercise", "db-tabletop", passed="no", broke="checkout/none", **people)
    assert "no assumption 'checkout/none'" in played.answers["none"]["detail"]
    played.do("ada", "record_exercise", "db-tabletop", passed="no", broke="checkout/db-stays", **people)
    assert {one["by"] for one in record()["broken"]} == {played.id, "db-tabletop"}
    assert played.get("continuity/assumptions")["broken"] == 1
