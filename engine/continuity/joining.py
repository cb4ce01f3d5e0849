"""One incident turns out to be part of another: what was begun for it goes on there."""

from __future__ import annotations

import msgspec

from engine.context import Context
from engine.response_views import Response
from engine.signals import Millis
from engine.state import Incident


def carry_response(context: Context, incident: Incident, into: Incident, now: Millis) -> None:
    """Measures, access, vendors and actions go along, under ids that name where they are from. Of two playbooks under
    way the one of the older incident goes on; the other one is kept as given up."""
    gone, there = incident.response, into.response
    for kind in ("brief", "review"):
        context.timers.cancel(kind, incident.id)
    if gone == Response():
        return
    grants = tuple(msgspec.structs.replace(one, id=f"{incident.id}/{one.id}") for one in gone.grants)
    vendors = tuple(msgspec.structs.replace(one, id=f"{incident.id}/{one.id}") for one in gone.vendors)
    for before, grant in zip(gone.grants, grants, strict=True):
        context.timers.cancel("grant", f"{incident.id}|{before.id}")
        if grant.state == "granted" and grant.until is not None:
            context.timers.set(grant.until, "grant", f"{into.id}|{grant.id}")
    for call, vendor in zip(gone.vendors, vendors, strict=True):
        context.timers.cancel("vendor", f"{incident.id}|{call.id}")
        if vendor.due is not None and vendor.answered_at is None and not vendor.breached:
            context.timers.set(vendor.due + 1, "vendor", f"{into.id}|{vendor.id}")
    running, past = there.execution, (*there.past, *gone.past)
    if running is None:
        running = gone.execution
    elif gone.execution is not None:
        why = f"{incident.id} became part of {into.id}"
        past = (*past, msgspec.structs.replace(gone.execution, ended_at=now, ended_why=why))
    problem = gone.problem and msgspec.structs.replace(gone.problem, id=f"{incident.id}/{gone.problem.id}")
    into.response = msgspec.structs.replace(
        there,
        version=there.version + 1,
        execution=running,
        past=past[-20:],
        deviations=(*there.deviations, *gone.deviations),
        measures=(
            *there.measures,
            *(msgspec.structs.replace(one, id=f"{incident.id}/{one.id}") for one in gone.measures),
        ),
        grants=(*there.grants, *grants),
        vendors=(*there.vendors, *vendors),
        briefings=tuple(sorted((*there.briefings, *gone.briefings), key=lambda one: one.at)),
        actions=(
            *there.actions,
            *(msgspec.structs.replace(one, id=f"{incident.id}/{one.id}") for one in gone.actions),
        ),
        catalogue=(*there.catalogue, *(one for one in gone.catalogue if one.id not in {o.id for o in there.catalogue})),
        assessor=there.assessor or gone.assessor,
        handover=there.handover or gone.handover,
        problem=there.problem or problem,
    )
