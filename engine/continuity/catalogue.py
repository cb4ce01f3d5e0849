"""What the catalogue should say after an incident (practice 6.5): edges that were seen, what people say, measures that
stay. Proposed; accepted or refused by a named person; never changed by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from engine.context import Context
from engine.continuity.keeping import MOST, among, incident_of, keep, one_of
from engine.errors import Conflict, Refused
from engine.evidence.traces.observed import ObservedEdge, observed
from engine.response_views import CatalogueChange, Measure
from engine.signals import Command, Millis
from engine.state import Incident
from topology.attributes import FACT, said, written

DEPENDENCY, ATTRIBUTE, MEASURE = "dependency", "attribute", "measure"
"""Kinds."""
DEPENDS = "depends_on"
replace = msgspec.structs.replace


def check_change(context: Context, entity: str, field: str, value: str) -> str:
    """The value as a catalogue has it. Raises `Refused` for what no catalogue can say."""
    if not field and not value:
        return ""
    if context.topology.resolve(entity) is None:
        raise Refused(f"no entity {entity!r} whose {field} could change")
    if field == DEPENDS:
        if context.topology.resolve(value) is None:
            raise Refused(f"no entity {value!r} to depend on")
        return value
    try:
        return written(field, value)
    except ValueError as error:
        raise Refused(str(error)) from None


def propose_change(context: Context, command: Command, now: Millis) -> None:
    """A person says what an attribute or dependency is from now on."""
    incident = incident_of(context, command, open_only=False)
    facts = command.facts
    value = check_change(context, facts["entity"], facts["field"], facts["value"])
    one = _change(context, ATTRIBUTE, facts["entity"], facts["field"], value, command.reason, now, command.actor)
    if one.before == one.after:
        raise Refused(f"{one.field} of {one.entity} is {one.after} already")
    _propose(context, incident, one, now)


def propose_measure(context: Context, incident: Incident, measure: Measure, now: Millis) -> None:
    """A temporary measure stays: the catalogue says so, in the attribute that was named, else in a fact."""
    if context.topology.resolve(measure.entity) is None:
        return
    field = measure.field or f"{FACT}{incident.id}-{measure.id}".replace("/", "-")
    value = check_change(context, measure.entity, measure.field, measure.value) or " ".join(measure.text.split())[:500]
    because = f"{measure.kind} {measure.id} stays, says {measure.ended_by}: {measure.why}"
    _propose(
        context, incident, _change(context, MEASURE, measure.entity, field, value, because, now, measure.ended_by), now
    )


def propose_edges(context: Context, incident: Incident, now: Millis) -> None:
    """Calls between entities of the incident that spans show and nobody declared."""
    for edge in sorted(_undeclared(context, incident), key=lambda one: (one.consumer, one.provider)):
        because = f"spans show {edge.calls} calls, {edge.failed} of them failed, and no dependency is declared"
        _propose(
            context, incident, _change(context, DEPENDENCY, edge.consumer, DEPENDS, edge.provider, because, now), now
        )


def _undeclared(context: Context, incident: Incident) -> Iterator[ObservedEdge]:
    hit, belong = (one.entity for one in incident.impact), (one.entity for one in incident.members)
    concerned = {incident.cause, *incident.entities, *hit, *belong}
    topology = context.topology
    began = min(incident.onset, incident.opened_at)
    for edge in observed(context.state.traces, lambda *ends: _declared(context, *ends)):
        known = edge.consumer in topology.entities and edge.provider in topology.entities
        if known and not edge.declared and {edge.consumer, edge.provider} & concerned and edge.last >= began:
            yield edge


def _declared(context: Context, consumer: str, provider: str) -> bool:
    return any(one.provider == provider for one in context.topology.providers(consumer))


def _change(
    context: Context, kind: str, entity: str, field: str, after: str, because: str, now: Millis, by: str = ""
) -> CatalogueChange:
    id = context.topology.resolve(entity) or entity
    other = context.topology.resolve(after) or after
    if field == DEPENDS:
        before, after = (other if _declared(context, id, other) else ""), other
    else:
        before = said(context.topology.entities[id], field)
    return CatalogueChange(
        id=f"{id}.{field}",
        kind=kind,
        entity=id,
        field=field,
        before=before,
        after=after,
        because=because,
        at=now,
        by=by,
    )


def _propose(context: Context, incident: Incident, one: CatalogueChange, now: Millis) -> None:
    """Unless the same was proposed; another value for what is open takes its place."""
    known = incident.response.catalogue
    if one.field == DEPENDS:
        one = replace(one, id=f"{one.id}.{one.after}")
    same = next((old for old in known if old.id == one.id), None)
    if same is not None and (same.after == one.after or same.state != "open"):
        return
    if len(known) >= MOST:
        raise Refused(f"there are {MOST} of these already")
    one = one if same is None else replace(one, version=same.version + 1)
    changes = (*known, one) if same is None else among(known, one)
    what = f"{one.entity} {one.field}: {one.before or 'nothing'} → {one.after}"
    text = f"Change of the catalogue proposed: {what}; {one.because}"
    facts = {"id": one.id, "kind": one.kind}
    keep(context, incident, now, "catalogue", text, actor=one.by, facts=facts, quiet=True, catalogue=changes)


def accept_change(context: Context, command: Command, now: Millis) -> None:
    """It is right: whoever keeps the catalogue takes it over from the patch."""
    _settle(context, command, now, "accepted")


def refuse_change(context: Context, command: Command, now: Millis) -> None:
    """It is not, for a reason."""
    _settle(context, command, now, "refused")


def _settle(context: Context, command: Command, now: Millis, state: str) -> None:
    incident = incident_of(context, command, open_only=False)
    known = incident.response.catalogue
    found = one_of(known, command.facts["change"], "change", command.facts.get("version", ""))
    if found.state != "open":
        raise Conflict(f"change {found.id} was {found.state} by {found.ended_by}")
    made = replace(
        found, state=state, ended_at=now, ended_by=command.actor, why=command.reason, version=found.version + 1
    )
    text = f"Change of the catalogue {state} by {command.actor}: {found.entity} {found.field} → {found.after}"
    text += f": {command.reason}" if command.reason else ""
    facts = {"id": found.id, "state": state}
    changes = among(known, made)
    keep(context, incident, now, "catalogue", text, actor=command.actor, facts=facts, catalogue=changes)


CATALOGUE: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "propose_change": propose_change,
    "accept_change": accept_change,
    "refuse_change": refuse_change,
}
