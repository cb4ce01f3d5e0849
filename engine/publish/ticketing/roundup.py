"""Roundup by its REST API (https://www.roundup-tracker.org/docs/rest.html), version 2.

What it takes there: an account with the permissions of a user and the "Rest Access" permission, with which web
requests need a header of their own (``X-Requested-With``) and our tracker's address as their origin. Nothing has to be
configured: our key is the Message-ID of the message that opens the issue, which Roundup keeps and finds exactly.

An issue is made over a link that works once (``@poe``, post once exactly). Every change names the ETag of what was
read; an issue that somebody else has changed meanwhile is answered 412. Roundup's own auditor moves issues on when
somebody speaks: a comment therefore names the status that the issue has, so that it stays. Retired issues are still
answered by their number, but no search finds them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.errors import SinkError
from engine.publish.texts import plain
from engine.publish.ticketing.api import Api
from engine.publish.ticketing.hooks import hinted
from engine.publish.ticketing.kept import Kept
from engine.publish.ticketing.tracker import Draft, Note, Seen, Wanted
from engine.publish.ticketing.words import safe
from engine.signals import Millis

DATA = "/rest/data"
NUMBER = re.compile(r"[0-9]{1,18}")
ONCE = re.compile(r"[A-Za-z0-9_-]{10,200}")
SHOWN = "title,status,priority,assignedto,activity,actor,messages,superseder"
OURS = "@headwater>"


class Statuses(msgspec.Struct, frozen=True, kw_only=True):
    """``closed``: statuses of an issue that is done; ``close``, ``reopen`` and ``new``: those to set."""

    closed: frozenset[str] = frozenset({"resolved", "done-cbb"})
    close: str = "resolved"
    reopen: str = "chatting"
    new: str = "unread"


class _Hook(msgspec.Struct):
    issue: int | str = ""
    id: int | str = ""


def headers(tracker: str) -> dict[str, str]:
    """What Roundup asks of a client that is no browser, against requests forged by a web page."""
    parts = urlsplit(tracker)
    return {"X-Requested-With": "headwater", "Origin": f"{parts.scheme}://{parts.netloc}"}


class Roundup:
    """Implements `Tracker`. ``account``: the name of the user that we are."""

    keyed = False

    def __init__(self, api: Api, web: str, account: str, *, statuses: Statuses | None = None) -> None:
        self._api, self._web, self._account = api, web.rstrip("/"), account
        self._statuses = statuses or Statuses()
        self._notes: Kept[Note | None] = Kept()

    def create(self, draft: Draft) -> Seen:
        """The message with the text, then the issue with the message."""
        found = self._messages(draft.key)
        message = found[0] if found else self._message(draft.text, draft.key)
        body: dict[str, object] = {**draft.fields, "title": draft.title, "messages": [message]}
        body |= {"status": self._statuses.new} if self._statuses.new else {}
        body |= {"priority": draft.priority} if draft.priority else {}
        body |= {"keyword": [draft.queue]} if draft.queue else {}
        body |= {"assignedto": draft.assignee} if draft.assignee else {}
        remote = _number(_data(self._api.ask("POST", self._once(), body=body).value).get("id"))
        return Seen(remote=remote, url=self._url(remote), title=draft.title)

    def find(self, key: str) -> Sequence[Seen]:
        """The issues that hold a message with our key."""
        messages = self._messages(key)
        if not messages:
            return []
        query = {"messages": ",".join(messages), "@fields": SHOWN, "@verbose": "2", "@sort": "id"}
        found = [self._seen(item) for item in self._search("issue", query)]
        return sorted(found, key=lambda seen: int(seen.remote))

    def read(self, remote: str) -> Seen | None:
        """The issue with its ETag, unless it is retired."""
        if not self._search("issue", {"id": _number(remote)}):
            return None
        item = self._item(remote)
        return None if item is None else self._seen(item)

    def change(self, seen: Seen, wanted: Wanted) -> None:
        """PATCH what differs, unless it has changed meanwhile (412)."""
        status = {None: None, "open": self._statuses.reopen, "closed": self._statuses.close}[wanted.state]
        asked = {"title": wanted.title, "priority": wanted.priority, "assignedto": wanted.assignee, "status": status}
        self._patch(seen.remote, seen.version, {name: value for name, value in asked.items() if value is not None})

    def say(self, seen: Seen, text: str) -> None:
        """A message of ours, the status as it is."""
        item = self._item(seen.remote)
        if item is None:
            raise SinkError(f"issue {seen.remote} disappeared")
        messages = [*_ids(item.get("messages")), self._message(text)]
        self._patch(seen.remote, _text(item.get("@etag")), {"messages": messages, "status": _name(item.get("status"))})

    def notes(self, remote: str) -> Sequence[Note]:
        """All messages, without the one that opens the issue. What was read once is not read again."""
        item = self._item(remote) or {}
        found = [self._notes.get(id, partial(self._note, id)) for id in _ids(item.get("messages"))]
        return sorted((note for note in found if note), key=lambda note: int(note.id))

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        """A duplicate is superseded by the other; Roundup has no other kind of link: the text names the ticket."""
        if kind != "duplicate":
            return
        item = self._item(seen.remote)
        before = _ids(item.get("superseder")) if item else []
        if item and other.remote not in before:
            self._patch(seen.remote, _text(item.get("@etag")), {"superseder": [*before, _number(other.remote)]})

    def hint(self, body: bytes) -> str:
        """A detector's JSON with the issue's number as ``issue`` or ``id``."""
        return hinted(body, _Hook, lambda said: said.issue or said.id, NUMBER)

    def _message(self, text: str, key: str = "") -> str:
        body = {"content": text, "author": self._account, "date": "."} | (
            {"messageid": _message_id(key)} if key else {}
        )
        return _number(_data(self._api.ask("POST", f"{DATA}/msg", body=body).value).get("id"))

    def _messages(self, key: str) -> list[str]:
        return [_number(item.get("id")) for item in self._search("msg", {"messageid:": _message_id(key)})]

    def _once(self) -> str:
        """A path that makes one issue, once. Roundup gives a whole address; only its last part is taken."""
        link = _text(_data(self._api.ask("POST", f"{DATA}/issue/@poe").value).get("link"))
        token = link.rpartition("/")[2]
        if not ONCE.fullmatch(token):
            raise SinkError("Roundup gave no link to post once exactly")
        return f"{DATA}/issue/@poe/{token}"

    def _patch(self, remote: str, version: str, body: Mapping[str, object]) -> None:
        self._api.ask(
            "PATCH", f"{DATA}/issue/{_number(remote)}", body={"@op": "replace", **body}, headers={"If-Match": version}
        )

    def _item(self, remote: str) -> Mapping[str, Any] | None:
        query = {"@fields": SHOWN, "@verbose": "2"}
        reply = self._api.get(f"{DATA}/issue/{_number(remote)}", query, accept=(404,))
        if reply.status == 404:
            return None
        data = _data(reply.value)
        attributes = data.get("attributes")
        return {**(attributes if isinstance(attributes, dict) else {}), **{k: data.get(k) for k in ("id", "@etag")}}

    def _search(self, kind: str, query: Mapping[str, str] | Sequence[tuple[str, str]]) -> list[Mapping[str, Any]]:
        items = _data(self._api.get(f"{DATA}/{kind}", query).value).get("collection")
        if not isinstance(items, list):
            raise SinkError("Roundup answered without a collection")
        return [item for item in items if isinstance(item, dict)]

    def _seen(self, item: Mapping[str, Any]) -> Seen:
        remote, status = _number(item.get("id")), _name(item.get("status"))
        closed = status in self._statuses.closed
        return Seen(
            remote=remote,
            url=self._url(remote),
            state="closed" if closed else "open",
            status=status,
            title=_text(item.get("title")),
            assignee=_name(item.get("assignedto")),
            priority=_name(item.get("priority")),
            resolution=status if closed else "",
            changed_by=_name(item.get("actor")),
            changed_at=_at(item.get("activity")),
            version=_text(item.get("@etag")),
        )

    def _note(self, id: str) -> Note | None:
        query = {"@fields": "content,author,date,messageid", "@verbose": "3"}
        item = _data(self._api.get(f"{DATA}/msg/{id}", query).value).get("attributes")
        if not isinstance(item, dict) or _text(item.get("messageid")).endswith(OURS):
            return None
        author = _name(item.get("author"))
        text, at = _text(item.get("content")), _at(item.get("date"))
        return Note(id=id, author=author, text=text, at=at, ours=author == self._account)

    def _url(self, remote: str) -> str:
        return f"{self._web}/issue{remote}"


def _message_id(key: str) -> str:
    return f"<{safe(key)}{OURS}"


def _data(value: Any) -> Mapping[str, Any]:
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict):
        raise SinkError("Roundup answered without data")
    return data


def _number(value: object) -> str:
    number = str(value)
    if not NUMBER.fullmatch(number):
        raise SinkError(f"Roundup gave an item that has no number: {plain(number, 40)}", ambiguous=True)
    return number


def _ids(value: object) -> list[str]:
    """The numbers of a list of items."""
    return (
        [_number(one.get("id") if isinstance(one, dict) else one) for one in value] if isinstance(value, list) else []
    )


def _name(value: object) -> str:
    """Linked items come with their own name: ``{"id": "1", "name": ...}``, users with their ``username``."""
    if isinstance(value, dict):
        return _text(value.get("username") or value.get("name") or value.get("id"))
    return _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _at(value: object) -> Millis | None:
    """``2026-11-22.23:29:48``, in UTC."""
    try:
        return round(datetime.strptime(str(value), "%Y-%m-%d.%H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
