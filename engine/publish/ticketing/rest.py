"""Any ticketing system with a REST API in JSON, by a declared mapping: calls, where an answer holds what, statuses.

What the mapping leaves out, the tracker does without: a field without a call is not changed (and told as not taken), a
system without ``notes`` gives none (a comment whose fate is unclear may then be written twice), one without ``join``
links nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from engine.errors import SinkError
from engine.publish.texts import plain
from engine.publish.ticketing.api import Api
from engine.publish.ticketing.hooks import hinted
from engine.publish.ticketing.template import FIELD, POINTER, Call, at, filled, problems
from engine.publish.ticketing.tracker import Draft, Note, Seen, Wanted
from engine.publish.ticketing.words import safe

DRAFT = frozenset({"key", "title", "text", "queue", "priority", "assignee"})
TICKET = frozenset({"id"})
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
CHANGES = ("close", "reopen", "title", "priority", "assignee")
JOINS = ("duplicate", "related")


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """JSON pointers into a ticket as it is read; empty: not there. ``id`` and ``status`` must be there."""

    id: str = "/id"
    status: str = "/status"
    title: str = ""
    assignee: str = ""
    priority: str = ""
    resolution: str = ""
    changed_by: str = ""
    version: str = ""


class NotePlaces(msgspec.Struct, frozen=True, kw_only=True):
    """``items``: pointer to the list of comments; the others into each of them."""

    items: str = ""
    id: str = "/id"
    author: str = "/author"
    text: str = "/text"


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping. ``create`` may use {key}, {title}, {text}, {queue}, {priority} and {assignee}; its answer holds the
    id at ``created``. ``find`` may use {key}; ``found`` is the list of tickets in its answer, oldest first. ``read``
    and all others may use {id}; ``ticket`` is where the ticket is in the answer of ``read``. ``change``: calls by what
    they change: close, reopen, title, priority, assignee; they may use {value}. ``comment`` may use {text}, ``join``
    (duplicate, related) {other}. ``closed``: the statuses of a ticket that is done;
    ``gone``: of one that is deleted, where such a ticket can still be read. ``web``: the address for people.
    ``hook``: where a web hook's body holds the id. ``nobody``: what the system calls the assignee of a ticket without.
    """

    create: Call
    find: Call
    read: Call
    comment: Call
    closed: frozenset[str]
    gone: frozenset[str] = frozenset()
    change: Mapping[str, Call] = {}
    join: Mapping[str, Call] = {}
    notes: Call | None = None
    created: str = "/id"
    found: str = ""
    ticket: str = ""
    places: Places = Places()
    note: NotePlaces = NotePlaces()
    web: str = ""
    hook: str = ""
    nobody: str = ""


def wrong(mapping: Mapped) -> Iterator[tuple[str, str]]:
    """(setting, what is wrong with it) of a mapping, all of it."""
    calls: dict[str, tuple[Call, frozenset[str]]] = {
        "create": (mapping.create, DRAFT),
        "find": (mapping.find, frozenset({"key"})),
        "read": (mapping.read, TICKET),
        "comment": (mapping.comment, TICKET | {"text"}),
    }
    calls |= {f"change.{name}": (call, TICKET | {"value"}) for name, call in mapping.change.items()}
    calls |= {f"join.{name}": (call, TICKET | {"other"}) for name, call in mapping.join.items()}
    calls |= {"notes": (mapping.notes, TICKET)} if mapping.notes else {}
    for place, (call, fields) in calls.items():
        yield from ((place, said) for said in problems(call, fields))
    yield from _wrong_groups(mapping)
    yield from _wrong_keys(mapping)
    for place, pointer in _pointers(mapping):
        if not POINTER.fullmatch(pointer):
            yield place, f"{pointer} is no JSON pointer, such as /issue/id"
    if [name for name in FIELD.findall(mapping.web) if name != "id"]:
        yield "web", "may use {id} only"


def _wrong_groups(mapping: Mapped) -> Iterator[tuple[str, str]]:
    for group, names in (("change", CHANGES), ("join", JOINS)):
        for name in getattr(mapping, group):
            if name not in names:
                yield f"{group}.{name}", f"is none of {', '.join(names)}"
    for name in ("close", "reopen"):
        if name not in mapping.change:
            yield "change", f"has no call to {name} a ticket"
    if not mapping.closed:
        yield "closed", "must name at least one status"


def _wrong_keys(mapping: Mapped) -> Iterator[tuple[str, str]]:
    """Without our key in them, any ticket could be taken for ours, or ours not be found again."""
    for place, call in (("find", mapping.find), ("create", mapping.create)):
        if "{key}" not in f"{call.path} {call.query} {call.body}":
            yield place, "does not use {key}"


def _pointers(mapping: Mapped) -> Iterator[tuple[str, str]]:
    yield from ((name, getattr(mapping, name)) for name in ("created", "found", "ticket", "hook"))
    yield from ((f"places.{name}", text) for name, text in msgspec.structs.asdict(mapping.places).items())
    yield from ((f"note.{name}", text) for name, text in msgspec.structs.asdict(mapping.note).items())


class Rest:
    """Implements `Tracker` over a mapping that has nothing `wrong`. ``account``: the name of the user that we are."""

    keyed = False

    def __init__(self, api: Api, mapping: Mapped, account: str) -> None:
        self._api, self._map, self._account = api, mapping, account

    def create(self, draft: Draft) -> Seen:
        """The declared call; further fields of the draft have no place in it."""
        values = {name: getattr(draft, name) for name in DRAFT} | {"key": safe(draft.key)}
        answer = self._call(self._map.create, values)
        remote = _id(at(self._map.created, answer))
        return Seen(remote=remote, url=self._url(remote), title=draft.title)

    def find(self, key: str) -> Sequence[Seen]:
        """The declared search; the order is the system's."""
        found = at(self._map.found, self._call(self._map.find, {"key": safe(key)}))
        if not isinstance(found, list):
            raise SinkError("the answer to find holds no list where the mapping says")
        return [seen for seen in map(self._seen, found) if seen.status not in self._map.gone]

    def read(self, remote: str) -> Seen | None:
        """The declared call; 404 and 410: there is none."""
        path, query, _ = filled(self._map.read, {"id": _id(remote)})
        reply = self._api.get(path, query, accept=(404, 410))
        if reply.status in (404, 410):
            return None
        seen = self._seen(at(self._map.ticket, reply.value))
        return None if seen.status in self._map.gone else seen

    def change(self, seen: Seen, wanted: Wanted) -> None:
        """One call per field; a field without a call stays as it is, which reading it again tells."""
        state = {None: None, "open": "reopen", "closed": "close"}[wanted.state]
        assignee = self._map.nobody if wanted.assignee == "" else wanted.assignee
        asked = {"title": wanted.title, "priority": wanted.priority, "assignee": assignee}
        calls = [(name, value) for name, value in asked.items() if value is not None]
        for name, value in [*calls, (state, "")] if state else calls:
            call = self._map.change.get(name)
            if call is not None:
                self._call(call, {"id": _id(seen.remote), "value": value})

    def say(self, seen: Seen, text: str) -> None:
        """The declared call."""
        self._call(self._map.comment, {"id": _id(seen.remote), "text": text})

    def notes(self, remote: str) -> Sequence[Note]:
        """The declared call, if there is one."""
        if self._map.notes is None:
            return []
        places = self._map.note
        items = at(places.items, self._call(self._map.notes, {"id": _id(remote)}))
        found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        notes = [
            Note(
                id=_text(at(places.id, item)), author=_text(at(places.author, item)),
                text=_text(at(places.text, item)), ours=_text(at(places.author, item)) == self._account,
            )
            for item in found
        ]  # fmt: skip
        return [note for note in notes if note.id and note.text]

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        """The declared call, if there is one."""
        if kind in self._map.join:
            self._call(self._map.join[kind], {"id": _id(seen.remote), "other": _id(other.remote)})

    def hint(self, body: bytes) -> str:
        """The id where the mapping says that a hook's body holds it."""
        return hinted(body, object, lambda said: _text(at(self._map.hook, said)), ID) if self._map.hook else ""

    def _call(self, call: Call, values: Mapping[str, str]) -> Any:
        path, query, body = filled(call, values)
        if call.method == "GET":
            return self._api.get(path, query).value
        return self._api.ask(call.method, path, query, body).value

    def _seen(self, item: Any) -> Seen:
        places = self._map.places
        pointers = {name: pointer for name, pointer in msgspec.structs.asdict(places).items() if pointer}
        found: dict[str, Any] = {name: _text(at(pointer, item)) for name, pointer in pointers.items()}
        remote, status = _id(found.pop("id")), found.pop("status", "")
        if not status:
            raise SinkError(f"ticket {remote} holds no status where the mapping says")
        state = "closed" if status in self._map.closed else "open"
        if found.get("assignee") == self._map.nobody:
            found["assignee"] = ""
        return Seen(remote=remote, url=self._url(remote), state=state, status=status, **found)

    def _url(self, remote: str) -> str:
        return FIELD.sub(lambda _: remote, self._map.web)


def _id(value: object) -> str:
    text = _text(value)
    if not ID.fullmatch(text):
        raise SinkError(
            f"the answer holds no id where the mapping says: {plain(text, 40) or 'nothing'}", ambiguous=True
        )
    return text


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, dict | list | bool) else str(value)
