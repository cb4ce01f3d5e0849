"""Signatures of incoming web hooks: HMAC-SHA256 over the bytes as they were sent. Pure; times are seconds.

* ``standard``: Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, spec v1): the headers
  ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` (`v1,BASE64`, several by spaces), over
  ``id.timestamp.body``; a secret ``whsec_…`` is Base64.
* ``github``: ``X-Hub-Signature-256: sha256=HEX`` over the body (https://docs.github.com/en/webhooks, "Validating
  webhook deliveries"); Jira's ``X-Hub-Signature`` has the same form.
* ``pagerduty``: ``X-PagerDuty-Signature: v1=HEX``, several by commas, over the body
  (https://developer.pagerduty.com/docs/webhooks/webhook-signatures/).

Only the first says when it was sent; of the others a repetition is known by its signature alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence

WINDOW = 300
"""Seconds by which a time stamp may differ from the clock."""

Headers = Sequence[tuple[bytes, bytes]]

NAMES = {
    "standard": (b"webhook-signature",),
    "github": (b"x-hub-signature-256", b"x-hub-signature"),
    "pagerduty": (b"x-pagerduty-signature",),
}
"""Where each style has its signature."""


class Unsigned(ValueError):
    """The signature does not hold; the message says why, without secrets."""


def signed(style: str, headers: Headers, body: bytes, secrets: Iterable[str], now: float) -> str:
    """What is unique to this sending, to be remembered against repetitions. Raises Unsigned."""
    if style == "standard":
        id, stamp = _one(headers, b"webhook-id"), _one(headers, b"webhook-timestamp")
        _timely(stamp, now)
        content = b".".join((id, stamp, body))
        given = [part.partition(b",")[2] for part in _signature(headers, style).split(b" ") if part.startswith(b"v1,")]
        keys = [_decoded(secret) for secret in secrets]
        _match(given, [base64.b64encode(_mac(key, content)) for key in keys])
        return hashlib.sha256(b"standard\0" + id + b"\0" + stamp + b"\0" + body).hexdigest()
    header = _signature(headers, style)
    if style == "github":
        given = [header.removeprefix(b"sha256=")] if header.startswith(b"sha256=") else []
    else:
        given = [part.strip()[3:] for part in header.split(b",") if part.strip().startswith(b"v1=")]
    _match(given, [_mac(secret.encode(), body).hex().encode() for secret in secrets])
    return hashlib.sha256(style.encode() + b"\0" + body).hexdigest()


def present(style: str, headers: Headers) -> bool:
    """Whether a request claims to be signed in this style."""
    return any(name in NAMES[style] for name, _ in headers)


def _signature(headers: Headers, style: str) -> bytes:
    given = [name for name in NAMES[style] if any(one == name for one, _ in headers)]
    if not given:
        raise Unsigned(f"the header {NAMES[style][0].decode()} is missing")
    return _one(headers, given[0])


def _one(headers: Headers, name: bytes) -> bytes:
    found = [value for key, value in headers if key == name]
    if len(found) != 1 or not found[0] or len(found[0]) > 2000:
        raise Unsigned(f"the header {name.decode()} must be there once")
    if not found[0].isascii():
        raise Unsigned(f"the header {name.decode()} holds other characters than ASCII")
    return found[0]


def _timely(stamp: bytes, now: float) -> None:
    if not stamp.isdigit() or len(stamp) > 12:
        raise Unsigned("webhook-timestamp must be Unix seconds")
    if abs(now - int(stamp)) > WINDOW:
        raise Unsigned(f"it was signed more than {WINDOW} s away from now")


def _decoded(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return secret.encode()


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _match(given: Sequence[bytes], expected: Sequence[bytes]) -> None:
    found = False
    for one in given[:10]:
        for other in expected:  # all of them: the time taken does not tell which secret it was
            found |= hmac.compare_digest(one, other)
    if not found:
        raise Unsigned("the signature is not that of these bytes with any of the secrets")
