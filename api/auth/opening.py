"""Access put together from the settings: the store beside the engine's data, the door, the trail, the provider."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from api.auth import keys
from api.auth.bearer import Bearer
from api.auth.door import Door
from api.auth.entries import Entries
from api.auth.guard import Guard, secure
from api.auth.provider import Provider
from api.auth.rates import Buckets
from api.auth.signed import Signatures
from api.auth.sqlite import SqliteAccess
from api.auth.store import Store
from api.auth.trail import Trail
from api.settings import Settings
from engine.ports import Clock
from engine.signals import Millis

DAY: Millis = 86_400_000


@dataclass(frozen=True)
class Opened:
    """What guard, pages and routes share. ``secure``: cookies go over TLS only."""

    store: Store
    door: Door
    trail: Trail
    signatures: Signatures
    logins: Buckets
    provider: Provider | None
    settings: Settings
    clock: Clock

    @property
    def secure(self) -> bool:
        """Whether cookies go over TLS only."""
        return secure(self.settings.server, self.settings.access.sessions.secure)

    def first_token(self) -> str | None:
        """A new one-time token, as long as nobody can come in otherwise."""
        known = self.settings.tokens or self.settings.access.oidc
        return None if known else keys.first(self.store)

    def guard(self, app: ASGIApp) -> Guard:
        """The application behind the guard."""
        server = self.settings.server
        return Guard(app, server, self.door, self.trail, Entries(prefix=server.prefix), self.signatures)


def stored(folder: Path) -> AbstractContextManager[SqliteAccess]:
    """The store beside the data in ``folder``; made when it is not there."""
    return closing(SqliteAccess(folder))


def opened(settings: Settings, clock: Clock, stack: ExitStack) -> Opened:
    """Everything, closed with the stack. Raises `engine.errors.StoreUnavailable`."""
    store = stack.enter_context(stored(settings.data))
    access = settings.access
    store.erase_records(before=clock() - round(access.retention * DAY))
    hooks = {sink.name: sink.hook() for _, _, sink in settings.sinks.declared()}
    provider = None
    if access.oidc is not None:
        provider = stack.enter_context(closing(Provider(access.oidc, clock)))
    door = Door(
        store, clock, access, settings.tokens, hooks, loopback=settings.server.loopback,
        bearers=None if provider is None else Bearer(provider, clock),
    )  # fmt: skip
    signatures = Signatures(store, clock, access.webhooks, hooks, settings.limits.body)
    logins = Buckets(access.rates.logins / 60, access.rates.logins)
    return Opened(store, door, Trail(store, clock), signatures, logins, provider, settings, clock)
