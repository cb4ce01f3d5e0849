"""Reading a request's body before the application does, and giving it to it all the same."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Message, Receive

from api.errors import Problem


async def whole(receive: Receive, longest: int, too_large: Callable[[int], Problem]) -> bytes:
    """The body. Raises `Problem`: ``too_large`` of ``longest`` where it has more bytes, or where it breaks off."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "incomplete-request", "The connection ended before the body did.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > longest:
            raise too_large(longest)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def taken(receive: Receive, longest: int) -> tuple[bytes, Receive]:
    """The body, and a ``receive`` that gives it once more. Raises `Problem` for more than ``longest`` bytes."""
    body = await whole(receive, longest, _too_large)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again


def _too_large(longest: int) -> Problem:
    detail = f"The body may have {longest} bytes here."
    return Problem(413, "content-too-large", detail, headers={"Connection": "close"})
