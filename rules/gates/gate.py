"""What a gate is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from rules.matchers import Matcher, matches_all


class Subject(msgspec.Struct, frozen=True):
    """An alert as the gates see it. Times in milliseconds; ``entity`` is empty when no entity is known.

    ``severity`` is a normalised word. ``in_scope`` is the catalogue's answer. ``counted`` says that the alert has
    passed its threshold before, ``cleared_at`` since when its value has been beyond the clear line: with these two
    a threshold has hysteresis.
    """

    labels: Mapping[str, str]
    entity: str = ""
    kind: str = ""
    tier: int | None = None
    in_scope: bool = True
    security: bool = False
    severity: str = "warning"
    value: float | None = None
    starts_at: int = 0
    firing_for: int = 0
    counted: bool = False
    cleared_at: int | None = None


class Gate(msgspec.Struct, frozen=True):
    """A gate that does not let an alert pass: why, by which rule, and when to look again (None: when asked again)."""

    action: Literal["suppress", "hold"]
    reason: str
    rule: str
    until: int | None = None


def covers(subject: Subject, matchers: tuple[Matcher, ...], entities: tuple[str, ...]) -> bool:
    """Whether a rule's matchers (all of them) and entities (one of them) cover a subject.

    A rule that names neither covers nothing: nobody silences the world by leaving a line out.
    """
    if entities and subject.entity not in entities:
        return False
    return bool(matchers or entities) and matches_all(matchers, subject.labels)
