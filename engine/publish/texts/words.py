"""Words for single values: a state, a moment, a number of people."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.outcomes import Publication
from engine.publish.texts.line import plain
from engine.publish.texts.told import Impacted, Told
from engine.signals import Millis

CERTAINTY = {"yes": "yes", "no": "no", "cannot_exclude": "cannot be excluded"}
HEADING = {
    "open": "New incident",
    "update": "Update",
    "resolve": "Resolved",
    "reopen": "Reopened",
    "merge": "Merged",
    "escalate": "Escalated",
    "overdue": "Update overdue",
    "declare": "Declared",
    "disputed": "Not proven",
}
BUSINESS = frozenset({"business_service", "business_process"})


def heading(publication: Publication, said: Told) -> str:
    """What kind of news it is; an action that has no word of its own is an update."""
    return "TEST" if said.test else HEADING.get(publication.action, "Update")


def when(at: Millis) -> str:
    """A point in time, or the bare number where it lies outside the calendar."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return str(at)


def health(one: Impacted) -> str:
    """How well it is, or the bounds of that."""
    if one.low == one.high:
        return {0: "down", 1000: "up"}.get(one.low, f"degraded to {one.low / 10:.0f} %")
    return f"between {one.low / 10:.0f} % and {one.high / 10:.0f} %"


def people(users: tuple[int, int | None] | None) -> str:
    """How many people are affected; empty where nothing is known."""
    if users is None:
        return ""
    low, high = users
    if high is None:
        return f"at least {low:,}; not all that is hit says how many" if low else ""
    return f"{low:,} (estimate)" if low == high else f"{low:,} to {high:,} (estimate)"


def reference(publication: Publication, said: Told) -> str:
    """Which revision of which incident this tells: the same in every text of it."""
    return f"Incident {plain(publication.incident)}, revision {said.incident.revision or publication.revision}"


def listed(names: list[str]) -> str:
    """Names as a sentence has them.

    >>> listed(["Cards", "Payments", "Payouts"])
    'Cards, Payments and Payouts'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
