"""A ticketing system in memory that is as strict, or as sloppy, as a test asks for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engine.errors import SinkError
from engine.publish.ticketing.tracker import Conflict, Draft, Note, Seen, Wanted
from engine.publish.ticketing.words import safe

ME = "headwater"


class Shelf:
    """Implements `Tracker`. ``deaf``: fields whose changes it answers with success and does not make. ``refused``:
    values that it answers with a refusal. ``before``: called with the name of each request, and may raise; ``lost``:
    names of requests that are carried out, once, and whose answer is lost then. ``lag``: tickets made while it is set
    are found by none."""

    def __init__(self, *, keyed: bool = False) -> None:
        self.keyed = keyed
        self.tickets: dict[str, Seen] = {}
        self.keys: dict[str, str] = {}  # remote -> key
        self.texts: dict[str, str] = {}
        self.said: dict[str, list[Note]] = {}
        self.joined: list[tuple[str, str, str]] = []
        self.deaf: set[str] = set()
        self.refused: set[str] = set()
        self.lost: list[str] = []
        self.lag = False
        self.hidden: set[str] = set()
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda name: None
        self._ids = itertools.count(1)
        self._versions = itertools.count(1)

    def create(self, draft: Draft) -> Seen:
        self._enter("create")
        wanted = safe(draft.key)
        same = [remote for remote, key in self.keys.items() if key == wanted]
        if self.keyed and same:
            return self.tickets[same[0]]
        if draft.queue in self.refused:
            raise SinkError(f"no such queue: {draft.queue}", permanent=True)
        remote = str(next(self._ids))
        taken = {
            field: value
            for field in ("priority", "assignee")
            if (value := getattr(draft, field)) and field not in self.deaf and value not in self.refused
        }
        self.keys[remote], self.texts[remote], self.said[remote] = draft.key, draft.text, []
        self._store(Seen(remote=remote, url=f"http://shelf/{remote}", status="new", title=draft.title, **taken), ME)
        if self.lag:
            self.hidden.add(remote)
        self._leave("create")
        return self.tickets[remote]

    def find(self, key: str) -> Sequence[Seen]:
        self._enter("find")
        wanted = safe(key)
        held = [remote for remote, own in self.keys.items() if own == wanted and remote not in self.hidden]
        return [self.tickets[remote] for remote in held]

    def read(self, remote: str) -> Seen | None:
        self._enter("read")
        return self.tickets.get(remote)

    def change(self, seen: Seen, wanted: Wanted) -> None:
        self._enter("change")
        now = self._current(seen.remote)
        if seen.version and seen.version != now.version:
            raise Conflict("it has changed")
        asked = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
        if set(asked.values()) & self.refused:
            raise SinkError(f"no such value among {sorted(asked.values())}", permanent=True)
        made = {name: value for name, value in asked.items() if name not in self.deaf}
        if "state" in made:
            made["status"] = "done" if made["state"] == "closed" else "open"
        if made:
            self._store(msgspec.structs.replace(now, **made), ME)
        self._leave("change")

    def say(self, seen: Seen, text: str) -> None:
        self._enter("say")
        self._current(seen.remote)
        self.note(seen.remote, text, ME)
        self._leave("say")

    def notes(self, remote: str) -> Sequence[Note]:
        self._enter("notes")
        return list(self.said[remote])

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        self._enter("join")
        if (seen.remote, other.remote, kind) not in self.joined:
            self.joined.append((seen.remote, other.remote, kind))

    def hint(self, body: bytes) -> str:
        return body.decode()

    # what people do there

    def note(self, remote: str, text: str, author: str = "ada") -> None:
        self.said[remote].append(Note(id=str(next(self._ids)), author=author, text=text, ours=author == ME))
        self._store(self.tickets[remote], author)

    def edit(self, remote: str, **fields: Any) -> None:
        self._store(msgspec.structs.replace(self.tickets[remote], **fields), "ada")

    def delete(self, remote: str) -> None:
        del self.tickets[remote]
        del self.keys[remote]

    def open(self) -> list[str]:
        """The tickets that are open."""
        return [remote for remote, seen in self.tickets.items() if seen.state == "open"]

    def _store(self, seen: Seen, by: str) -> None:
        self.tickets[seen.remote] = msgspec.structs.replace(seen, version=str(next(self._versions)), changed_by=by)

    def _current(self, remote: str) -> Seen:
        if remote not in self.tickets:
            raise SinkError("no such ticket", permanent=True)
        return self.tickets[remote]

    def _enter(self, name: str) -> None:
        self.asked.append(name)
        self.before(name)

    def _leave(self, name: str) -> None:
        if name in self.lost:
            self.lost.remove(name)
            raise SinkError("no answer", ambiguous=True)
