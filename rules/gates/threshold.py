"""Thresholds: how long and how far an alert must fire before it counts, with hysteresis on the way back."""

from __future__ import annotations

import msgspec

from rules.gates.gate import Gate, Subject, covers
from rules.matchers import Matcher

REASON = "below_threshold"
NEVER = "never_reached_threshold"


class Threshold(msgspec.Struct, frozen=True):
    """Alerts it covers count after firing for ``wait`` milliseconds with a value beyond ``above`` or ``below``.

    Once counted, an alert counts until its value has been past ``clear_below`` (for ``above``) or ``clear_above``
    (for ``below``) for ``clear_for`` milliseconds; without a clear line, the threshold itself is the line. A value
    that is not known passes: missing evidence is no evidence of health.
    """

    id: str
    matchers: tuple[Matcher, ...] = ()
    entities: tuple[str, ...] = ()
    wait: int = 0
    above: float | None = None
    below: float | None = None
    clear_below: float | None = None
    clear_above: float | None = None
    clear_for: int = 0
    comment: str = ""

    def exceeded(self, value: float | None) -> bool:
        """Whether a value is beyond the threshold; any value is when only time counts."""
        if value is None or (self.above is None and self.below is None):
            return True
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)

    def cleared(self, value: float | None) -> bool:
        """Whether a value is past the clear line, so that an alert that counted may stop to count."""
        if value is None or self.exceeded(value):
            return False
        low = self.above if self.clear_below is None else self.clear_below
        high = self.below if self.clear_above is None else self.clear_above
        return (low is None or value <= low) and (high is None or value >= high)

    def gate(self, subject: Subject, at: int) -> Gate | None:
        """Held until the duration has passed; after that a value that is not beyond the threshold is suppressed."""
        if not covers(subject, self.matchers, self.entities):
            return None
        if subject.counted:
            return self._leaving(subject, at)
        due = subject.starts_at + self.wait
        if at < due:
            return Gate("hold", REASON, self.id, due)
        return None if self.exceeded(subject.value) else Gate("suppress", NEVER, self.id)

    def _leaving(self, subject: Subject, at: int) -> Gate | None:
        if not self.cleared(subject.value):
            return None
        since = at if subject.cleared_at is None else subject.cleared_at
        return Gate("suppress", REASON, self.id) if at - since >= self.clear_for else None
