"""What a webhook's receiver gets, and how its answers are read."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.egress import Destination, Egress
from engine.publish.webhook import Webhook
from tests.publish.receiver import Receiver, receiver, row, status

NOW = 1_700_000_000_000


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


def hook(server: Receiver, secret: str = "") -> Webhook:
    egress = Egress([Destination(server.url, allow_private=True)], timeout=0.5)
    return Webhook("hook", server.url, egress, lambda: NOW, frozenset({"engineers"}), secret)


def test_the_receiver_gets_both_texts_the_incident_and_the_key(server: Receiver) -> None:
    server.behave = status(201, b'{"id": "T-7"}')
    assert hook(server).send(row("k1")).remote == "T-7"
    got = server.got[0]
    assert got.headers["idempotency-key"] == '"k1"'
    sent = msgspec.json.decode(got.body)
    assert sent["type"] == "incident.open"
    assert sent["data"]["incident"]["cause"] == "db"
    assert set(sent["data"]["text"]) == {"technical", "business"}


def test_a_repeated_publication_is_the_same_bytes_under_the_same_key(server: Receiver) -> None:
    sink = hook(server)
    sink.send(row("k1"))
    sink.send(row("k1"))
    first, second = server.got
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_the_signature_verifies_as_standard_webhooks_says(server: Receiver) -> None:
    key = b"0123456789abcdef01234567"
    hook(server, "whsec_" + base64.b64encode(key).decode()).send(row("k1"))
    headers, body = server.got[0].headers, server.got[0].body
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_without_a_secret_nothing_is_signed(server: Receiver) -> None:
    hook(server).send(row())
    assert "webhook-signature" not in server.got[0].headers


def test_a_secret_that_is_not_base64_is_the_operators_error(server: Receiver) -> None:
    with pytest.raises(ValueError, match="base64"):
        hook(server, "whsec_not base64!")


@pytest.mark.parametrize("value", ["Tue, 14 Nov 2023 22:13:50 GMT", "30"])
def test_retry_after_is_read_as_seconds_and_as_a_date(server: Receiver, value: str) -> None:
    server.behave = status(503, b"", Retry_After=value)
    with pytest.raises(SinkError) as failed:
        hook(server).send(row())
    assert failed.value.after == 30


@pytest.mark.parametrize(("value", "after"), [("999999999999", 3600.0), ("soon", None), ("-5", None), ("", None)])
def test_an_absurd_retry_after_is_bounded_or_ignored(server: Receiver, value: str, after: float | None) -> None:
    server.behave = status(429, b"", Retry_After=value)
    with pytest.raises(SinkError) as failed:
        hook(server).send(row())
    assert failed.value.after == after
    assert not failed.value.permanent


@pytest.mark.parametrize(
    "body", [b"<html>ok</html>", b"", b'{"id": ["no"]}', b"\xff\xfe", b"[" * 5000, b'{"id": "T-1"'], ids=range(6)
)
def test_any_body_of_a_success_is_a_success(server: Receiver, body: bytes) -> None:
    server.behave = status(200, body)
    assert hook(server).send(row("k9")).remote == "k9"


def test_an_undeclared_destination_is_permanent_and_nothing_is_sent(server: Receiver) -> None:
    sink = Webhook("hook", server.url, Egress([]), lambda: NOW, frozenset())
    with pytest.raises(SinkError) as failed:
        sink.send(row())
    assert failed.value.permanent
    assert not server.got
