"""Which declared assumptions an incident puts at stake or breaks: what others take for granted of what is not up.

An assumption breaks when the entity that it is about has not been up for longer than its contract allows, or without
one its RTO; where neither is said, at once. Until then it is at stake, and it stays so while health is known only
within bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.context import Context
from engine.outcomes import AssumptionView
from engine.signals import Millis
from engine.state import Incident
from topology.continuity import Assumption
from topology.impact import Impact
from topology.model import Entity, Semantics, Topology

UP = 1000
BROKEN, AT_STAKE = "broken", "at_stake"
SHOWN = 50
"""Consumers that one assumption names."""
NAMED = 5
"""Broken assumptions that one revision names."""


def assumptions_of(
    topology: Topology, rows: Iterable[tuple[Impact, Entity | None]], at: Millis, until: Millis | None = None
) -> tuple[AssumptionView, ...]:
    """All that rest on what is hit at ``at``: the broken ones first, then those that break first. ``until`` is when the
    trouble was over."""
    found = [
        msgspec.structs.replace(_view(topology, who, one, entity, hit, at), until=until)
        for hit, entity in rows
        if entity is not None and hit.low < UP
        for who, one in topology.relied_on(hit.entity)
    ]
    return tuple(sorted(found, key=lambda v: (v.state != BROKEN, v.due is None, v.due or 0, v.entity, v.id)))


def breaks(found: Iterable[AssumptionView]) -> list[Millis]:
    """The moments at which those at stake break, by the passing of time alone."""
    return [one.due + 1 for one in found if one.state == AT_STAKE and one.due is not None and one.high < UP]


def tell_broken(context: Context, incident: Incident, before: Sequence[AssumptionView], now: Millis) -> str:
    """Tell which assumptions have broken since ``before``, and which hold again; returns those that have broken as the
    reason of a revision, "" for none."""
    was, now_ = _broken(before), _broken(incident.harm.assumptions)
    broken = [one for key, one in now_.items() if key not in was]
    for one in broken:
        facts = {"entity": one.entity, "id": one.id, "on": one.on, "since": one.since, "due": one.due}
        context.tell(incident.id, incident.domain, now, "assumption", _told(one), facts=facts)
    cut = len(incident.harm.assumptions) >= SHOWN  # who is not among them may be left out only
    for one in () if cut else (one for key, one in was.items() if key not in now_):
        facts = {"entity": one.entity, "id": one.id, "on": one.on, "since": one.since}
        text = f"an assumption of {one.entity} about {one.on} holds again ({one.id})"
        context.tell(incident.id, incident.domain, now, "assumption", text, facts=facts)
    return "; ".join(map(_told, broken[:NAMED])) + (f" and {len(broken) - NAMED} more" if len(broken) > NAMED else "")


def _broken(found: Iterable[AssumptionView]) -> dict[tuple[str, str], AssumptionView]:
    """Those that are broken now."""
    return {(one.entity, one.id): one for one in found if one.state == BROKEN and one.until is None}


def _told(one: AssumptionView) -> str:
    return f"an assumption of {one.entity} is broken ({one.id}): {one.on} is not up"


def _view(topology: Topology, who: str, one: Assumption, entity: Entity, hit: Impact, at: Millis) -> AssumptionView:
    limit, said_by = _limit(entity)
    due = None if limit is None else hit.at + 1000 * limit
    late = due is None or at > due
    contract = entity.continuity.contract
    consumers = dict.fromkeys(d.consumer for d in topology.consumers(entity.id) if d.semantics is not Semantics.INFO)
    return AssumptionView(
        entity=who,
        id=one.id,
        on=one.on,
        text=one.text,
        agreed_by=one.agreed_by,
        state=BROKEN if late and hit.high < UP else AT_STAKE,
        low=hit.low,
        high=hit.high,
        since=hit.at,
        allowed=limit,
        said_by=said_by,
        contract=contract.reference if contract is not None else "",
        due=due,
        consumers=tuple(consumers)[:SHOWN],
        consumers_total=len(consumers),
    )


def _limit(entity: Entity) -> tuple[int | None, str]:
    """For how long (seconds) an entity may be away, and what says so."""
    contract = entity.continuity.contract
    if contract is not None and contract.rto is not None:
        return contract.rto, "contract"
    return entity.rto, "rto" if entity.rto is not None else ""
