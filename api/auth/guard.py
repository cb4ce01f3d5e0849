"""The one guard in front of every route: Host and Origin, then who it is, then what they may do, closed by default.

A program sends `Authorization: Bearer TOKEN` (or the token as the password of HTTP Basic, as Prometheus and
Alertmanager can), a browser the cookie of its session; where a request has both, the cookie is not looked at. As long
as there is no token, key, user or provider, an address on loopback is open to this machine's own programs: a foreign
Host header (DNS rebinding) or a foreign Origin (a page of another site) is refused all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import forgery
from api.auth.credentials import cookie, credential, host, hosts
from api.auth.door import Door
from api.auth.entries import OPEN, Entries, Entry
from api.auth.headers import with_headers
from api.auth.policy import allowed, roles_for
from api.auth.principal import Kind, Principal
from api.auth.rates import Buckets
from api.auth.signed import Signatures
from api.auth.trail import DENIED, Trail
from api.errors import Problem
from api.settings import Server
from engine.errors import StoreUnavailable

log = logging.getLogger(__name__)

SAFE = ("GET", "HEAD", "OPTIONS")
UNCHANGING = frozenset({"ingest", "impact", "read", "enter", OPEN})
"""Actions that change nothing that anybody answers for: in the trail only where they are denied."""


class Admitted(NamedTuple):
    """Who makes a request (None where anybody may), and by which line of the table."""

    principal: Principal | None
    entry: Entry


class Guard:
    """ASGI middleware. The principal is in the request's state; the trail gets what was changed or denied."""

    def __init__(
        self, app: ASGIApp, server: Server, door: Door, trail: Trail, entries: Entries, signatures: Signatures
    ) -> None:
        self.app = app
        self._door, self._trail, self._entries, self._signatures = door, trail, entries, signatures
        rates = door.settings.rates
        self._buckets = Buckets(rates.second, rates.burst)
        self._hosts = hosts(server)
        self._secure = secure(server, door.settings.sessions.secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        protected = with_headers(send, secure=self._secure)
        try:
            admitted, receive = await self._admitted(scope, receive)
        except Problem as problem:
            if problem.status in DENIED:
                await self._record(scope, "", problem.status)
            await _refusal(problem, scope)(scope, receive, protected)
            return
        state["principal"], state["entry"] = admitted
        try:
            await self.app(scope, receive, self._watched(scope, admitted, protected))
        except ClientDisconnect:
            if not state.get("ended"):
                raise

    def admit(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Admitted:
        """Who makes this request, if they may. Raises `Problem`, also where that cannot be known without waiting."""
        self._check_origin(headers)
        if self._slow(headers):
            raise Problem(503, "unknown-yet", "Who asks is not known yet.")
        return self._decide(self._who(path, headers), method, path)

    def _decide(self, who: Principal | None, method: str, path: str) -> Admitted:
        entry = self._entries.find(method, path)
        if entry is not None and entry.action == OPEN:
            return Admitted(who, entry)
        if who is None:
            detail = "Send a valid token: Authorization: Bearer TOKEN, or HTTP Basic with the token as the password."
            challenge = 'Bearer realm="headwater", Basic realm="headwater"'
            raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})
        if entry is None:
            raise self._no_entry(path)
        if not allowed(who, entry.action):
            needed = " or ".join(roles_for(entry.action)) or "nobody"
            raise Problem(403, "forbidden", f"The role {who.role} may not do this ({entry.action}); it needs {needed}.")
        if entry.action != "ingest" and who.kind is not Kind.LOCAL:
            self._slow_down(f"{who.kind}:{who.name}")
        return Admitted(who, entry)

    def _no_entry(self, path: str) -> Problem:
        if methods := self._entries.methods(path):
            headers = {"Allow": ", ".join(methods)}
            return Problem(405, "method-not-allowed", f"It takes {headers['Allow']}.", headers=headers)
        return Problem(404, "not-found", "There is nothing here.")

    def _slow_down(self, name: str) -> None:
        wait = self._buckets.take(name, self._door.clock())
        if wait:
            detail = "More requests than the settings allow one principal (access.rates)."
            raise Problem(429, "too-many-requests", detail, headers={"Retry-After": str(max(1, round(wait + 0.5)))})

    async def _admitted(self, scope: Scope, receive: Receive) -> tuple[Admitted, Receive]:
        method, path, pairs = scope["method"], scope["path"], scope["headers"]
        headers = dict(pairs)
        self._check_origin(headers)
        if sum(name == b"authorization" for name, _ in pairs) > 1:
            raise Problem(400, "invalid-request", "Send one Authorization header.")
        given = credential(headers.get(b"authorization", b""))
        if not given and method == "POST" and (signer := self._signatures.of(path, pairs)):
            verified = await self._signatures.verified(signer, pairs, receive)
            scope["state"]["nonce"] = verified.nonce
            return self._decide(verified.principal, method, path), verified.receive
        who = scope["state"]["principal"] = await self._known(method, path, headers)
        admitted = self._decide(who, method, path)
        if who and who.kind is Kind.PERSON and method not in SAFE and admitted.entry.action != OPEN:
            receive = await forgery.checked(who, headers, receive)
        return admitted, receive

    async def _known(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Principal | None:
        """Who it is. Raises `Problem` when the store of access is away, unless anybody may come in."""
        try:
            if self._slow(headers):
                return await run_in_threadpool(self._who, path, headers)
            return self._who(path, headers)
        except StoreUnavailable as error:
            entry = self._entries.find(method, path)
            if entry is not None and entry.action == OPEN:
                return None
            log.error("who asks cannot be known: %s", error)
            detail = "The store that knows keys and sessions does not answer; try again."
            raise Problem(503, "unavailable", detail, headers={"Retry-After": "2"}) from None

    def _slow(self, headers: Mapping[bytes, bytes]) -> bool:
        authorization = headers.get(b"authorization")
        given = cookie(headers.get(b"cookie", b"")) if authorization is None else credential(authorization)
        return self._door.slow("") or (bool(given) and self._door.slow(given))

    def _who(self, path: str, headers: Mapping[bytes, bytes]) -> Principal | None:
        authorization = headers.get(b"authorization")
        if authorization is not None:
            given = credential(authorization)
            return (self._door.by_token(given, path) if given else None) or self._door.local()
        session = cookie(headers.get(b"cookie", b""))
        return (self._door.by_cookie(session) if session else None) or self._door.local()

    def _check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        name = headers.get(b"host", b"")
        if self._hosts and host(name) not in self._hosts:
            detail = f"This server is not known as {host(name)[:100]!r}; add the name to server.names if it should be."
            raise Problem(421, "misdirected-request", detail)
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != name.lower():
            raise Problem(403, "foreign-origin", "Requests made by pages of other sites are refused.")

    def _watched(self, scope: Scope, admitted: Admitted, send: Send) -> Send:
        """What is sent, with its record before it, and no further for somebody whose session has ended meanwhile."""
        changing = scope["method"] not in SAFE and admitted.entry.action not in UNCHANGING
        state = scope["state"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                if changing or (status in DENIED and admitted.entry.action != OPEN):  # log-ins tell it themselves
                    await self._record(scope, admitted.entry.action, status)
                if "nonce" in state and status >= 500:
                    await self._signatures.release(state["nonce"])
            elif message.get("more_body") and admitted.principal and not await self._holds(admitted.principal):
                state["ended"] = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise OSError("the session has ended")  # to what streams: as if the client had gone
            await send(message)

        return sending

    async def _holds(self, principal: Principal) -> bool:
        if self._door.doubts(principal):
            return await run_in_threadpool(self._door.holds, principal)
        return self._door.holds(principal)

    async def _record(self, scope: Scope, action: str, status: int) -> None:
        state = scope["state"]
        asked = " ".join(filter(None, (scope["method"], scope["path"], state.get("told"))))
        origin = (scope.get("client") or ("",))[0]
        await run_in_threadpool(self._trail.record, state.get("principal"), action, asked, origin, status)


def secure(server: Server, wanted: bool | None) -> bool:
    """Whether cookies go over TLS only."""
    return not server.loopback if wanted is None else wanted


def _refusal(problem: Problem, scope: Scope) -> Response:
    """The problem; a browser that is not logged in is led to where it can."""
    headers = dict(scope["headers"])
    wants_page = scope["method"] == "GET" and b"text/html" in headers.get(b"accept", b"")
    if problem.status == 401 and wants_page and b"authorization" not in headers:
        return RedirectResponse(f"/login?next={quote(scope['path'], safe='/')}", 303)
    return problem.response()
