"""Requests that a browser was made to send (CSRF): with a session's cookie, what changes something brings its token.

The cookie is SameSite=Strict and a foreign Origin is refused before; this is the third line.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.types import Receive

from api.auth.bodies import taken
from api.auth.principal import Principal
from api.errors import Problem

HEADER = b"x-csrf-token"
FIELD = "csrf_token"
LONGEST = 64 * 1024


async def checked(principal: Principal, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
    """Raises `Problem` unless the header, or the field of a form, holds the session's token."""
    given = headers.get(HEADER, b"")
    if not given and headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        body, receive = await taken(receive, LONGEST)
        given = _field(body)
    if not principal.csrf or not hmac.compare_digest(given, principal.csrf.encode()):
        raise Problem(403, "forged-request", "Load the page again: this request does not bring the session's token.")
    return receive


def _field(body: bytes) -> bytes:
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=200).get(FIELD, [])
    except ValueError:
        return b""
    return found[0].encode() if len(found) == 1 else b""
