"""Scope: what stays out of incident execution, by the catalogue's word or by a declared exclusion."""

from __future__ import annotations

import msgspec

from rules.gates.gate import Gate, Subject, covers
from rules.matchers import Matcher

REASON = "out_of_scope"
CATALOGUE = "catalogue-scope"
"""The rule id under which ``scope: false`` in the catalogue is told."""


class Exclusion(msgspec.Struct, frozen=True):
    """Leaves out what all matchers and one of the entities (if named) cover, because of ``comment``; somebody looks at
    it again on the day ``review`` (ISO 8601)."""

    id: str
    matchers: tuple[Matcher, ...] = ()
    entities: tuple[str, ...] = ()
    comment: str = ""
    review: str = ""

    def gate(self, subject: Subject, at: int) -> Gate | None:
        """Suppressed for as long as the exclusion is declared."""
        return Gate("suppress", REASON, self.id) if covers(subject, self.matchers, self.entities) else None


def catalogue_gate(subject: Subject) -> Gate | None:
    """The catalogue says of the entity itself that it is out of scope."""
    return None if subject.in_scope else Gate("suppress", REASON, CATALOGUE)
