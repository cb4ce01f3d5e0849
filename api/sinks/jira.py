"""Jira and Jira Service Management, Cloud and Data Center."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, secret, strict
from api.sinks.ticketed import Ticketed

if TYPE_CHECKING:
    from engine.publish.ticketing.api import Api
    from engine.publish.ticketing.tracker import Tracker

Number = Annotated[str, Field(pattern=r"^[0-9]{0,18}$")]


@dataclass(frozen=True, config=strict, kw_only=True)
class Jira(Ticketed):
    """``url`` is the site's address, ``queue`` a project's key. ``token_env`` names the variable with the API token of
    ``user``, an e-mail address (Cloud), or with a personal access token (Data Center); ``password_env`` that with a
    password (Data Center). ``close`` and ``reopen`` name statuses where several would do. ``optional`` fields are
    left out where the project does not take them. ``people``: names -> account ids of the site. ``service_desk`` and
    ``request_type``: ids, for requests instead of issues; ``form``: what of priority and labels the form shows;
    ``internal``: updates are for the team, not for customers. ``markup``: how Data Center shows texts."""

    queue: Annotated[str, Field(min_length=1)]
    hosting: Literal["cloud", "data-center"] = "cloud"
    token_env: Variable | None = None
    token: Secret = secret()
    password_env: Variable | None = None
    password: Secret = secret()
    issue_type: str = "Task"
    close: str = ""
    reopen: str = ""
    resolution: str = ""
    optional: tuple[str, ...] = ()
    people: Mapping[str, str] = field(default_factory=dict)
    service_desk: Number = ""
    request_type: Number = ""
    form: tuple[Literal["priority", "labels"], ...] = ()
    internal: bool = True
    markup: Literal["wiki", "plain"] = "wiki"
    duplicate: str = "Duplicate"
    related: str = "Relates"

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """One credential of the right kind, and a service desk that is whole."""
        if bool(self.token_env) == bool(self.password_env):
            yield (), "needs either token_env or password_env"
        if self.password_env and self.hosting == "cloud":
            yield ("password_env",), "Jira Cloud takes no passwords: name an API token with token_env"
        if bool(self.service_desk) != bool(self.request_type):
            yield ("service_desk",), "needs service_desk and request_type, or neither"
        if {"summary", "description", "project", "issuetype"} & set(self.optional):
            yield ("optional",), "a ticket without its summary, description, project or issue type is none"

    def headers(self) -> Mapping[str, str]:
        """HTTP Basic, or a personal access token as bearer."""
        from engine.publish.ticketing.api import basic

        if self.hosting == "data-center" and self.token_env:
            return {"Authorization": f"Bearer {self.token}"}
        return basic(self.user, self.token or self.password)

    def tracker(self, api: Api) -> Tracker:
        """What speaks its API."""
        from engine.publish.ticketing.jira import Jira as Tracker
        from engine.publish.ticketing.jira import Site

        site = Site(
            cloud=self.hosting == "cloud",
            project=self.queue,
            issue_type=self.issue_type,
            close=self.close,
            reopen=self.reopen,
            resolution=self.resolution,
            optional=frozenset(self.optional),
            desk=self.service_desk,
            request=self.request_type,
            form=frozenset(self.form),
            internal=self.internal,
            people=self.people,
            wiki=self.markup == "wiki",
            duplicate=self.duplicate,
            related=self.related,
        )
        return Tracker(api, self.url, site)
