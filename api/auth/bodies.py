"""Reading a request's body before the application does, and giving it to it all the same."""

from __future__ import annotations

from starlette.types import Message, Receive

from api.errors import Problem


async def taken(receive: Receive, longest: int) -> tuple[bytes, Receive]:
    """The body, and a ``receive`` that gives it once more. Raises `Problem` for more than ``longest`` bytes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "incomplete-request", "The connection ended before the body did.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > longest:
            headers = {"Connection": "close"}
            raise Problem(413, "content-too-large", f"The body may have {longest} bytes here.", headers=headers)
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    body = b"".join(chunks)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again
