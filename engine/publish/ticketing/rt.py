"""Request Tracker 5 by its REST 2.0 API (https://docs.bestpractical.com/rt/5.0.3/RT/REST2.html).

What it takes there: an account (a token, or user and password) with the queue's rights CreateTicket, ShowTicket,
ShowTicketComments, CommentOnTicket, ModifyTicket (and OwnTicket where tickets are assigned to it). Nothing has to be
configured: our key is a link of the ticket (``RefersTo headwater:KEY``, a URI that RT keeps as it is and finds by
TicketSQL, in the transaction that makes the ticket). A custom field, where the queue has one, gets the key as well,
for people and for scrips.

RT answers 200 to what it refuses, with the reason in words of the server's language: only reading the ticket again
tells. Tickets with the status ``deleted`` are not there any more.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.errors import SinkError
from engine.publish.ticketing.api import Api, segment
from engine.publish.ticketing.hooks import hinted
from engine.publish.ticketing.html_text import text_of
from engine.publish.ticketing.kept import Kept
from engine.publish.ticketing.tracker import Draft, Note, Seen, Wanted
from engine.publish.ticketing.words import capped, safe
from engine.signals import Millis

API = "/REST/2.0"
SUBJECT = 200
NEWEST = 100
SCHEME = "headwater"
NUMBER = re.compile(r"[0-9]{1,18}")
SHOWN = "Subject,Status,Owner,Priority,LastUpdated,LastUpdatedBy"
SPOKEN = frozenset({"Comment", "Correspond"})
NOBODY = "Nobody"


class Statuses(msgspec.Struct, frozen=True, kw_only=True):
    """``closed``: statuses of a ticket that is done; ``close`` and ``reopen``: those to set."""

    closed: frozenset[str] = frozenset({"resolved", "rejected"})
    close: str = "resolved"
    reopen: str = "open"


class _Hook(msgspec.Struct):
    ticket: int | str = ""
    id: int | str = ""


class RequestTracker:
    """Implements `Tracker`. ``account``: the name of the user that we are. ``field``: a custom field for the key."""

    keyed = False

    def __init__(self, api: Api, web: str, account: str, *, field: str = "", statuses: Statuses | None = None) -> None:
        self._api, self._web, self._account, self._field = api, web.rstrip("/"), account, field
        self._statuses = statuses or Statuses()
        self._notes: Kept[Note | None] = Kept()

    def create(self, draft: Draft) -> Seen:
        """POST /ticket. Its Requestor is our account: nobody is written to but whom the queue's scrips tell."""
        fields = dict(draft.fields)
        if self._field:
            fields[self._field] = draft.key
        body: dict[str, object] = {
            "Queue": draft.queue,
            "Subject": capped(draft.title, SUBJECT),
            "Content": draft.text,
            "ContentType": "text/plain",
            "RefersTo": _uri(draft.key),
        }
        body |= {"Priority": draft.priority} if draft.priority else {}
        body |= {"Owner": draft.assignee} if draft.assignee else {}
        body |= {"CustomFields": fields} if fields else {}
        made = self._api.ask("POST", f"{API}/ticket", body=body).value
        remote = _number(made.get("id") if isinstance(made, dict) else None)
        return Seen(remote=remote, url=self._url(remote), title=draft.title)

    def find(self, key: str) -> Sequence[Seen]:
        """TicketSQL over our link; RT leaves deleted tickets out by itself."""
        query = {"query": f"RefersTo = '{_uri(key)}'", "fields": SHOWN, "orderby": "id", "per_page": str(NEWEST)}
        return [self._seen(item) for item in _items(self._api.get(f"{API}/tickets", query).value)]

    def read(self, remote: str) -> Seen | None:
        """GET /ticket/N; its ETag is the number of the newest transaction."""
        reply = self._api.get(f"{API}/ticket/{_number(remote)}", accept=(404,))
        if reply.status == 404 or not isinstance(reply.value, dict) or reply.value.get("Status") == "deleted":
            return None
        return self._seen(reply.value, reply.headers.get("etag", ""))

    def change(self, seen: Seen, wanted: Wanted) -> None:
        """PUT /ticket/N, unless it has changed meanwhile (412)."""
        status = {None: None, "open": self._statuses.reopen, "closed": self._statuses.close}[wanted.state]
        title = None if wanted.title is None else capped(wanted.title, SUBJECT)
        owner = NOBODY if wanted.assignee == "" else wanted.assignee
        asked = {"Subject": title, "Priority": wanted.priority, "Owner": owner, "Status": status}
        body = {name: value for name, value in asked.items() if value is not None}
        guard = {"If-Match": seen.version} if seen.version else {}
        self._api.ask("PUT", f"{API}/ticket/{_number(seen.remote)}", body=body, headers=guard)

    def say(self, seen: Seen, text: str) -> None:
        """A comment, not a correspondence: it goes to the queue's staff and does not change the status."""
        body = {"Content": text, "ContentType": "text/plain"}
        self._api.ask("POST", f"{API}/ticket/{_number(seen.remote)}/comment", body=body)

    def notes(self, remote: str) -> Sequence[Note]:
        """Comments and correspondence, of the newest hundred texts. RT also keeps the mails that it sends: they are
        told by their transaction. What was read once is not read again, for it never changes there."""
        query = {"fields": "ContentType,TransactionId", "orderby": "id", "order": "DESC", "per_page": str(NEWEST)}
        found: dict[str, Note] = {}
        for item in _items(self._api.get(f"{API}/ticket/{_number(remote)}/attachments", query).value):
            transaction, kind = _number(item.get("TransactionId")), item.get("ContentType")
            if kind == "text/plain" or (kind == "text/html" and transaction not in found):
                note = self._note(transaction, _number(item.get("id")), html=kind == "text/html")
                found |= {transaction: note} if note else {}
        return [found[id] for id in sorted(found, key=int)]

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        """A link; RT's own merge would take away a ticket that people may have before them."""
        body = {"AddRefersTo": [_number(other.remote)]}
        self._api.ask("PUT", f"{API}/ticket/{_number(seen.remote)}", body=body)

    def hint(self, body: bytes) -> str:
        """A scrip's JSON with the ticket's number as ``ticket`` or ``id``."""
        return hinted(body, _Hook, lambda said: said.ticket or said.id, NUMBER)

    def _seen(self, item: Mapping[str, Any], version: str = "") -> Seen:
        remote, status, owner = _number(item.get("id")), _text(item.get("Status")), _name(item.get("Owner"))
        closed = status in self._statuses.closed
        return Seen(
            remote=remote,
            url=self._url(remote),
            state="closed" if closed else "open",
            status=status,
            title=_text(item.get("Subject")),
            assignee="" if owner == NOBODY else owner,
            priority=_text(item.get("Priority")),
            resolution=status if closed else "",
            changed_by=_name(item.get("LastUpdatedBy")),
            changed_at=_at(item.get("LastUpdated")),
            version=version,
        )

    def _note(self, transaction: str, attachment: str, *, html: bool) -> Note | None:
        """None when nobody said it."""
        return self._notes.get(attachment, lambda: self._read_note(transaction, attachment, html=html))

    def _read_note(self, transaction: str, attachment: str, *, html: bool) -> Note | None:
        said = self._api.get(f"{API}/transaction/{transaction}").value
        if not isinstance(said, dict) or said.get("Type") not in SPOKEN:
            return None
        author = _name(said.get("Creator"))
        content = self._api.get(f"{API}/attachment/{attachment}").value
        text = _decoded(_text(content.get("Content"))) if isinstance(content, dict) else ""
        return Note(
            id=transaction,
            author=author,
            text=text_of(text) if html else text,
            at=_at(said.get("Created")),
            ours=author == self._account,
        )

    def _url(self, remote: str) -> str:
        return f"{self._web}/Ticket/Display.html?id={segment(remote)}"


def _uri(key: str) -> str:
    """The link that carries our key."""
    return f"{SCHEME}:{safe(key)}"


def _number(value: object) -> str:
    number = str(value)
    if not NUMBER.fullmatch(number):
        raise SinkError("Request Tracker gave a ticket that has no number", ambiguous=True)
    return number


def _items(value: Any) -> list[Mapping[str, Any]]:
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise SinkError("Request Tracker answered without a list of items")
    return [item for item in items if isinstance(item, dict)]


def _decoded(content: str) -> str:
    """Base64 of UTF-8, as RT gives the content of one attachment."""
    try:
        return base64.b64decode(content).decode(errors="replace")
    except binascii.Error:
        return ""


def _name(value: object) -> str:
    """Users come as ``{"type": "user", "id": NAME}``."""
    return _text(value.get("id")) if isinstance(value, dict) else _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _at(value: object) -> Millis | None:
    try:
        return round(datetime.fromisoformat(str(value)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
