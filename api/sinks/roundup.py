"""Roundup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, secret, strict
from api.sinks.ticketed import Ticketed

if TYPE_CHECKING:
    from engine.publish.ticketing.api import Api
    from engine.publish.ticketing.tracker import Tracker


@dataclass(frozen=True, config=strict, kw_only=True)
class Roundup(Ticketed):
    """``url`` is the tracker's address. ``queue``: a keyword of new issues. ``closed``: the statuses of an issue that
    is done; ``close``, ``reopen`` and ``new``: those to set."""

    password_env: Variable
    password: Secret = secret()
    closed: tuple[str, ...] = ("resolved", "done-cbb")
    close: str = "resolved"
    reopen: str = "chatting"
    new: str = "unread"

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Statuses that agree."""
        if self.close not in self.closed:
            yield ("close",), f"{self.close} is not among closed: an issue would never be closed"
        for name in ("reopen", "new"):
            if getattr(self, name) in self.closed:
                yield (name,), f"{getattr(self, name)} is among closed: an issue would not be open"

    def headers(self) -> Mapping[str, str]:
        """HTTP Basic, and what keeps web pages out."""
        from engine.publish.ticketing import roundup
        from engine.publish.ticketing.api import basic

        return basic(self.user, self.password) | roundup.headers(self.url)

    def tracker(self, api: Api) -> Tracker:
        """What speaks its API."""
        from engine.publish.ticketing.roundup import Roundup as Tracker
        from engine.publish.ticketing.roundup import Statuses

        statuses = Statuses(closed=frozenset(self.closed), close=self.close, reopen=self.reopen, new=self.new)
        return Tracker(api, self.url, self.user, statuses=statuses)
