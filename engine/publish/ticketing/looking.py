"""What people did in a ticket since it was last looked at, as events; what we did ourselves is none."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from engine.publish.texts import plain
from engine.publish.ticketing.memory import FIELDS, TAIL, Memory, recall
from engine.publish.ticketing.tracker import Note, Seen, Tracker
from engine.sending import Link, Look
from engine.signals import TicketEvent

LONGEST = 4000
LINES = 60


def look(tracker: Tracker, link: Link, own: Mapping[str, str]) -> tuple[Look, Collection[str]]:
    """The look, and the fields of ``own`` (what we set meanwhile) that are known by now. Raises `SinkError`.

    The same memory and the same ticket give the same keys, so that events which are read twice count once.
    """
    memory = recall(link.seen)
    seen = tracker.read(link.remote)
    if seen is None:
        event = TicketEvent(link.sink, link.remote, link.incident, "state", "closed", f"{link.remote}:deleted")
        told = memory.known.get("state") == "closed"
        memory.known["state"] = "closed"
        return Look(() if told else (event,), memory.text()), ()
    notes = tracker.notes(link.remote)
    events = (*_said(link, memory, notes), *_changed(link, memory, seen, own))
    settled = [field for field, value in own.items() if recall(link.seen).known.get(field) == value]
    memory.learn(seen, *FIELDS)
    memory.notes = tuple(note.id for note in notes[-TAIL:])
    return Look(events, memory.text()), settled


def _said(link: Link, memory: Memory, notes: Sequence[Note]) -> list[TicketEvent]:
    places = [place for place, note in enumerate(notes) if note.id in memory.notes]
    fresh = notes[places[-1] + 1 :] if places else notes
    return [
        TicketEvent(
            link.sink, link.remote, link.incident, "note", _lines(note.text),
            f"{link.remote}:note:{note.id}", author=plain(note.author, 100), at=note.at,
        )
        for note in fresh
        if not note.ours
    ]  # fmt: skip


def _changed(link: Link, memory: Memory, seen: Seen, own: Mapping[str, str]) -> list[TicketEvent]:
    events = []
    for field in FIELDS:
        value = getattr(seen, field)
        known = memory.known.get(field, value)
        if value == known or own.get(field) == value or (field == "resolution" and own.get("state") == seen.state):
            continue
        memory.turns += 1
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        key = f"{link.remote}:{field}:{memory.turns}:{digest}"
        author = plain(seen.changed_by, 100)
        events.append(
            TicketEvent(
                link.sink, link.remote, link.incident, field, plain(value), key, author=author, at=seen.changed_at
            )
        )
    return events


def _lines(text: str) -> str:
    """A note as harmless lines."""
    return "\n".join(plain(line) for line in text[:LONGEST].splitlines()[:LINES])
