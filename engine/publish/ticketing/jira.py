"""Jira and Jira Service Management, Cloud (REST v3) and Data Center (REST v2).

Cloud: https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (issues, transitions, comments, links),
https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/ (what a search may miss, ``reconcileIssues``),
https://developer.atlassian.com/cloud/jira/platform/rate-limiting/ (429 with Retry-After).
Data Center: https://docs.atlassian.com/software/jira/docs/api/REST/9.12.0/ ; requests of a service desk:
https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/.

What it takes there: an account that may browse, create, edit, assign, transition, link and comment in the project.
Our key is a label. Jira knows no idempotency, and a search sees a new issue only after seconds or minutes: tickets that
this process made are named with the search on Cloud, so that those are found at once.

- A request of a service desk carries the key in its description, for its form may have no labels.
- A field that is not on the screen is refused (400) with its name; fields declared ``optional`` are then left out.
- Whether a ticket is done is told by its status category; which transition leads there is asked each time.
- Some answer to wrong credentials as if nobody had asked: the header ``X-Seraph-LoginReason`` tells.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from engine.errors import SinkError
from engine.publish.texts import plain
from engine.publish.ticketing import jira_adf, jira_wiki
from engine.publish.ticketing.api import Api, Query, Reply, Unreadable
from engine.publish.ticketing.clean import clean
from engine.publish.ticketing.hooks import hinted
from engine.publish.ticketing.jira_answers import (
    NUMBER,
    is_done,
    listed,
    members,
    moment,
    name_of,
    number,
    person,
    refused_fields,
    whole,
    why,
    worded,
)
from engine.publish.ticketing.jql import phrase, quoted
from engine.publish.ticketing.tracker import Draft, Note, Seen, Wanted
from engine.publish.ticketing.words import safe

TITLE = 255
TEXT = 30_000
"""Characters; Jira refuses a summary beyond 255, and a text beyond 32,767."""

NEWEST = 100
FEW = 5
RECONCILED = 50
LATER = frozenset({"labels", "priority", "assignee"})
"""Fields that a request gets after it was made, where its form does not show them."""

ISSUE = re.compile(r"[A-Z][A-Z0-9_]{0,99}-[0-9]{1,18}")
SHOWN = ["summary", "status", "assignee", "priority", "resolution", "updated", "labels"]
REFUSED = frozenset({"AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"})


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """How a site keeps its tickets. ``project`` and ``issue_type`` are for tickets for which the rules say no queue.
    ``close`` and ``reopen`` name the statuses to go to, where several would do; ``resolution`` is set on the way where
    the transition asks for one. ``optional``: fields that are left out where the project does not take them.
    ``desk`` and ``request``: ids of a service desk and a request type; ``form``: what of priority and labels that
    form shows; ``internal``: comments that customers do not see. ``people``: names of ours for the site's account ids.
    ``wiki``: Data Center renders texts as wiki markup."""

    cloud: bool = True
    project: str = ""
    issue_type: str = "Task"
    close: str = ""
    reopen: str = ""
    resolution: str = ""
    optional: frozenset[str] = frozenset()
    desk: str = ""
    request: str = ""
    form: frozenset[str] = frozenset()
    internal: bool = True
    people: Mapping[str, str] = {}
    wiki: bool = True
    duplicate: str = "Duplicate"
    related: str = "Relates"


class Jira:
    """Implements `Tracker`. ``web``: where people see tickets. Tickets are named by their id, which stays when a ticket
    moves to another project."""

    keyed = False

    def __init__(self, api: Api, web: str, site: Site | None = None) -> None:
        self._api, self._web = api, web.rstrip("/")
        self._site = site or Site()
        self._rest = "/rest/api/3" if self._site.cloud else "/rest/api/2"
        self._shown = [*SHOWN, "description"] if self._site.desk else SHOWN
        self._names = {id: name for name, id in self._site.people.items()}
        self._made: deque[int] = deque(maxlen=RECONCILED)
        self._account = ""

    def create(self, draft: Draft) -> Seen:
        """POST, once more without the optional fields that were refused. An error of Jira may come after the issue was
        made."""
        every = self._every_field(draft)
        shown = self._shown_by_form(draft) if self._site.desk else every.keys()
        made = self._made_of({name: value for name, value in every.items() if name in shown})
        remote = number(made.get("issueId" if self._site.desk else "id"))
        self._made.append(int(remote))
        rest = {name: value for name, value in every.items() if name in LATER - shown}
        if self._site.desk and rest:
            with suppress(SinkError):  # the ticket is there; what it did not take is seen when it is read
                self._write("PUT", self._path(remote), {"fields": rest})
        key = worded(made.get("issueKey" if self._site.desk else "key"))
        return Seen(remote=remote, url=self._url(key), title=every["summary"])

    def find(self, key: str) -> Sequence[Seen]:
        """By label, in a service desk also by the line in the description; oldest first."""
        jql = f"labels = {quoted(safe(key))}"
        jql = f"({jql} OR description ~ {phrase(key)})" if self._site.desk else jql
        body: dict[str, object] = {"jql": f"{jql} ORDER BY created ASC", "maxResults": NEWEST, "fields": self._shown}
        path = f"{self._rest}/search"
        if self._site.cloud:
            path, body = f"{path}/jql", {**body, "reconcileIssues": list(self._made)}
        found = listed(self._ask("POST", path, body=body, reads=True).value, "issues")
        issues = sorted(found, key=lambda issue: int(number(issue.get("id"))))
        return [self._seen(issue) for issue in issues if self._carries(issue, key)]

    def read(self, remote: str) -> Seen | None:
        """GET with its history, whose last entry tells who changed it."""
        query, path = {"fields": ",".join(self._shown)}, self._path(remote)
        try:
            reply = self._ask("GET", path, {**query, "expand": "changelog"}, accept=(404,), reads=True)
        except Unreadable:  # its history is longer than what is read of an answer
            reply = self._ask("GET", path, query, accept=(404,), reads=True)
        return None if reply.status == 404 else self._seen(whole(reply))

    def change(self, seen: Seen, wanted: Wanted) -> None:
        """PUT of fields, and the transition: before the fields where a closed ticket is opened, else after them."""
        fields: dict[str, object] = {}
        if wanted.title is not None:
            fields["summary"] = plain(wanted.title, TITLE)
        if wanted.priority is not None:
            fields["priority"] = {"name": wanted.priority} if wanted.priority else None
        if wanted.assignee is not None:
            fields["assignee"] = self._person(wanted.assignee)
        if wanted.state == "open" and seen.state != "open":
            self._transit(seen.remote, wanted.state)
        if fields:
            self._write("PUT", self._path(seen.remote), {"fields": fields})
        if wanted.state == "closed" and seen.state != "closed":
            self._transit(seen.remote, wanted.state)

    def say(self, seen: Seen, text: str) -> None:
        """A comment; in a service desk one for the team, unless customers are to see it."""
        body: dict[str, object] = {"body": self._written(clean(text, TEXT))}
        if self._site.desk and self._site.internal:
            body["properties"] = [{"key": "sd.public.comment", "value": {"internal": True}}]
        self._write("POST", f"{self._path(seen.remote)}/comment", body)

    def notes(self, remote: str) -> Sequence[Note]:
        """The newest hundred comments, or the newest few where they are very long."""
        try:
            reply = self._comments(remote, NEWEST)
        except Unreadable:  # they are longer than what is read of an answer
            reply = self._comments(remote, FEW)
        account = self._own_account()
        found = sorted(listed(reply.value, "comments"), key=lambda comment: int(number(comment.get("id"))))
        return [self._note(comment, account) for comment in found]

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        """An issue link; the outward side of its type is read from ``seen`` to ``other``. A second changes nothing."""
        name = self._site.duplicate if kind == "duplicate" else self._site.related
        inward, outward = {"id": number(seen.remote)}, {"id": number(other.remote)}
        body = {"type": {"name": name}, "inwardIssue": inward, "outwardIssue": outward}
        self._write("POST", f"{self._rest}/issueLink", body)

    def hint(self, body: bytes) -> str:
        """The issue of a web hook (``jira:issue_updated``, ``comment_created`` …)."""
        return hinted(body, _Hook, lambda said: said.issue.id, NUMBER)

    # ----------------------------------------------------------------------------------------------------- what is sent

    def _every_field(self, draft: Draft) -> dict[str, Any]:
        more = {name: _typed(clean(value, TEXT)) for name, value in draft.fields.items() if name != "labels"}
        labels = [safe(draft.key), *(plain(label, TITLE) for label in draft.fields.get("labels", "").split())]
        text = f"{clean(draft.text, TEXT - 200)}\n\n{draft.key}" if self._site.desk else clean(draft.text, TEXT)
        return {
            "issuetype": {"name": self._site.issue_type},
            **more,
            "project": {"key": draft.queue or self._site.project},
            "summary": plain(draft.title, TITLE),
            "description": self._written(text),
            "labels": labels,
            **({"priority": {"name": draft.priority}} if draft.priority else {}),
            **({"assignee": self._person(draft.assignee)} if draft.assignee else {}),
        }

    def _shown_by_form(self, draft: Draft) -> frozenset[str]:
        return frozenset({"summary", "description"} | self._site.form | (draft.fields.keys() - {"labels"}))

    def _made_of(self, fields: Mapping[str, object]) -> Mapping[str, Any]:
        reply = self._post_new(fields)
        left_out = refused_fields(reply) & self._site.optional
        if left_out:
            reply = self._post_new({name: value for name, value in fields.items() if name not in left_out})
        if reply.status == 400:
            raise SinkError(f"Jira refuses the ticket: {why(reply)}", permanent=True)
        if reply.status == 500:
            raise SinkError("Jira failed (500), perhaps after the ticket was made", ambiguous=True)
        return members(reply.value)

    def _post_new(self, fields: Mapping[str, object]) -> Reply:
        if not self._site.desk:
            return self._ask("POST", f"{self._rest}/issue", body={"fields": fields}, accept=(400, 500))
        body: dict[str, object] = {"serviceDeskId": self._site.desk, "requestTypeId": self._site.request}
        body |= {"requestFieldValues": fields, **({"isAdfRequest": True} if self._site.cloud else {})}
        return self._ask("POST", "/rest/servicedeskapi/request", body=body, accept=(400, 500))

    def _comments(self, remote: str, newest: int) -> Reply:
        query = {"orderBy": "-created", "startAt": "0", "maxResults": str(newest)}
        return self._ask("GET", f"{self._path(remote)}/comment", query, reads=True)

    def _transit(self, remote: str, state: str) -> None:
        """Through the transition to the declared status, else to any of the category."""
        path = f"{self._path(remote)}/transitions"
        reply = self._ask("GET", path, {"expand": "transitions.fields"}, reads=True)
        name = self._site.close if state == "closed" else self._site.reopen
        fitting = [one for one in listed(reply.value, "transitions") if is_done(one.get("to")) == (state == "closed")]
        fitting = [one for one in fitting if not name or name_of(one.get("to")) == name]
        if not fitting:
            what = name or ("a done status" if state == "closed" else "one that is not done")
            raise SinkError(f"no transition leads from ticket {remote} to {plain(what, 80)} now", permanent=True)
        body: dict[str, object] = {"transition": {"id": worded(fitting[0].get("id"))}}
        if state == "closed" and self._site.resolution and "resolution" in (fitting[0].get("fields") or {}):
            body["fields"] = {"resolution": {"name": self._site.resolution}}
        self._write("POST", path, body)

    def _write(self, method: str, path: str, body: object) -> None:
        reply = self._ask(method, path, body=body, accept=(400,))
        if reply.status == 400:
            raise SinkError(f"Jira refuses the change: {why(reply)}", permanent=True)

    def _ask(
        self, method: str, path: str, query: Query = (), body: object = None, *,
        accept: Sequence[int] = (), reads: bool = False,
    ) -> Reply:  # fmt: skip
        try:
            reply = self._api.ask(method, path, query, body, accept=accept)
        except SinkError as error:
            error.ambiguous = error.ambiguous and not reads
            raise
        if reply.headers.get("x-seraph-loginreason", "").upper() in REFUSED:
            raise SinkError("Jira refuses our credentials and answers as to nobody", permanent=True)
        return reply

    def _written(self, text: str) -> object:
        if self._site.cloud:
            return jira_adf.document(text)
        return jira_wiki.escaped(text) if self._site.wiki else text

    def _person(self, name: str) -> dict[str, str | None]:
        id = self._site.people.get(name, name) or None
        return {"accountId" if self._site.cloud else "name": id}

    # ----------------------------------------------------------------------------------------------------- what is read

    def _own_account(self) -> str:
        if not self._account:
            self._account = self._account_of(whole(self._ask("GET", f"{self._rest}/myself", reads=True)))
        return self._account

    def _account_of(self, user: object) -> str:
        return worded(members(user).get("accountId" if self._site.cloud else "name"))

    def _seen(self, issue: Mapping[str, Any]) -> Seen:
        fields = members(issue.get("fields"))
        closed, at, by = is_done(fields.get("status")), worded(fields.get("updated")), ""
        for entry in listed(issue.get("changelog") or {"histories": []}, "histories"):
            if moment(worded(entry.get("created"))) == moment(at):
                by = person(entry.get("author"))
        assignee = self._account_of(fields.get("assignee"))
        return Seen(
            remote=number(issue.get("id")),
            url=self._url(worded(issue.get("key"))),
            state="closed" if closed else "open",
            status=name_of(fields.get("status")),
            title=worded(fields.get("summary")),
            assignee=self._names.get(assignee, assignee),
            priority=name_of(fields.get("priority")),
            resolution=name_of(fields.get("resolution")) if closed else "",
            changed_by=by,
            changed_at=moment(at),
            version=at,
        )

    def _note(self, comment: Mapping[str, Any], account: str) -> Note:
        author = comment.get("author")
        ours = self._account_of(author) == account != ""
        at = moment(worded(comment.get("created")))
        return Note(
            id=number(comment.get("id")),
            author=person(author),
            text=self._said(comment.get("body")),
            at=at,
            ours=ours,
        )

    def _said(self, value: object) -> str:
        if self._site.cloud:
            return jira_adf.text_of(value)
        return jira_wiki.unescaped(worded(value)) if self._site.wiki else worded(value)

    def _carries(self, issue: Mapping[str, Any], key: str) -> bool:
        fields = members(issue.get("fields"))
        return key in (fields.get("labels") or ()) or key in self._said(fields.get("description")).splitlines()

    def _path(self, remote: str) -> str:
        return f"{self._rest}/issue/{number(remote)}"

    def _url(self, key: str) -> str:
        return f"{self._web}/browse/{key}" if ISSUE.fullmatch(key) else ""


class _Issue(msgspec.Struct):
    id: str | int = ""


class _Hook(msgspec.Struct):
    issue: _Issue = msgspec.field(default_factory=_Issue)


def _typed(text: str) -> object:
    """An object or a list where the field's value is written as one, else the text itself."""
    if text[:1] in ("{", "["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text
