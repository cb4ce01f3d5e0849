"""Publications as HTTP POSTs of JSON, signed in the style of Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks (spec: signature over ``id.timestamp.body``), and the
``Idempotency-Key`` header of draft-ietf-httpapi-idempotency-key-header. The key is the publication's own, so that a
receiver which honours it may be sent the same publication any number of times.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.ports import Clock
from engine.publish.asking import asking
from engine.publish.egress import Answer, Egress
from engine.publish.event import event
from engine.publish.texts import plain
from engine.sending import OutboxRow, Receipt
from engine.signals import Millis

LATER = frozenset({408, 425, 429})  # a client error that only says "not now"
BUSY = 429
PERHAPS = frozenset({502, 504})  # a gateway lost the answer: the receiver behind it may have the request
LONGEST_WAIT = 3600.0


class Webhook:
    """A sink that POSTs to one declared URL what ``write`` makes of a publication. ``secret`` (``whsec_`` and base64,
    or plain text) signs the body."""

    idempotent = True

    def __init__(
        self,
        name: str,
        url: str,
        egress: Egress,
        clock: Clock,
        audiences: frozenset[str],
        secret: str = "",
        write: Callable[[Publication], bytes] = event,
    ) -> None:
        self.name = name
        self.audiences = audiences
        self._url, self._egress, self._clock = url, egress, clock
        self._secret, self._write = _key(secret), write

    def send(self, row: OutboxRow) -> Receipt:
        """POST it; returns the receiver's id of it when the answer has one, else the key.

        Raises `SinkError`: refused destinations and 4xx are permanent, a lost answer is ambiguous, the rest transient.
        """
        publication, now = row.publication, self._clock()
        body = self._write(publication)
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{publication.key}"'}
        headers |= {"webhook-id": publication.key, "webhook-timestamp": str(now // 1000)}
        if self._secret:
            headers["webhook-signature"] = sign(self._secret, publication.key, now // 1000, body)
        with asking():
            answer = self._egress.post(self._url, body, headers)
        if 200 <= answer.status < 300:
            return Receipt(_remote(answer) or publication.key)
        raise judge(answer, now)

    def show(self, row: OutboxRow) -> str:
        """The JSON that is posted."""
        return msgspec.json.format(self._write(row.publication), indent=2).decode()

    def close(self) -> None:
        """Nothing is kept open between two publications."""


def sign(secret: bytes, id: str, seconds: int, body: bytes) -> str:
    """The ``webhook-signature`` header: ``v1,`` and the base64 of HMAC-SHA256 over id, time and body."""
    digest = hmac.digest(secret, f"{id}.{seconds}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode("ascii")


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret that begins with whsec_ must go on in base64") from None


def judge(answer: Answer, now: Millis) -> SinkError:
    """An answer that is no success. Its body is a stranger's and is not repeated."""
    status = answer.status
    said = f"the receiver answered {status}"
    if 300 <= status < 400:
        said += f": it redirects to {plain(answer.headers.get('location', ''), 200)}, and redirects are not followed"
    if status in LATER or status >= 500:
        after = _retry_after(answer.headers, now)
        return SinkError(said, ambiguous=status in PERHAPS, after=after, busy=status == BUSY)
    return SinkError(said, permanent=True)


def _retry_after(headers: Mapping[str, str], now: Millis) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or a date (RFC 9110, 10.2.3); at most an hour."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and value.isascii():
        return min(float(value[:9]), LONGEST_WAIT)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - now / 1000
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


class _Receipt(msgspec.Struct):
    id: str | int = ""


def _remote(answer: Answer) -> str:
    """The ``id`` of a JSON answer; any other answer, such as a page of HTML, has none."""
    try:
        return str(msgspec.json.decode(answer.body, type=_Receipt).id)[:200]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
