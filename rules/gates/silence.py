"""Silences: declared in files, or made by a person at run time."""

from __future__ import annotations

import msgspec

from rules.gates.gate import Gate, Subject, covers
from rules.matchers import Matcher

REASON = "silenced"


class Silence(msgspec.Struct, frozen=True):
    """Mutes what all matchers and one of the entities (if named) cover, in [``starts_at``, ``ends_at``) (ms)."""

    id: str
    matchers: tuple[Matcher, ...] = ()
    entities: tuple[str, ...] = ()
    starts_at: int = 0
    ends_at: int = 0
    created_by: str = ""
    comment: str = ""

    def covers(self, subject: Subject, at: int) -> bool:
        """Whether the silence is in force at ``at`` and speaks of this alert."""
        return self.starts_at <= at < self.ends_at and covers(subject, self.matchers, self.entities)

    def gate(self, subject: Subject, at: int) -> Gate | None:
        """Suppressed until the silence ends."""
        return Gate("suppress", REASON, self.id, self.ends_at) if self.covers(subject, at) else None
