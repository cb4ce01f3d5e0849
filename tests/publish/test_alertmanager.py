"""An incident as a group of alerts: what Alertmanager's receivers can take, our own among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from engine.publish.alertmanager import BODY, Alertmanager
from engine.publish.egress import Destination, Egress
from engine.publish.posting import Post
from engine.publish.texts.message import Texts
from engine.signals import AlertEvent
from ingest.decoders import decode
from tests.publish.receiver import Receiver, receiver, row
from tests.publish.strangers import HOSTILE

HIT = [
    {"entity": "api", "kind": "service", "low": 0, "high": 0, "path": ["db", "api"], "at": 1_700_000_000_000},
    {"entity": "pay", "name": "Payments", "kind": "business_service", "low": 500, "high": 500, "path": ["db", "pay"]},
]
CLIENTS: dict[str, Egress] = {}


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        CLIENTS[started.url] = Egress([Destination(started.url, allow_private=True)], timeout=1.0)
        yield started


def sent(server: Receiver, action: str = "open", *, each: bool = False, **fields: Any) -> dict[str, Any]:
    sink = Alertmanager(
        "am", server.url, Post(CLIENTS[server.url], lambda: 0), frozenset({"engineers"}), Texts(body=BODY), each
    )
    one = row(f"k-{action}", action=action, **fields)
    assert sink.send(one).remote == one.publication.key
    posted: dict[str, Any] = msgspec.json.decode(server.got[-1].body)
    assert msgspec.json.decode(sink.show(one)) == posted
    return posted


def test_an_incident_is_a_group_with_one_alert_that_resolves_under_the_same_key(server: Receiver) -> None:
    severity = {"level": "SEV2"}
    first = sent(server, severity=severity, onset=1_700_000_000_000)
    last = sent(server, "resolve", severity={"level": "SEV3"}, onset=1_700_000_000_000)
    assert (first["version"], first["status"], last["status"]) == ("4", "firing", "resolved")
    assert first["groupKey"] == last["groupKey"] == "headwater:INC-1"
    (alert,), (over,) = first["alerts"], last["alerts"]
    assert alert["labels"] == {"alertname": "HeadwaterIncident", "incident": "INC-1", "severity": "SEV2", "cause": "db"}
    assert (alert["startsAt"], alert["endsAt"]) == ("2023-11-14T22:13:20.000Z", "0001-01-01T00:00:00Z")
    assert over["endsAt"] == "2023-11-14T22:13:20.000Z"
    assert alert["fingerprint"] == over["fingerprint"]
    assert server.got[0].headers["idempotency-key"] == '"k-open"'


def test_what_is_hit_is_in_the_group_only_where_that_is_wanted(server: Receiver) -> None:
    assert len(sent(server, impact=HIT, impact_total=40)["alerts"]) == 1
    group = sent(server, each=True, impact=HIT, impact_total=40)
    assert [one["labels"].get("entity") for one in group["alerts"]] == [None, "api", "pay"]
    assert group["alerts"][2]["annotations"] == {"summary": "Payments is degraded to 50 %", "path": "db > pay"}
    assert group["truncatedAlerts"] == 38
    assert group["commonLabels"] == {"incident": "INC-1", "severity": "unknown"}
    assert len({one["fingerprint"] for one in group["alerts"]}) == 3


def test_our_own_decoder_reads_it_as_the_alert_that_it_is(server: Receiver) -> None:
    sent(server, title="db is down")
    decoded = decode("alertmanager-webhook", server.got[-1].body)
    assert not decoded.rejects
    (signal,) = decoded.signals
    assert isinstance(signal, AlertEvent)
    assert signal.firing


def test_any_strangers_text_is_a_label_value_of_one_line(server: Receiver) -> None:
    for text in HOSTILE:
        (alert,) = sent(server, title=text, cause=text or None, why=text)["alerts"]
        assert all(len(value.splitlines()) == 1 for value in alert["labels"].values())
        assert all(alert["labels"].values())
