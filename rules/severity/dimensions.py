"""The three dimensions of severity, each answered yes, no or cannot be excluded."""

from __future__ import annotations

from typing import NamedTuple

from rules.severity.facts import SeverityFacts
from rules.ternary import Ternary


class Dimensions(NamedTuple):
    """The three answers."""

    user_impact: Ternary
    data_loss: Ternary
    regulatory: Ternary


def answers(facts: SeverityFacts) -> Dimensions:
    """The three answers to what is known."""
    return Dimensions(_user_impact(facts), _data_loss(facts), _regulatory(facts))


def _user_impact(facts: SeverityFacts) -> Ternary:
    """Yes from the first user that is certain, or when a business service or process is hit."""
    if facts.business:
        return Ternary.YES
    if facts.users is None:
        return Ternary.CANNOT_EXCLUDE
    low, high = facts.users
    return Ternary.YES if low > 0 else Ternary.NO if high == 0 else Ternary.CANNOT_EXCLUDE


def _data_loss(facts: SeverityFacts) -> Ternary:
    """Exposed: beyond the RPO, or a queue that forgets is hit. Where no data store is down, the RPO is not at stake."""
    rpo = Ternary.of(facts.rpo_exposed)
    if facts.rpo_exposed is None and facts.data_stores_down == 0:
        rpo = Ternary.NO
    return rpo | Ternary.of(facts.nondurable)


def _regulatory(facts: SeverityFacts) -> Ternary:
    """Reached obligations say yes; a security incident may always have to be reported."""
    reached = Ternary.of(None if facts.obligations is None else bool(facts.obligations))
    return reached | (Ternary.CANNOT_EXCLUDE if facts.security else Ternary.NO)
