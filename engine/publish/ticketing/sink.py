"""The life of a ticket: what a publication asks for, done on any `Tracker` so that it may be tried again at any point.

- One ticket per generation of an incident. Before a ticket is made, the system is asked for one with the same key.
- Every step looks before it acts: a comment carries the mark of its publication and is looked for when it may have
  been written before; a field is set only where it differs; so a publication that broke off is simply sent again.
- After every change the ticket is read again, for some systems answer success to what they refuse. A ticket that is
  not opened or closed as asked is an error (permanent: a person must look). A title, priority or assignee that is not
  taken is told in the ticket, once, and its life goes on.
- What people set stays until Headwater itself wants something else than before. `disputed` sets one field back.
- A ticket that somebody deleted is made anew, and says so.
- An incident that ends and has no ticket gets none.
- What an incident leaves to do has a ticket of its own; `link` ties it to others, and both sides name each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.publish.texts import plain
from engine.publish.ticketing import words
from engine.publish.ticketing.looking import look
from engine.publish.ticketing.memory import FIELDS, Memory, recall
from engine.publish.ticketing.tracker import Conflict, Draft, Seen, Tracker, Wanted
from engine.sending import Link, Look, OutboxRow, Receipt

ENDING = frozenset({"resolve", "merge"})
DISPUTED = frozenset({"state", "assignee", "priority"})
TRIES = 4
REMEMBERED = 10_000
PATIENCE = 5
"""Attempts for which a merge or a link waits for the other incident's ticket."""


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket gets where the rules decide nothing; ``priorities`` by severity level, in the system's words."""

    queue: str = ""
    assignee: str = ""
    priorities: Mapping[str, str] = {}
    fields: Mapping[str, str] = {}


class Ticketing:
    """A sink over one ticketing system. Implements `Sink`, `Finder`, `Watched` and `Reconciled`; thread-safe as far
    as its tracker is."""

    def __init__(
        self, name: str, tracker: Tracker, audiences: frozenset[str], defaults: Defaults | None = None
    ) -> None:
        self.name, self.audiences = name, audiences
        self.idempotent = tracker.keyed
        self._tracker, self._defaults = tracker, defaults or Defaults()
        self._guard = threading.Lock()
        self._own: dict[str, dict[str, str]] = {}  # remote -> what we set there since it was last looked at

    # ------------------------------------------------------------------------------------------------------- sending

    def send(self, row: OutboxRow) -> Receipt:
        """Do what the publication asks for. Raises `SinkError`."""
        if row.link is None:
            return self._begin(row)
        seen = self._tracker.read(row.link.remote)
        if seen is None:
            return self._begin(row, gone=row.link.remote)
        again = row.ambiguous or row.attempts > 0 or row.publication.action in ENDING  # an end may be re-driven
        return self._go_on(row, seen, recall(row.link.seen), again=again)

    def find(self, row: OutboxRow) -> Receipt | None:
        """What came of it: a ticket with its key; for all but the opening, with its comment and in its state."""
        publication, memory = row.publication, recall(row.link.seen if row.link else "")
        seen = self._tracker.read(row.link.remote) if row.link else self._standing(words.key_of(publication))
        if seen is None:
            return None
        if not row.link:
            memory = self._first_memory(publication, seen)
        if publication.action == "open":
            return _receipt(seen, memory)
        wanted = _state_after(publication.action)
        if wanted not in (None, seen.state) or not self._said(seen.remote, publication):
            return None
        if wanted:
            memory.learn(seen, "state", "resolution")
        return _receipt(seen, memory)

    def _begin(self, row: OutboxRow, gone: str = "") -> Receipt:
        """There is no ticket that we know of: the one with the key, else a new one."""
        publication = row.publication
        key = words.key_of(publication)
        seen = self._standing(key)
        if seen is not None:
            memory = self._first_memory(publication, seen)
            if publication.action == "open":
                return _receipt(seen, memory)
            return self._go_on(row, seen, memory, again=True)
        if publication.action in ENDING:
            return Receipt(publication.key)
        first = [f"Ticket {plain(gone)}, made for this incident before, is not there any more.", ""] if gone else []
        receipt = self._create(publication, key, first)
        if publication.action == "link":
            with suppress(SinkError):  # the ticket is there, and must be remembered
                self._linked(row, Seen(remote=receipt.remote, url=receipt.url))
        return receipt

    def _create(self, publication: Publication, key: str, first: Sequence[str] = ()) -> Receipt:
        wishes = self._wishes(publication)
        asked = publication.ticket(self.name)
        fields = {**self._defaults.fields, **{str(k): str(v) for k, v in (asked.get("fields") or {}).items()}}
        draft = Draft(
            key=key, title=wishes["title"], text=words.opening(publication, first),
            queue=str(asked.get("queue") or self._defaults.queue), priority=wishes["priority"],
            assignee=wishes["assignee"], fields=fields,
        )  # fmt: skip
        seen, made = self._make(draft)
        wanted = {field: wishes[field] for field in ("priority", "assignee") if wishes[field]}
        with suppress(SinkError):  # the ticket is there: whatever fails now, it must be remembered
            seen = self._tracker.read(seen.remote) or seen
            if made is not draft:
                seen = self._try(seen, wanted)
            refused = [
                _refusal(seen, field, wanted[field]) for field in wanted if getattr(seen, field) != wanted[field]
            ]
            if made.queue != draft.queue:
                refused.append(f"The ticketing system did not take the queue {plain(draft.queue, 100)}.")
            if refused:
                self._tracker.say(seen, "\n".join((*refused, "", words.mark(publication.key))))
        return _receipt(seen, self._first_memory(publication, seen))

    def _make(self, draft: Draft) -> tuple[Seen, Draft]:
        """A ticket, and as what it was made: where the system refuses it, without what can be set later; where it
        refuses that, in the usual queue; or not at all."""
        bare = msgspec.structs.replace(draft, priority="", assignee="", fields={})
        usual = msgspec.structs.replace(bare, queue=self._defaults.queue)
        drafts = [draft, *(one for one, before in ((bare, draft), (usual, bare)) if one != before)]
        for place, one in enumerate(drafts):
            try:
                return self._tracker.create(one), one
            except SinkError as error:
                if not error.permanent or place == len(drafts) - 1:
                    raise
        raise AssertionError

    def _go_on(self, row: OutboxRow, seen: Seen, memory: Memory, *, again: bool) -> Receipt:
        publication, more = row.publication, []
        if publication.action == "reopen" and seen.state == "closed":
            before, seen = seen, self._reopened(publication, seen, memory)
            if seen.state == "closed":
                return self._successor(publication, before)
        if publication.action == "merge":
            other = self._other(row)
            more.append(_merged(publication, other))
            if other is not None:
                self._tracker.join(seen, other, "duplicate")
        if publication.action == "link":
            more += self._linked(row, seen)
        seen, refused = self._with_fields(publication, seen, memory)
        if publication.action == "disputed":
            seen, left = self._set_back(publication, seen, memory)
            refused += left
        text = words.remark(publication, (*more, *refused))
        if text and not (again and self._said(seen.remote, publication)):
            seen = self._repeat(seen, lambda now: self._tracker.say(now, text))
        if publication.action in ENDING:
            seen = self._put(seen, memory, "closed")
        return _receipt(seen, memory)

    def _reopened(self, publication: Publication, seen: Seen, memory: Memory) -> Seen:
        """The ticket open again, or as it is when the system does not want that, and it may have a successor."""
        try:
            return self._put(seen, memory, "open")
        except SinkError as error:
            if not error.permanent or memory.key == words.key_of(publication):
                raise
            return seen

    def _set_back(self, publication: Publication, seen: Seen, memory: Memory) -> tuple[Seen, list[str]]:
        """The field that people are not to change, as Headwater wants it; a line where that does not work."""
        dispute = publication.body.get("dispute") or {}
        field, wanted = str(dispute.get("field")), str(dispute.get("wanted") or "")
        about = (dispute.get("sink"), dispute.get("ticket"))
        if about != (self.name, seen.remote) or field not in DISPUTED or getattr(seen, field) == wanted:
            return seen, []
        seen = self._try(seen, {field: wanted})
        if getattr(seen, field) != wanted:
            return seen, [_refusal(seen, field, wanted)]
        memory.learn(seen, *(("state", "resolution") if field == "state" else (field,)))
        return seen, []

    def _successor(self, publication: Publication, before: Seen) -> Receipt:
        """A new ticket for a new generation, related to the one that stays closed."""
        key = words.key_of(publication)
        held = self._standing(key)
        line = f"Goes on from ticket {before.remote}, which cannot be opened again."
        receipt = _receipt(held, self._first_memory(publication, held)) if held else None
        receipt = receipt or self._create(publication, key, (line, ""))
        with suppress(SinkError):  # the opening text names it
            self._tracker.join(held or Seen(remote=receipt.remote, url=receipt.url), before, "related")
        return receipt

    def _other(self, row: OutboxRow) -> Seen | None:
        """The ticket of the incident that this one was merged into, as soon as there is one."""
        into = str((row.publication.body.get("incident") or {}).get("merged_into") or "")
        links = [link for link in row.related if link.incident == into] or list(row.related)
        if not links and row.publication.related and row.attempts < PATIENCE:
            raise SinkError(f"the ticket of {plain(into)} is not there yet")
        return self._tracker.read(links[0].remote) if links else None

    def _linked(self, row: OutboxRow, seen: Seen) -> list[str]:
        """Tie the ticket to those of the related incidents, and name it there; lines that name them here."""
        publication, lines = row.publication, []
        known = {link.incident for link in row.related}
        if not known.issuperset(publication.related[:1]) and row.attempts < PATIENCE:
            raise SinkError(f"the ticket of {plain(publication.related[0])} is not there yet")
        name = plain(str((publication.body.get("record") or {}).get("name")))
        text = f"{name}: ticket {seen.remote} {seen.url}".rstrip() + f"\n\n{words.mark(publication.key)}"
        for link in row.related:
            other = self._tracker.read(link.remote)
            if other is None:
                continue
            lines.append(
                f"Related to ticket {other.remote} {other.url}".rstrip() + f", incident {plain(link.incident)}"
            )
            if not self._said(other.remote, publication):
                self._name(seen, other, text)
        return lines

    def _name(self, seen: Seen, other: Seen, text: str) -> None:
        """Tie two tickets, and say so in the other; a system that refuses one of it may take the rest."""
        for act in (lambda now: self._tracker.join(seen, now, "related"), lambda now: self._tracker.say(now, text)):
            try:
                other = self._repeat(other, act)
            except SinkError as error:
                if not error.permanent:
                    raise

    # -------------------------------------------------------------------------------------------------------- fields

    def _wishes(self, publication: Publication) -> dict[str, str]:
        """What Headwater wants of the fields it cares for; empty: nothing."""
        asked = publication.ticket(self.name)
        priority = asked.get("priority") or self._defaults.priorities.get(words.level(publication)) or ""
        return {
            "title": words.title(publication),
            "priority": str(priority),
            "assignee": str(asked.get("assignee") or self._defaults.assignee),
        }

    def _with_fields(self, publication: Publication, seen: Seen, memory: Memory) -> tuple[Seen, list[str]]:
        """Fields of which we want something else than before; and a line for each that was not taken."""
        wishes = self._wishes(publication)
        if words.level(publication) == memory.level:
            del wishes["title"]
        new = {k: v for k, v in wishes.items() if v and memory.wished.get(k) != v}
        memory.wished |= new
        memory.level = words.level(publication) or memory.level
        wanted = {field: value for field, value in new.items() if getattr(seen, field) != value}
        if not wanted or (publication.action in ENDING and seen.state == "closed"):
            return seen, []
        seen = self._try(seen, wanted)
        taken = [field for field in wanted if getattr(seen, field) == wanted[field]]
        memory.learn(seen, *(field for field in taken if field in FIELDS))
        return seen, [_refusal(seen, field, value) for field, value in wanted.items() if field not in taken]

    def _try(self, seen: Seen, wanted: dict[str, str]) -> Seen:
        """All at once, or one by one where the system refuses them together."""
        try:
            return self._change(seen, wanted)
        except SinkError as error:
            if not error.permanent:
                raise
            seen = self._again(seen.remote)
        for field, value in wanted.items() if len(wanted) > 1 else ():
            try:
                seen = self._change(seen, {field: value})
            except SinkError as error:
                if not error.permanent:
                    raise
        return seen

    def _put(self, seen: Seen, memory: Memory, state: str) -> Seen:
        """Open or close it; that it did not work is an error."""
        if seen.state == state:
            return seen
        seen = self._change(seen, {"state": state})
        if seen.state != state:
            raise SinkError(
                f"ticket {seen.remote} stays {seen.status}: the system did not make it {state}", permanent=True
            )
        memory.learn(seen, "state", "resolution")
        return seen

    def _change(self, seen: Seen, wanted: dict[str, str]) -> Seen:
        with self._guard:
            if len(self._own) > REMEMBERED:
                del self._own[next(iter(self._own))]
            self._own.setdefault(seen.remote, {}).update(wanted)
        return self._again(self._repeat(seen, lambda now: self._tracker.change(now, Wanted(**wanted))).remote)

    def _repeat(self, seen: Seen, act: Callable[[Seen], None]) -> Seen:
        """Act on the ticket, as it is by then where others change it at the same time."""
        for _ in range(TRIES):
            try:
                act(seen)
            except Conflict:
                seen = self._again(seen.remote)
            else:
                return seen
        raise SinkError(f"ticket {seen.remote} is being changed by others all the time")

    def _again(self, remote: str) -> Seen:
        seen = self._tracker.read(remote)
        if seen is None:
            raise SinkError(f"ticket {remote} disappeared")
        return seen

    def _standing(self, key: str) -> Seen | None:
        """The ticket with this key: the oldest that is open, else the oldest."""
        found = self._tracker.find(key)
        return next((seen for seen in found if seen.state == "open"), found[0] if found else None)

    def _said(self, remote: str, publication: Publication) -> bool:
        """Is the publication's comment there? Who quotes it does not count."""
        sign = words.mark(publication.key)
        return any(note.ours and sign in note.text for note in self._tracker.notes(remote))

    def _first_memory(self, publication: Publication, seen: Seen) -> Memory:
        wishes = {field: value for field, value in self._wishes(publication).items() if value}
        memory = Memory(key=words.key_of(publication), level=words.level(publication), wished=wishes)
        memory.learn(seen, *FIELDS)
        return memory

    # ------------------------------------------------------------------------------------------------- what people do

    def look(self, link: Link) -> Look:
        """What people changed since ``link.seen``. Raises `SinkError`."""
        with self._guard:
            own = dict(self._own.get(link.remote, {}))
        found, settled = look(self._tracker, link, own)
        with self._guard:
            for field in settled:
                self._own.get(link.remote, {}).pop(field, None)
        return found

    def hint(self, body: bytes) -> str:
        """The ticket that a web hook speaks of."""
        return self._tracker.hint(body)

    def reconcile(self, link: Link) -> Sequence[Link]:
        """Link and close every other open ticket with the same key; what was closed before is told again."""
        key = recall(link.seen).key
        kept = self._tracker.read(link.remote) if key else None
        if kept is None:
            return ()
        others = [seen for seen in self._tracker.find(key) if seen.remote != kept.remote]
        for seen in others:
            if seen.state == "open":
                self._close_duplicate(seen, kept)
        return [
            msgspec.structs.replace(link, remote=seen.remote, url=seen.url, state="duplicate", seen="")
            for seen in others
        ]

    def _close_duplicate(self, seen: Seen, kept: Seen) -> None:
        self._tracker.join(seen, kept, "duplicate")
        text = f"A duplicate of ticket {kept.remote}, made for the same incident by mistake. It goes on there."
        seen = self._repeat(seen, lambda now: self._tracker.say(now, text))
        self._put(self._again(seen.remote), Memory(), "closed")


def _state_after(action: str) -> str | None:
    return "closed" if action in ENDING else "open" if action == "reopen" else None


def _refusal(seen: Seen, field: str, value: str) -> str:
    now = plain(getattr(seen, field), 100) or "empty"
    return f"The ticketing system did not take the {field} {plain(value, 100) or 'of nobody'}; it stays {now}."


def _merged(publication: Publication, other: Seen | None) -> str:
    into = plain(str((publication.body.get("incident") or {}).get("merged_into") or ""))
    return f"Merged into incident {into}" + (f", ticket {other.remote} {other.url}".rstrip() if other else "") + "."


def _receipt(seen: Seen, memory: Memory) -> Receipt:
    return Receipt(seen.remote, url=seen.url, keeps=seen.state, seen=memory.text())
