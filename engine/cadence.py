"""Updates that stakeholders were promised: what happens when one is not given in time."""

from __future__ import annotations

from collections.abc import Iterable

from engine.clock_words import when
from engine.context import Context
from engine.lifecycle import OPEN
from engine.people_views import Status
from engine.signals import Millis
from engine.state import Incident
from engine.telling import Manner, promise, tell_incident


def update_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``update``: stakeholders should have heard by now. Tell those who work on it, once for each promise."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state not in OPEN or incident.next_update_at is None:
        return
    incident.update_overdue = True
    text = f"Stakeholders were to hear of it by {when(due)}, and nobody has written"
    context.tell(name, incident.domain, due, "overdue", text, facts={"due": due, "severity": incident.level})
    tell_incident(context, incident, "overdue", due, text, lines=(text,), how=Manner(audiences=("engineers",)))


def give_update(context: Context, incident: Incident, text: str, by: str, now: Millis) -> None:
    """A person tells stakeholders how it stands; the ticket keeps it too."""
    incident.status = Status(text=text, by=by, at=now)
    context.tell(incident.id, incident.domain, now, "status", text, actor=by)
    how = Manner(audiences=("stakeholders", "tickets"), at_once=True)
    line = f"Status from {by}: {text}"
    tell_incident(context, incident, "update", now, line, lines=(line,), how=how)


def written(context: Context, incident: Incident, now: Millis) -> None:
    """Somebody wrote about it: the time until the next update begins anew."""
    if incident.next_update_at is not None:
        promise(context, incident, now)
        context.revise(incident, now, "somebody wrote about it")


def people_gauges(incidents: Iterable[Incident]) -> dict[str, float]:
    """How many incidents wait for an update, and for somebody who acknowledges."""
    open_ = [one for one in incidents if one.state in OPEN and one.told]
    return {
        "updates_overdue": sum(one.update_overdue for one in open_),
        "unacknowledged": sum(bool(one.called) and one.acknowledged_at is None for one in open_),
    }
