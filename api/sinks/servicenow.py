"""ServiceNow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, secret, strict
from api.sinks.ticketed import Ticketed

if TYPE_CHECKING:
    from engine.publish.ticketing.api import Api
    from engine.publish.ticketing.tracker import Tracker

Table = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
Staging = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,79})?$")]


@dataclass(frozen=True, config=strict, kw_only=True)
class ServiceNow(Ticketed):
    """``url`` is the instance's address; ``password_env`` or ``token_env`` names the variable with the credential of
    ``user``. ``queue`` is an assignment group's name, ``assignee`` a user name; ``priorities`` say 1 to 5, and
    ``grades`` which (impact, urgency) make such a priority where the instance's lookup rules were changed.
    States are numbers: ``closed`` those of a ticket that is done, ``close`` and ``reopen`` those to set.
    ``staging``: an import set table that coalesces on the correlation id; its columns are our fields behind
    ``prefix``. ``public``: updates become comments that customers see, not work notes."""

    password_env: Variable | None = None
    password: Secret = secret()
    token_env: Variable | None = None
    token: Secret = secret()
    table: Table = "incident"
    closed: tuple[str, ...] = ("6", "7", "8")
    close: str = "6"
    reopen: str = "2"
    close_code: str = "Solution provided"
    close_notes: str = "The incident in Headwater has ended."
    public: bool = False
    staging: Staging = ""
    prefix: str = "u_"
    parent: str = "parent_incident"
    grades: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """One credential, states that agree, and priorities that the instance can make."""
        from engine.publish.ticketing.servicenow import GRADES

        if bool(self.token_env) == bool(self.password_env):
            yield (), "needs either token_env or password_env"
        if self.close not in self.closed:
            yield ("close",), f"{self.close} is not among closed: a ticket would never be closed"
        if self.reopen in self.closed:
            yield ("reopen",), f"{self.reopen} is among closed: a ticket would never be open again"
        for severity, priority in self.priorities.items():
            if priority not in {**GRADES, **self.grades}:
                yield ("priorities", severity), f"{priority} is made of no impact and urgency: declare it under grades"

    def headers(self) -> Mapping[str, str]:
        """OAuth's bearer token, or HTTP Basic."""
        from engine.publish.ticketing.api import basic

        return {"Authorization": f"Bearer {self.token}"} if self.token_env else basic(self.user, self.password)

    def tracker(self, api: Api) -> Tracker:
        """What speaks its API."""
        from engine.publish.ticketing.servicenow import GRADES, Desk
        from engine.publish.ticketing.servicenow import ServiceNow as Tracker

        desk = Desk(
            table=self.table,
            closed=frozenset(self.closed),
            close=self.close,
            reopen=self.reopen,
            close_code=self.close_code,
            close_notes=self.close_notes,
            public=self.public,
            staging=self.staging,
            prefix=self.prefix,
            parent=self.parent,
            grades={**GRADES, **self.grades},
        )
        return Tracker(api, self.url, self.user, desk)
