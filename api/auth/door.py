"""Who is it? From a credential or a cookie to a principal. What was found is remembered for a second."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from api.access_settings import Access, Role, Token
from api.auth import people
from api.auth.entries import HOOKS
from api.auth.keys import FIRST, PREFIX, digest
from api.auth.principal import LOCAL, Kind, Principal
from api.auth.store import Store, names
from engine.ports import Clock
from engine.signals import Millis

FRESH: Millis = 1000
"""How long an answer of the store is believed: after so long, a key that another process revoked opens nothing."""
NOTED: Millis = 60_000
"""How exactly it is kept when a key or session was last used."""
MOST = 10_000

Found = tuple[Principal | None, Millis]


class Bearers(Protocol):
    """What reads tokens of OpenID Connect: `api.auth.bearer.Bearer`."""

    def __call__(self, token: str) -> tuple[Principal | None, Millis]:
        """Whose it is, and until when that may be believed. May ask the provider; not for the event loop."""


class Door:
    """``loopback``: only this machine reaches the address, so that it is open until there is a token, key or user."""

    def __init__(
        self, store: Store, clock: Clock, settings: Access, tokens: Iterable[Token], hooks: Mapping[str, str],
        *, loopback: bool, bearers: Bearers | None = None,
    ) -> None:  # fmt: skip
        self.store, self.clock, self.settings = store, clock, settings
        self._tokens = tuple(tokens)
        self._hooks = {HOOKS + sink: secret for sink, secret in hooks.items() if secret}
        self._bearers = bearers
        self._open = loopback and not self._tokens and settings.oidc is None
        self._cache: dict[str, Found] = {}
        self._closing: tuple[bool, Millis] = (False, -FRESH)

    def forget(self) -> None:
        """Something was changed: ask the store again."""
        self._cache.clear()
        self._closing = (False, -FRESH)

    def local(self) -> Principal | None:
        """Whoever is on the machine, as long as everything is open to it."""
        if not self._open:
            return None
        if not self._believed():
            self._closing = (self.store.closing(), self.clock())
        return None if self._closing[0] else LOCAL

    def _believed(self) -> bool:
        closed, at = self._closing
        return closed or 0 <= self.clock() - at < FRESH

    def slow(self, given: str) -> bool:
        """Whether to know whose token or cookie this is (empty: what is open to this machine) may take long: it asks a
        provider or a store that is elsewhere, and so has to run in a thread."""
        if not given:
            return self.store.remote and self._open and not self._believed()
        asks = self.store.remote or (self._bearers is not None and given.count(".") == 2)
        return asks and self._remembered(digest(given)) is None

    def by_token(self, given: str, path: str) -> Principal | None:
        """Who sends this token. A ticketing system may send the secret of the sink that the path names."""
        hashed = digest(given)
        found = None
        for token in self._tokens:  # all of them, so that the time taken does not tell which matched
            if hmac.compare_digest(hashed, token.sha256):
                found = Principal(token.name, frozenset({token.role}))
        return found or self._hook(path, given) or self._cached(hashed, lambda: self._look_up(given, hashed))

    def by_cookie(self, given: str) -> Principal | None:
        """Who has logged in with the browser that sends this cookie."""
        hashed = digest(given)
        return self._cached(hashed, lambda: self._fresh(hashed))

    def holds(self, principal: Principal) -> bool:
        """Whether a principal may still be here: what a stream without end asks now and then."""
        if principal.kind is Kind.LOCAL:
            return self.local() is not None
        if principal.session:
            return self._cached(principal.session, lambda: self._fresh(principal.session)) is not None
        return True

    def doubts(self, principal: Principal) -> bool:
        """Whether `holds` may take long."""
        if principal.kind is Kind.LOCAL:
            return self.slow("")
        return self.store.remote and bool(principal.session) and self._remembered(principal.session) is None

    def _hook(self, path: str, given: str) -> Principal | None:
        secret = self._hooks.get(path, "")
        if secret and hmac.compare_digest(given.encode(), secret.encode()):
            return Principal(f"hook:{path.removeprefix(HOOKS)}", frozenset({Role.INGEST}), Kind.HOOK)
        return None

    def _look_up(self, given: str, hashed: str) -> Found:
        now = self.clock()
        if given.startswith(PREFIX):
            return self._key(hashed, now), now + FRESH
        if given.startswith(FIRST):
            first = self.store.first()
            if first is not None and hmac.compare_digest(hashed, first):
                return Principal("first", frozenset({Role.ADMIN}), Kind.FIRST, frozenset({"access"})), now
            return None, now
        if self._bearers is not None and given.count(".") == 2:
            return self._bearers(given)
        return None, now

    def _key(self, hashed: str, now: Millis) -> Principal | None:
        key = self.store.key(hashed)
        if key is None or not key.alive(now):
            return None
        if key.used_at is None or now - key.used_at >= NOTED:
            self.store.used_key(key.id, now)
        scopes = frozenset(key.scopes) if key.scopes else None
        return Principal(key.name, frozenset({key.role}), Kind.KEY, scopes)

    def _fresh(self, hashed: str) -> Found:
        return self._session(hashed), self.clock() + FRESH

    def _session(self, hashed: str) -> Principal | None:
        session, now = self.store.session(hashed), self.clock()
        if session is None or not people.alive(session, now, self.settings.sessions):
            return None
        if now - session.seen_at >= NOTED:
            self.store.seen_session(hashed, now)
        return Principal(session.person, frozenset(session.roles), Kind.PERSON, None, hashed, session.csrf)

    def _remembered(self, hashed: str) -> Found | None:
        found = self._cache.get(hashed)
        return found if found is not None and self.clock() < found[1] else None

    def _cached(self, hashed: str, look: Callable[[], Found]) -> Principal | None:
        found = self._remembered(hashed)
        if found is None:
            found = look()
            if len(self._cache) >= MOST:
                self._cache.clear()
            self._cache[hashed] = found
        return found[0]


def words(principal: Principal) -> list[str]:
    """The roles of a principal as words."""
    return list(names(principal.roles))
