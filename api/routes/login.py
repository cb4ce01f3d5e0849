"""Logging in and out with a browser: with a password, or at the provider of OpenID Connect."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.access_settings import Role
from api.auth import people, rendering
from api.auth.bearer import Untrusted, logged_in
from api.auth.credentials import COOKIE, cookie
from api.auth.keys import Refused, digest
from api.auth.opening import Opened
from api.auth.principal import Kind, Principal
from api.auth.provider import Provider, ProviderFailed
from api.auth.store import Attempt
from api.errors import Problem
from api.routes.answers import parts

router = APIRouter(include_in_schema=False)

ATTEMPT = "headwater_login"
"""The cookie that ties a log-in at the provider to the browser in which it began."""
MINUTES_10 = 600_000

Text = Annotated[str, Form(max_length=500)]
Next = Annotated[str, Query(max_length=500)]


@router.get("/login.css")
async def style() -> Response:
    """What the pages look like."""
    return Response(rendering.STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/login")
def page(request: Request, next: Next = "/") -> Response:
    """The form."""
    return _page(request, next)


@router.post("/login")
def login(request: Request, name: Text, password: Text, next: Text = "/") -> Response:
    """A session for whoever knows the password."""
    access = _access(request)
    _slow_down(request, name)
    user = people.check(access.store, name, password)
    if user is None:
        _tell(request, Principal(name, frozenset()), "log in", 401)
        return _page(request, next, "Name or password is wrong.", 401)
    return _enter(request, Principal(user.name, frozenset({user.role}), Kind.PERSON), next)


@router.post("/login/first")
def first(request: Request, token: Text, name: Text, password: Text) -> Response:
    """The first administrator, made with the one-time token."""
    access = _access(request)
    _slow_down(request, "first")
    known = access.store.first()
    if known is None or not hmac.compare_digest(digest(token), known):
        _tell(request, None, "create the first administrator", 401)
        return _page(request, "/", "The one-time token is wrong or used up.", 401)
    try:
        people.put(access.store, name, access.clock(), role=Role.ADMIN, password=password, fresh=True)
    except Refused as error:
        return _page(request, "/", f"Not done: {error}.", 400)
    access.door.forget()
    _tell(request, Principal(name, frozenset({Role.ADMIN}), Kind.FIRST), "create the first administrator", 200)
    return _enter(request, Principal(name, frozenset({Role.ADMIN}), Kind.PERSON), "/")


@router.get("/login/provider")
def begin(request: Request, next: Next = "/") -> Response:
    """Goes to the provider."""
    access, provider = _access(request), _provider(request)
    state, nonce, verifier, browser = (secrets.token_urlsafe(48) for _ in range(4))
    try:
        where = provider.authorization(state, nonce, verifier)
    except ProviderFailed as error:
        return _page(request, next, f"The provider cannot be used: {error}.", 503)
    until = access.clock() + MINUTES_10
    access.store.add_attempt(Attempt(digest(state), digest(browser), nonce, verifier, inside(next), until))
    answer = RedirectResponse(where, 303)
    answer.set_cookie(ATTEMPT, browser, max_age=600, path="/login", secure=access.secure, httponly=True, samesite="lax")
    return answer


@router.get("/login/callback")
def callback(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Comes back from the provider (RFC 9207: a provider that names itself must be the right one)."""
    access, provider = _access(request), _provider(request)
    attempt = access.store.take_attempt(digest(state)) if state else None
    browser = cookie(request.headers.get("cookie", "").encode("latin-1"), ATTEMPT)
    if attempt is None or access.clock() >= attempt.until or not hmac.compare_digest(digest(browser), attempt.browser):
        _tell(request, None, "log in at the provider", 401)
        return _page(request, "/", "This log-in did not begin in this browser, or too long ago. Begin again.", 401)
    try:
        if not code or (iss and iss != provider.settings.issuer):
            raise Untrusted("the provider refused, or another one answered")
        token = provider.exchanged(code, attempt.verifier)
        person, _ = logged_in(token, provider, attempt.nonce, access.clock())
    except (Untrusted, ProviderFailed) as error:
        _tell(request, None, f"log in at the provider: {error}", 401)
        return _page(request, "/", f"You cannot be let in: {error}.", 401)
    answer = _enter(request, person, attempt.target)
    answer.delete_cookie(ATTEMPT, path="/login")
    return answer


@router.post("/logout")
def logout(request: Request) -> Response:
    """Ends the session on the server; the cookie goes too."""
    access, who = _access(request), request.state.principal
    if who is not None and who.session:
        access.store.end_sessions(id=who.session)
        access.door.forget()
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def inside(target: str) -> str:
    """The path of this server that was asked for, else its root: never another server."""
    found = urlsplit(target)
    plain = target.isascii() and target.isprintable() and "\\" not in target and not target.startswith("//")
    return target if plain and target.startswith("/") and not found.scheme and not found.netloc else "/"


def _enter(request: Request, person: Principal, next: str) -> Response:
    access = _access(request)
    old = cookie(request.headers.get("cookie", "").encode("latin-1"))
    if old:
        access.store.end_sessions(id=digest(old))  # a new session for every log-in: nothing that was planted lives on
    settings = access.settings.access.sessions
    opened = people.open_session(access.store, person.name, person.roles, access.clock(), settings)
    access.door.forget()
    _tell(request, person, "log in", 200)
    answer = rendering.entered(inside(next))
    answer.set_cookie(
        COOKIE, opened.secret, max_age=int(settings.longest), path="/", secure=access.secure, httponly=True,
        samesite="strict",
    )  # fmt: skip
    return answer


def _page(request: Request, next: str, message: str = "", status: int = 200) -> Response:
    access = _access(request)
    first = access.store.first() is not None and not access.store.closing()
    return rendering.login(
        next=inside(next), provider=access.provider is not None, first=first, message=message, status=status
    )


def _slow_down(request: Request, name: str) -> None:
    """Guessing is slow, of one address and of one name."""
    access, origin = _access(request), request.client.host if request.client else ""
    now = access.clock()
    wait = max(access.logins.take(key, now) for key in (f"from {origin}", f"as {digest(name)}"))
    if wait:
        _tell(request, Principal(name, frozenset()), "log in", 429)
        headers = {"Retry-After": str(int(wait) + 1)}
        raise Problem(429, "too-many-requests", "Too many tries to log in; wait a little.", headers=headers)


def _tell(request: Request, who: Principal | None, what: str, result: int) -> None:
    origin = request.client.host if request.client else ""
    _access(request).trail.record(who, "login", what, origin, result)


def _access(request: Request) -> Opened:
    return parts(request).access


def _provider(request: Request) -> Provider:
    found = _access(request).provider
    if found is None:
        raise Problem(404, "not-found", "There is no provider to log in at.")
    return found
