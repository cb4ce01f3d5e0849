"""What a request brings: a token, a cookie, the name it calls the server by."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from api.settings import Server

COOKIE = "headwater_session"


def credential(header: bytes) -> str:
    """The token of an Authorization header: Bearer, or the password of Basic; empty where there is none."""
    scheme, _, value = header.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def cookie(header: bytes, name: str = COOKIE) -> str:
    """The value of a cookie; of one that is sent twice, nothing: one of the two may be somebody else's."""
    if not header:
        return ""
    pairs = (pair.strip().partition("=") for pair in header.decode("latin-1").split(";"))
    found = [value for key, _, value in pairs if key == name]
    return found[0] if len(found) == 1 and len(found[0]) <= 200 else ""


def hosts(server: Server) -> frozenset[str]:
    """Names under which the server may be addressed; empty: any."""
    if server.loopback:
        own = f"[{server.host}]" if ":" in server.host else server.host.lower()
        return frozenset({"localhost", "127.0.0.1", "[::1]", own, *map(str.lower, server.names)})
    return frozenset(map(str.lower, server.names))


@lru_cache(1024)
def host(header: bytes) -> str:
    """The host of a Host header without its port."""
    name = header.decode("latin-1").lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.rpartition(":")[0] if ":" in name else name
