"""PagerDuty's Events API, against its stand-in: one alert per generation, never one too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.pagerduty import PagerDuty, dedup_key
from engine.sending import Link, OutboxRow, Receipt
from tests.publish.hostile import HOSTILE
from tests.publish.receiver import publication
from tests.publish.vendors.pagerduty import BUSY, ROUTING_KEY, PagerDutyService
from tests.publish.vendors.vendor import Fault, Said, running


@pytest.fixture
def vendor() -> Iterator[PagerDutyService]:
    started = PagerDutyService()
    with running(started):
        yield started


def sink(vendor: PagerDutyService, key: str = ROUTING_KEY, **more: Any) -> PagerDuty:
    return PagerDuty("duty", vendor.egress, lambda: 0, frozenset({"engineers"}), key, url=vendor.url, **more)


def row(
    action: str = "open", generation: int = 1, link: Link | None = None, incident: str = "INC-1", **fields: Any
) -> OutboxRow:
    made = publication(f"{incident}.{action}", incident=incident, action=action, **fields)
    return OutboxRow(id=1, publication=msgspec.structs.replace(made, generation=generation), sink="duty", attempts=0,
                     epoch=1, link=link)  # fmt: skip


def kept(receipt: Receipt, generation: int = 1) -> Link:
    return Link(sink="duty", incident="INC-1", generation=generation, remote=receipt.remote, state=receipt.keeps)


def states(vendor: PagerDutyService) -> list[tuple[str, str]]:
    return [(alert["key"], alert["state"]) for alert in vendor.alerts]


def test_the_life_of_an_incident_is_one_alert_and_a_reopened_one_is_another(vendor: PagerDutyService) -> None:
    duty = sink(vendor)
    link = None
    for action in ("open", "open", "update", "escalate", "resolve", "resolve"):
        link = kept(duty.send(row(action, link=link)))
    assert states(vendor) == [("headwater/INC-1.1", "resolved")]
    duty.send(row("reopen", generation=2, link=link))
    assert states(vendor) == [("headwater/INC-1.1", "resolved"), ("headwater/INC-1.2", "triggered")]
    duty.send(row("resolve", generation=2, link=link))
    assert vendor.alerts[1]["state"] == "resolved"


def test_an_acknowledgement_is_told(vendor: PagerDutyService) -> None:
    duty = sink(vendor)
    duty.send(row())
    duty.send(row("acknowledge"))
    assert states(vendor) == [("headwater/INC-1.1", "acknowledged")]


@pytest.mark.parametrize("action", ["open", "update", "escalate", "overdue", "disputed", "acknowledge", "declare"])
def test_nothing_of_a_generation_that_has_ended_opens_a_new_alert(vendor: PagerDutyService, action: str) -> None:
    duty = sink(vendor)
    duty.send(row())
    link = kept(duty.send(row("resolve")))
    asked = len(vendor.exchanges)
    assert duty.send(row(action, link=link)).keeps == "closed"
    for state in ("resolved", "reviewed", "merged", "dismissed"):
        assert duty.send(row(action, state=state)).keeps == "closed"
    assert len(vendor.exchanges) == asked
    assert len(vendor.alerts) == 1


def test_a_merged_incident_resolves_its_alert(vendor: PagerDutyService) -> None:
    duty = sink(vendor)
    duty.send(row())
    assert duty.send(row("merge", state="merged")).keeps == "closed"
    assert states(vendor) == [("headwater/INC-1.1", "resolved")]


def test_a_change_of_severity_goes_to_the_same_alert(vendor: PagerDutyService) -> None:
    duty = sink(vendor, severities={"SEV4": "info"})
    for level in ("SEV5", "SEV4", "SEV3", "SEV2", "SEV1", "unheard of"):
        duty.send(row("update", severity={"level": level}))
    assert [alert["severities"] for alert in vendor.alerts] == [
        ["info", "info", "error", "critical", "critical", "error"]
    ]


def test_a_lost_answer_is_ambiguous_and_sending_again_makes_no_second_alert(vendor: PagerDutyService) -> None:
    duty = sink(vendor)
    assert duty.idempotent
    vendor.faults.append(Fault(None, done=True))
    with pytest.raises(SinkError) as failed:
        duty.send(row())
    assert failed.value.ambiguous
    duty.send(row())
    assert len(vendor.alerts) == 1


ANSWERS = {
    "429 says when": (BUSY._replace(headers={"Retry-After": "9"}), False, False, 9.0),
    "429 does not say when": (BUSY, False, False, 60.0),
    "500 is ambiguous": (Said(500, b"<html>", {"Content-Type": "text/html"}), False, True, None),
    "502 is ambiguous": (Said(502), False, True, None),
    "413 is permanent": (Said(413, b"too large"), True, False, None),
    "404 is permanent": (Said(404, b"<html>"), True, False, None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_became_of_an_event_is_said_rightly(vendor: PagerDutyService, name: str) -> None:
    said, permanent, ambiguous, after = ANSWERS[name]
    vendor.faults.append(Fault(said))
    with pytest.raises(SinkError) as failed:
        sink(vendor).send(row())
    error = failed.value
    assert (error.permanent, error.ambiguous, error.after) == (permanent, ambiguous, after)


@pytest.mark.parametrize("key", ["short", "f" * 32])
def test_a_wrong_key_is_permanent_and_is_not_repeated(vendor: PagerDutyService, key: str) -> None:
    with pytest.raises(SinkError, match=r"400.*routing_key") as failed:
        sink(vendor, key).send(row())
    assert failed.value.permanent
    assert key not in failed.value.detail
    assert "\n" not in failed.value.detail


def test_strangers_text_of_any_kind_is_only_text(vendor: PagerDutyService) -> None:
    duty = sink(vendor, console="https://headwater.example")
    texts = [*HOSTILE, "\ud800", "x" * 1_000_000, "\U0001f525" * 300_000]
    for text in texts:
        made = row(incident=f"INC {text[:5000]}", title=text, cause=text, why=text)
        made.publication.body["news"] = [text] * 500
        assert duty.send(made).keeps == "open"
    assert len(vendor.alerts) == len(texts)
    assert max(len(asked.body) for asked, _ in vendor.exchanges) > 100_000


def test_a_key_is_short_and_the_same_for_the_same_generation_only() -> None:
    names = ["INC-1", "INC-1.1", "x" * 10_000, "x" * 10_001, "\ud800", "ä b", ""]
    keys = [dedup_key(row(incident=name, generation=number).publication) for name in names for number in (1, 11)]
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) <= 255
