"""ServiceNow by its Table API, and tickets made through its Import Set API where that deduplicates them.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html (requests, ``sysparm_display_value``),
https://www.servicenow.com/docs/r/yokohama/api-reference/rest-apis/c_ImportSetAPI.html (staging tables),
https://support.servicenow.com/kb?id=kb_article_view&sysparm_article=KB1479016 (statuses).

What it takes there: an account with the roles ``itil`` and, to read comments, a read rule for ``sys_journal_field``.
Our key is the ticket's ``correlation_id``. The Table API knows no idempotency: two requests are two tickets. With a
``staging`` table whose transform map coalesces on the correlation id they are one, and the tracker is ``keyed``.

- Priority is computed by the instance from impact and urgency: those are set, and the priority is read again.
- An unknown condition is ignored by default, and the query then finds everything: each finding is compared again.
- Rules of the instance may put back what was changed, behind a success.
- Comments between ``[code]`` and ``[/code]`` are shown as HTML (Journal field type): the brackets are taken apart.
- Reference fields want a ``sys_id``: user and group names are looked up, and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.errors import SinkError
from engine.publish.texts import plain
from engine.publish.ticketing.api import Api, Reply, Unreadable
from engine.publish.ticketing.clean import clean
from engine.publish.ticketing.hooks import hinted
from engine.publish.ticketing.servicenow_query import condition
from engine.publish.ticketing.tracker import Draft, Note, Seen, Wanted
from engine.publish.ticketing.words import safe
from engine.signals import Millis

TITLE = 160
TEXT = 4000
"""Characters that ``short_description``, ``description`` and journal fields hold as delivered."""

NEWEST = 100
FEW = 10
SYS_ID = re.compile(r"[0-9a-f]{32}")
MARKUP = re.compile(r"\[(/?)code\]", re.IGNORECASE)
SHOWN = (
    "sys_id,number,short_description,state,priority,assigned_to,assigned_to.user_name,close_code,correlation_id,"
    "sys_updated_by,sys_updated_on,sys_mod_count"
)
ALL = {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true", "sysparm_fields": SHOWN}
DONE = frozenset({"inserted", "updated", "ignored"})

Grade = tuple[str, str]

GRADES: Mapping[str, Grade] = {"1": ("1", "1"), "2": ("1", "2"), "3": ("2", "2"), "4": ("2", "3"), "5": ("3", "3")}
"""Priority -> impact and urgency that give it, by the priority lookup rules as delivered
(https://www.servicenow.com/docs/r/it-service-management/incident-management/def-prio-lookup-rules.html)."""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """How an instance keeps its tickets. States are the numbers of the state field: ``closed`` those of a ticket that
    is done, ``close`` and ``reopen`` those to set. ``public``: comments that customers see instead of work notes.
    ``staging``: the import set table for new tickets, whose columns are our fields behind ``prefix``.
    ``parent``: the field of a duplicate that leads to the ticket that goes on."""

    table: str = "incident"
    closed: frozenset[str] = frozenset({"6", "7", "8"})
    close: str = "6"
    reopen: str = "2"
    close_code: str = "Solution provided"
    close_notes: str = "The incident in Headwater has ended."
    public: bool = False
    staging: str = ""
    prefix: str = "u_"
    parent: str = "parent_incident"
    grades: Mapping[str, Grade] = msgspec.field(default_factory=lambda: GRADES)


class ServiceNow:
    """Implements `Tracker`. ``account``: the user name that we are; ``web``: where people see tickets."""

    def __init__(self, api: Api, web: str, account: str, desk: Desk | None = None) -> None:
        self._api, self._web, self._account = api, web.rstrip("/"), account
        self._desk = desk or Desk()
        self.keyed = bool(self._desk.staging)
        self._looked_up: dict[tuple[str, str], str] = {}

    def create(self, draft: Draft) -> Seen:
        """POST to the table, or to the staging table. An error of the instance may come after the ticket was made."""
        fields: dict[str, str] = {
            **{name: clean(value, TEXT) for name, value in draft.fields.items()},
            "short_description": plain(draft.title, TITLE),
            "description": _text(draft.text),
            "correlation_id": safe(draft.key),
            "correlation_display": "Headwater",
            **(self._grade(draft.priority) if draft.priority else {}),
        }
        if draft.queue:
            fields["assignment_group"] = self._sys_id("sys_user_group", "name", draft.queue)
        if draft.assignee:
            fields["assigned_to"] = self._sys_id("sys_user", "user_name", draft.assignee)
        if self._desk.staging:
            return self._import(fields)
        reply = self._api.ask("POST", f"/api/now/table/{self._desk.table}", ALL, fields, accept=(500,))
        return self._seen(_record(_unless_failed(reply)))

    def find(self, key: str) -> Sequence[Seen]:
        """By the correlation id, oldest first."""
        query = {
            "sysparm_query": f"{condition('correlation_id', safe(key))}^ORDERBYsys_created_on",
            "sysparm_limit": "50",
        }
        found = _records(self._api.get(f"/api/now/table/{self._desk.table}", {**query, **ALL}))
        return [self._seen(record) for record in found if _value(record, "correlation_id") == key]

    def read(self, remote: str) -> Seen | None:
        """GET by sys_id; what a rule hides from our account is not there either."""
        if not SYS_ID.fullmatch(remote):
            return None
        reply = self._api.get(self._path(remote), ALL, accept=(404,))
        return None if reply.status == 404 else self._seen(_record(reply))

    def change(self, seen: Seen, wanted: Wanted) -> None:
        """PATCH. There is no guard against lost updates in this API."""
        fields: dict[str, str] = {}
        if wanted.title is not None:
            fields["short_description"] = plain(wanted.title, TITLE)
        if wanted.priority is not None:
            fields |= self._grade(wanted.priority)
        if wanted.assignee is not None:
            name = wanted.assignee
            fields["assigned_to"] = self._sys_id("sys_user", "user_name", name) if name else ""
        if wanted.state == "open":
            fields["state"] = self._desk.reopen
        if wanted.state == "closed":
            fields |= {"state": self._desk.close, "close_code": self._desk.close_code}
            fields["close_notes"] = self._desk.close_notes
        self._patch(seen, fields)

    def say(self, seen: Seen, text: str) -> None:
        """A work note, or a comment where those are declared."""
        self._patch(seen, {"comments" if self._desk.public else "work_notes": _text(text)})

    def notes(self, remote: str) -> Sequence[Note]:
        """The newest hundred journal entries of both kinds, or the newest few where they are very long."""
        try:
            found = self._journal(remote, NEWEST)
        except Unreadable:  # they are longer than what is read of an answer
            found = self._journal(remote, FEW)
        mine = [entry for entry in found if _value(entry, "element_id") == remote]
        return [self._note(entry) for entry in reversed(mine)]

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        """A duplicate becomes a child of the other; what is only related is named in a work note."""
        if kind == "duplicate":
            self._patch(seen, {self._desk.parent: _checked(other.remote)})
        else:
            self._patch(seen, {"work_notes": _text(f"Related: {other.url or other.remote}")})

    def hint(self, body: bytes) -> str:
        """The ``sys_id`` that a business rule or a flow sends, by itself or in a ``record``."""
        return hinted(body, _Hook, lambda said: said.sys_id or said.record.sys_id, SYS_ID)

    def _journal(self, remote: str, newest: int) -> list[Mapping[str, Any]]:
        query = f"{condition('element_id', _checked(remote))}^elementINwork_notes,comments^ORDERBYDESCsys_created_on"
        fields = "sys_id,element_id,element,value,sys_created_by,sys_created_on"
        asked = {"sysparm_query": query, "sysparm_fields": fields, "sysparm_limit": str(newest)}
        return _records(self._api.get("/api/now/table/sys_journal_field", asked))

    def _import(self, fields: Mapping[str, str]) -> Seen:
        """One row of the staging table, transformed at once."""
        row = {self._desk.prefix + name: value for name, value in fields.items()}
        reply = self._api.ask("POST", f"/api/now/import/{self._desk.staging}", body=row, accept=(500,))
        results = _records(_unless_failed(reply))
        ours = next((result for result in results if result.get("table") == self._desk.table), None)
        if ours is None or ours.get("status") not in DONE:
            said = plain(str((ours or {}).get("error_message", "")), 200)
            raise SinkError(f"ServiceNow did not transform the import into a ticket: {said}", permanent=True)
        remote = str(ours.get("record_link", "")).partition("?")[0].rpartition("/")[2]
        return Seen(remote=_checked(remote), url=self._url(remote), title=fields["short_description"])

    def _patch(self, seen: Seen, fields: Mapping[str, str]) -> None:
        self._api.ask("PATCH", self._path(seen.remote), {"sysparm_fields": "sys_id"}, fields)

    def _grade(self, priority: str) -> dict[str, str]:
        if priority not in self._desk.grades:
            known = ", ".join(sorted(self._desk.grades))
            said = f"no impact and urgency are declared for priority {plain(priority, 40)}: only for {known}"
            raise SinkError(said, permanent=True)
        impact, urgency = self._desk.grades[priority]
        return {"impact": impact, "urgency": urgency}

    def _sys_id(self, table: str, field: str, name: str) -> str:
        """Of a user or group by its name; a sys_id is taken as it is."""
        if SYS_ID.fullmatch(name):
            return name
        if (table, name) not in self._looked_up:
            query = {"sysparm_query": condition(field, name), "sysparm_fields": f"sys_id,{field}", "sysparm_limit": "2"}
            found = _records(self._api.get(f"/api/now/table/{table}", query))
            ids = [_value(one, "sys_id") for one in found if _value(one, field) == name]
            if len(ids) != 1:
                many = "more than one" if ids else "no"
                raise SinkError(
                    f"ServiceNow shows us {many} {table} with the {field} {plain(name, 80)}", permanent=True
                )
            self._looked_up[table, name] = _checked(ids[0])
        return self._looked_up[table, name]

    def _seen(self, record: Mapping[str, Any]) -> Seen:
        state, remote = _value(record, "state"), _checked(_value(record, "sys_id"))
        closed = state in self._desk.closed
        return Seen(
            remote=remote,
            url=self._url(remote),
            state="closed" if closed else "open",
            status=_display(record, "state") or state,
            title=_value(record, "short_description"),
            assignee=_value(record, "assigned_to.user_name") or _value(record, "assigned_to"),
            priority=_value(record, "priority"),
            resolution=_value(record, "close_code") if closed else "",
            changed_by=_value(record, "sys_updated_by"),
            changed_at=_at(_value(record, "sys_updated_on")),
            version=_value(record, "sys_mod_count"),
        )

    def _note(self, entry: Mapping[str, Any]) -> Note:
        author, at = _value(entry, "sys_created_by"), _at(_value(entry, "sys_created_on"))
        ours = author == self._account
        return Note(id=_value(entry, "sys_id"), author=author, text=_value(entry, "value"), at=at, ours=ours)

    def _path(self, remote: str) -> str:
        return f"/api/now/table/{self._desk.table}/{_checked(remote)}"

    def _url(self, remote: str) -> str:
        return f"{self._web}/{self._desk.table}.do?sys_id={remote}"


class _Record(msgspec.Struct):
    sys_id: str = ""


class _Hook(msgspec.Struct):
    sys_id: str = ""
    record: _Record = msgspec.field(default_factory=_Record)


def _text(text: str) -> str:
    """Visible lines in which nothing is markup."""
    return MARKUP.sub(r"[\1 code]", clean(text, TEXT - 50))[:TEXT]


def _unless_failed(reply: Reply) -> Reply:
    """A rule of the instance may fail after the ticket was made."""
    if reply.status == 500:
        raise SinkError("ServiceNow failed (500), perhaps after the ticket was made", ambiguous=True)
    return reply


def _records(reply: Reply) -> list[Mapping[str, Any]]:
    found = reply.value.get("result") if isinstance(reply.value, dict) else None
    if not isinstance(found, list):
        raise SinkError("ServiceNow answered without a list of results", ambiguous=reply.status == 201)
    return [record for record in found if isinstance(record, dict)]


def _record(reply: Reply) -> Mapping[str, Any]:
    found = reply.value.get("result") if isinstance(reply.value, dict) else None
    if not isinstance(found, dict):
        raise SinkError("ServiceNow answered without a record", ambiguous=reply.status == 201)
    return found


def _checked(remote: str) -> str:
    """Only a sys_id may become part of a path or a query."""
    if not SYS_ID.fullmatch(remote):
        raise SinkError("that is no sys_id of ServiceNow", permanent=True)
    return remote


def _value(record: Mapping[str, Any], field: str) -> str:
    """The value as it is stored, whether display values came with it or not."""
    found = record.get(field)
    return _plain(found.get("value") if isinstance(found, dict) else found)


def _display(record: Mapping[str, Any], field: str) -> str:
    found = record.get(field)
    return _plain(found.get("display_value")) if isinstance(found, dict) else ""


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _at(text: str) -> Millis | None:
    """Stored times are UTC without saying so."""
    try:
        return round(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
