"""What is to be asked of a Prometheus: the windows of declared indicators with an expression, for open incidents.

Asking is an effect of the shell, what comes back is a signal (law 3). What is asked for follows from the incidents that
are open, as their revisions show them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.pinned import HOUR, LEAD
from engine.recovery.window import Occasion
from engine.signals import Millis
from rules.recovery import IndicatorRule, RecoveryPolicy

WEEKS = 4
BEFORE, BEYOND = HOUR, 2 * HOUR
"""Of a past week, so much before the onset and after it; when the recovery is later, around that."""
LATEST = HOUR
"""Of the time since the alerts ended, so much."""


class Query(msgspec.Struct, frozen=True):
    """One range of one indicator."""

    incident: str
    rule: IndicatorRule
    occasion: Occasion
    start: Millis
    end: Millis
    weeks: int = 0


def queries(
    incidents: Iterable[IncidentView], policy: RecoveryPolicy, resolve: Callable[[str], str | None], now: Millis
) -> Iterator[Query]:
    """All that is of use at ``now``; what is of the past does not change with it."""
    rules = [(resolve(one.entity) or one.entity, one) for one in policy.indicators if one.expr]
    for incident in incidents if rules else ():
        touched = {*incident.entities, *(hit.entity for hit in incident.impact), incident.cause}
        for entity, rule in rules:
            if incident.state in OPEN and entity in touched:
                yield from _windows(incident, rule, policy, now)


def _windows(incident: IncidentView, rule: IndicatorRule, policy: RecoveryPolicy, now: Millis) -> Iterator[Query]:
    end = incident.onset - LEAD
    yield Query(incident.id, rule, Occasion.BEFORE_ONSET, end - HOUR, end)
    found = incident.recovery
    late = found is not None and found.since - incident.onset > HOUR
    around = found.since if found is not None and late else incident.onset
    for weeks in range(1, WEEKS + 1):
        then = policy.week_before(around, weeks)
        yield Query(incident.id, rule, Occasion.PAST_WEEK, then - BEFORE, then + BEYOND, weeks)
    if found is not None and now > found.since:
        yield Query(incident.id, rule, Occasion.AFTER, max(found.since, now - LATEST), now)
