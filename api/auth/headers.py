"""Headers of every answer: what browsers may do with it. `docs/access.md` has the table."""

from __future__ import annotations

from starlette.types import Message, Send

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The content security policy: nothing inline, nothing from elsewhere, in no frame."""

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer a form of our own comes with Origin: null
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY.encode()),
]

TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
"""Sent where cookies go over TLS only."""


def with_headers(send: Send, *, secure: bool = False) -> Send:
    """A ``send`` that adds them, unless the answer brings its own."""
    wanted = [*SECURITY_HEADERS, TRANSPORT] if secure else SECURITY_HEADERS

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = message.get("headers", ())
            given = {name.lower() for name, _ in own}
            message["headers"] = [*own, *(header for header in wanted if header[0] not in given)]
        await send(message)

    return sending
