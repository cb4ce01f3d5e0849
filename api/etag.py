"""Entity tags: who asks again for what has not changed gets 304 and no body (RFC 9110 §8.8.3 and §13.1.2).

The tag is a digest of what would be sent, so that it is right for whatever a route answers. Streams have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Pairs = Sequence[tuple[bytes, bytes]]
TAGGED = (b"application/json", b"image/svg+xml")
KEPT = (b"content-location", b"date", b"etag", b"vary", b"cache-control")
"""What a 304 has of the answer's headers."""


class Tagged:
    """ASGI middleware around the application's read routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tag what a GET answers."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"]).get(b"if-none-match", b"")
        start: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _taggable(message):
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            first, start = start, None
            if not message.get("more_body"):
                first, message = tagged(first, message, asked)
            await send(first)
            await send(message)

        await self._app(scope, receive, sending)


def tagged(start: Message, body: Message, asked: bytes) -> tuple[Message, Message]:
    """The answer with its tag, or 304 when ``asked`` (If-None-Match) names it."""
    tag = b'"' + hashlib.sha256(body.get("body", b"")).hexdigest()[:32].encode() + b'"'
    headers = [*start["headers"], (b"etag", tag), (b"cache-control", b"private, no-cache")]
    if asked.strip() != b"*" and tag not in [one.strip().removeprefix(b"W/") for one in asked.split(b",")]:
        return {**start, "headers": headers}, body
    kept = [pair for pair in headers if pair[0].lower() in KEPT]
    return {**start, "status": 304, "headers": kept}, {**body, "body": b""}


def _taggable(start: Message) -> bool:
    headers = dict(start.get("headers", ()))
    media = headers.get(b"content-type", b"").partition(b";")[0]
    return start["status"] == 200 and media in TAGGED and b"cache-control" not in headers
