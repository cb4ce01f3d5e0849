"""What is stored of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from engine.governance.record import Recorded, recorded, unfinished
from engine.governance.report import governance
from engine.governance.rows import GovernanceReport
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.ports import Reader
from engine.signals import Millis

PAGE = 200
DAY = timedelta(days=1)


def gathered(reader: Reader, exercises: Iterable[str], since: Millis, until: Millis) -> GovernanceReport:
    """The report of the time from ``since`` up to ``until``, from stored records alone; ``exercises`` are the ids of
    exercises that were ever held. Raises `engine.errors.StoreUnavailable`."""
    lines = [line for id in sorted(set(exercises)) for line in reader.timeline(id)]
    return governance(_recorded(reader, since, until), lines, since, until)


def _recorded(reader: Reader, since: Millis, until: Millis) -> Iterator[Recorded]:
    for view in incidents(reader):
        if view.opened_at < until and (view.state in OPEN or view.updated_at >= since or unfinished(view)):
            found = recorded(reader.revisions(view.id), reader.timeline(view.id), since, until)
            if found is not None:
                yield found


def incidents(reader: Reader) -> Iterator[IncidentView]:
    """The latest revision of every incident, newest first."""
    cursor = ""
    while True:
        page = reader.incidents(cursor=cursor, limit=PAGE)
        yield from (one for one in page.items if isinstance(one, IncidentView))
        cursor = page.next
        if not cursor:
            return


def millis(day: date) -> Millis:
    """Midnight in UTC, at which a day begins."""
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
