"""What a ticketing system must be able to do: the seam between the life of a ticket and each system's API.

A tracker is thin: it speaks one API over the `Egress` it was given, maps fields and states by its declared mapping, and
tries nothing twice. It raises `engine.errors.SinkError` (`judge`): what the system refuses is permanent, a lost answer
ambiguous, the rest transient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.errors import SinkError
from engine.signals import Millis


class Conflict(SinkError):
    """The ticket has changed since it was seen: nothing was done, and it may be asked again of what is there now."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that is to be made. ``key`` is ours, and findable in the system afterwards. ``text`` is plain text:
    the tracker escapes it for its own markup. ``queue``, ``priority`` and ``assignee`` are the system's own words,
    empty where the system is to choose; ``fields`` are further ones, by the system's own names."""

    key: str
    title: str
    text: str
    queue: str = ""
    priority: str = ""
    assignee: str = ""
    fields: dict[str, str] = {}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it was read. ``state`` is ``open`` or ``closed``; ``status``, ``priority``, ``assignee`` and
    ``resolution`` are the system's own words; ``version`` is what an update must name against lost updates."""

    remote: str
    url: str = ""
    state: str = "open"
    status: str = ""
    title: str = ""
    assignee: str = ""
    priority: str = ""
    resolution: str = ""
    changed_by: str = ""
    changed_at: Millis | None = None
    version: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed; None leaves a field as it is. ``state`` is ``open`` or ``closed``, an empty ``assignee``
    nobody."""

    state: str | None = None
    title: str | None = None
    priority: str | None = None
    assignee: str | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A comment. ``ours``: written with our account."""

    id: str
    author: str
    text: str
    at: Millis | None = None
    ours: bool = False


class Tracker(Protocol):
    """One ticketing system. ``keyed``: a second `create` with the same key makes no second ticket."""

    keyed: bool

    def create(self, draft: Draft) -> Seen:
        """Make a ticket."""

    def find(self, key: str) -> Sequence[Seen]:
        """All tickets that carry this key, open or closed, oldest first. May lag behind `create` by minutes."""

    def read(self, remote: str) -> Seen | None:
        """One ticket as it is now; None when there is none any more."""

    def change(self, seen: Seen, wanted: Wanted) -> None:
        """Ask for a change of what was ``seen``. Success proves nothing: the caller reads it again."""

    def say(self, seen: Seen, text: str) -> None:
        """Add a comment in plain text."""

    def notes(self, remote: str) -> Sequence[Note]:
        """The comments, oldest first."""

    def join(self, seen: Seen, other: Seen, kind: str) -> None:
        """Link two tickets: ``seen`` is a ``duplicate`` of ``other``, or ``related`` to it."""

    def hint(self, body: bytes) -> str:
        """The remote id that a web hook of this system speaks of; empty when it names none."""
