"""Request Tracker 5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, secret, strict
from api.sinks.ticketed import Ticketed

if TYPE_CHECKING:
    from engine.publish.ticketing.api import Api
    from engine.publish.ticketing.tracker import Tracker


@dataclass(frozen=True, config=strict, kw_only=True)
class RequestTracker(Ticketed):
    """``url`` is RT's WebURL. ``token_env`` or ``password_env`` names the variable with the credential of ``user``.
    ``key_field``: a custom field that gets our key as well, for scrips and people. ``closed``: the statuses of a ticket
    that is done; ``close`` and ``reopen``: those to set."""

    queue: Annotated[str, Field(min_length=1)]
    token_env: Variable | None = None
    token: Secret = secret()
    password_env: Variable | None = None
    password: Secret = secret()
    key_field: str = ""
    closed: tuple[str, ...] = ("resolved", "rejected")
    close: str = "resolved"
    reopen: str = "open"

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """One credential, and statuses that agree."""
        if bool(self.token_env) == bool(self.password_env):
            yield (), "needs either token_env or password_env"
        if self.close not in self.closed:
            yield ("close",), f"{self.close} is not among closed: a ticket would never be closed"
        if self.reopen in self.closed:
            yield ("reopen",), f"{self.reopen} is among closed: a ticket would never be open again"

    def headers(self) -> Mapping[str, str]:
        """RT::Authen::Token, or HTTP Basic."""
        from engine.publish.ticketing.api import basic

        return {"Authorization": f"token {self.token}"} if self.token_env else basic(self.user, self.password)

    def tracker(self, api: Api) -> Tracker:
        """What speaks its API."""
        from engine.publish.ticketing.rt import RequestTracker as Tracker
        from engine.publish.ticketing.rt import Statuses

        statuses = Statuses(closed=frozenset(self.closed), close=self.close, reopen=self.reopen)
        return Tracker(api, self.url, self.user, field=self.key_field, statuses=statuses)
