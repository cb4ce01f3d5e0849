"""Access put together from the settings: the store beside the engine's data, the door, the trail, the provider."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from api.access_settings import Oidc
from api.auth import keys
from api.auth.door import Bearers, Door
from api.auth.entries import Entries
from api.auth.errors import Untrusted
from api.auth.guard import Guard, secure
from api.auth.principal import Principal
from api.auth.rates import Buckets
from api.auth.signed import Signatures
from api.auth.store import Store
from api.auth.trail import Trail
from api.kept import Kept
from api.settings import Settings
from engine.ports import Clock
from engine.signals import Millis

if TYPE_CHECKING:
    from api.auth.provider import Provider

DAY: Millis = 86_400_000


@dataclass(frozen=True)
class Opened:
    """What guard, pages and routes share. ``person`` is who an ID token of the provider speaks of, by token, nonce
    and time; it raises `api.auth.errors.Untrusted` and `ProviderFailed`."""

    store: Store
    door: Door
    trail: Trail
    signatures: Signatures
    logins: Buckets
    provider: Provider | None
    person: Callable[[str, str, Millis], Principal]
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


def stored(kept: Kept) -> AbstractContextManager[Store]:
    """The store where the data is: in its database of PostgreSQL, or in a file of its own beside it, which is made when
    it is not there."""
    if kept.address:
        from api.auth.postgres import PostgresAccess  # noqa: PLC0415 - a store that is not chosen is not imported

        return closing(PostgresAccess(kept.address, kept.password))
    from api.auth.sqlite import SqliteAccess  # noqa: PLC0415

    return closing(SqliteAccess(kept.folder))


def opened(settings: Settings, clock: Clock, stack: ExitStack) -> Opened:
    """Everything, closed with the stack. Raises `engine.errors.StoreUnavailable`."""
    store = stack.enter_context(stored(settings.kept))
    access = settings.access
    store.erase_records(before=clock() - round(access.retention * DAY))
    hooks = {sink.name: sink.hook() for _, _, sink in settings.sinks.declared()}
    provider, bearers, person = _provider(access.oidc, clock, stack)
    door = Door(
        store, clock, access, settings.tokens, hooks, loopback=settings.server.loopback,
        bearers=bearers,
    )  # fmt: skip
    signatures = Signatures(store, clock, access.webhooks, hooks, settings.limits.body)
    logins = Buckets(access.rates.logins / 60, access.rates.logins)
    return Opened(store, door, Trail(store, clock), signatures, logins, provider, person, settings, clock)


def _provider(
    oidc: Oidc | None, clock: Clock, stack: ExitStack
) -> tuple[Provider | None, Bearers | None, Callable[[str, str, Millis], Principal]]:
    """What reads its tokens takes half a second to load: only where there is a provider."""
    if oidc is None:
        return None, None, _nobody
    from api.auth.bearer import Bearer, logged_in  # noqa: PLC0415
    from api.auth.provider import Provider  # noqa: PLC0415

    provider = stack.enter_context(closing(Provider(oidc, clock)))
    return provider, Bearer(provider, clock), partial(logged_in, provider)


def _nobody(token: str, nonce: str, now: Millis) -> Principal:
    raise Untrusted("there is no provider")
