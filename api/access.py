"""Who may do what: the one guard in front of every route, closed by default.

With tokens configured, every route but `/healthz` and `/readyz` needs one, as `Authorization: Bearer TOKEN` or as the
password of HTTP Basic (Prometheus and Alertmanager can send either). Without tokens the address is loopback only and
everything is open, but only to this machine's own programs: a foreign Host header (DNS rebinding) or a foreign Origin
(a web page posting from the visitor's browser) is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem
from api.settings import Role, Server, Token

OPEN = frozenset({"/healthz", "/readyz"})
PROBES = frozenset({"/-/healthy", "/-/ready", "/api/v2/status"})
INGEST_PATHS = frozenset(
    {
        "/api/v2/alerts",
        "/api/v1/webhook/alertmanager",
        "/api/v1/write",
        "/v1/logs",
        "/v1/metrics",
        "/v1/traces",
        "/api/v1/signals",
    }
)
HOOKS = "/api/v1/tickets/"
"""Where ticketing systems call back, each at its sink's name: as a sender, or with the sink's own secret."""
ADMIN_PATHS = frozenset({"/api/v1/reload"})
RAW_INPUT = "/api/v1/dead-letters"
"""Raw input may hold what its sender should not have sent: not for viewers."""

_EVERYONE = frozenset(Role)
_READERS = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
_OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
_ADMINS = frozenset({Role.ADMIN})
_SENDERS = frozenset({Role.INGEST, Role.OPERATOR, Role.ADMIN})

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
]


class Principal(NamedTuple):
    """Who makes a request."""

    name: str
    role: Role


LOCAL = Principal("local", Role.ADMIN)
"""Whoever is on the machine, where no tokens are configured."""


def allowed(method: str, path: str) -> frozenset[Role]:
    """The roles that may call a route; empty means that it is open to all. ``path`` is without the prefix."""
    if path in OPEN:
        return frozenset()
    if path in PROBES:
        return _EVERYONE
    if path in ADMIN_PATHS:
        return _ADMINS
    if (path in INGEST_PATHS or path.startswith(HOOKS)) and method == "POST":
        return _SENDERS
    if path.startswith(RAW_INPUT):
        return _OPERATORS
    return _READERS if method in ("GET", "HEAD") else _OPERATORS


class Guard:
    """ASGI middleware: Host and Origin, then the token, then the role; security headers on every answer."""

    def __init__(
        self, app: ASGIApp, server: Server, tokens: Iterable[Token], hooks: Mapping[str, str] | None = None
    ) -> None:
        self._app = app
        self._prefix = server.prefix
        self._tokens = tuple(tokens)
        self._hooks = {HOOKS + sink: secret for sink, secret in (hooks or {}).items() if secret}
        self._hosts = _hosts(server)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the principal in the request's state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])  # of a header that is sent twice, the last counts
        try:
            scope.setdefault("state", {})["principal"] = self.admit(scope["method"], scope["path"], headers)
        except Problem as problem:
            await problem.response()(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    def admit(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Principal | None:
        """Who makes this request; None where anybody may. Raises `Problem`."""
        self._check_origin(headers)
        return self._authorise(method, path, headers.get(b"authorization", b""))

    def _check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        host = headers.get(b"host", b"")
        if self._hosts and _name(host) not in self._hosts:
            detail = f"This server is not known as {_name(host)[:100]!r}; add the name to server.names if it should be."
            raise Problem(421, "misdirected-request", detail)
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Problem(403, "foreign-origin", "Requests made by pages of other sites are refused.")

    def _authorise(self, method: str, path: str, authorization: bytes) -> Principal | None:
        if not self._tokens:
            return LOCAL
        roles = allowed(method, path.removeprefix(self._prefix))
        if not roles:
            return None
        given = _credential(authorization.decode("latin-1"))
        principal = (self._known(given) or self._hook(path, given)) if given else None
        if principal is None:
            detail = "Send a valid token: Authorization: Bearer TOKEN, or HTTP Basic with the token as the password."
            challenge = 'Bearer realm="headwater", Basic realm="headwater"'
            raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})
        if principal.role not in roles:
            needed = " or ".join(sorted(roles))
            raise Problem(403, "forbidden", f"The role {principal.role} may not do this; it needs {needed}.")
        return principal

    def _known(self, given: str) -> Principal | None:
        digest = hashlib.sha256(given.encode()).hexdigest()
        found = None
        for token in self._tokens:  # all of them, so that the time taken does not tell which matched
            if hmac.compare_digest(digest, token.sha256):
                found = Principal(token.name, token.role)
        return found

    def _hook(self, path: str, given: str) -> Principal | None:
        """A ticketing system that calls back with the secret of the sink that the path names."""
        found = path.removeprefix(self._prefix)
        secret = self._hooks.get(found, "")
        if secret and hmac.compare_digest(given.encode(), secret.encode()):
            return Principal(f"hook:{found.removeprefix(HOOKS)}", Role.INGEST)
        return None


def _credential(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _hosts(server: Server) -> frozenset[str]:
    """Names under which the server may be addressed; empty: any."""
    if server.loopback:
        return frozenset({"localhost", "127.0.0.1", "[::1]", _bracketed(server.host), *map(str.lower, server.names)})
    return frozenset(map(str.lower, server.names))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


@lru_cache(1024)
def _name(header: bytes) -> str:
    """The host of a Host header without its port."""
    host = header.decode("latin-1").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if ":" in host else host


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = message.get("headers", ())
            given = {name.lower() for name, _ in own}
            message["headers"] = [*own, *(header for header in SECURITY_HEADERS if header[0] not in given)]
        await send(message)

    return sending
