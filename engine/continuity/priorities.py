"""Whom a shared provider is restored for first, where business units conflict: open until an authority signs it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from engine.context import Context
from engine.continuity.keeping import words
from engine.errors import Refused
from engine.readiness_views import OrderSigned, Preparedness
from engine.signals import Command, Millis
from rules.ruleset import RuleSet
from topology.feasibility.conflicts import PriorityConflict, conflicts
from topology.model import UNMAPPED, Topology

AUTHORITY = "priority_authority"
"""The role of `escalation.roles` that settles conflicts of priority."""
KEPT = 1000


class ConflictOf(msgspec.Struct, kw_only=True, frozen=True):
    """A conflict and where it stands: ``open``, or ``signed`` by an authority. ``escalation``: who settles it, first
    the owners, then the authority. ``version`` is the topology's at the signature."""

    conflict: PriorityConflict
    state: str
    order: tuple[str, ...]
    by: str
    at: Millis | None
    version: str
    escalation: tuple[str, ...]


def standing(topology: Topology, rules: RuleSet, record: Preparedness) -> Iterator[ConflictOf]:
    """All conflicts. A signature holds as long as the same units meet there; one that stands in the catalogue counts if
    the authority gave it, or if the rules name none."""
    authority = rules.content.escalation.names(AUTHORITY)
    latest = {one.provider: one for one in record.orders}
    for one in conflicts(topology):
        signed = latest.get(one.provider)
        path = (*one.owners, *authority)
        if signed is not None and set(signed.order) == set(one.units):
            yield ConflictOf(conflict=one, state="signed", order=signed.order, by=signed.by, at=signed.at,
                             version=signed.topology, escalation=path)  # fmt: skip
            continue
        written = bool(one.by) and (not authority or one.by in authority)
        yield ConflictOf(
            conflict=one,
            state="signed" if written else "open",
            order=one.order if written else (),
            by=one.by if written else "",
            at=None,
            version=topology.version if written else "",
            escalation=path,
        )


def sign_order(context: Context, command: Command, now: Millis) -> None:
    """The authority settles in which order units are served by a shared provider."""
    authority = context.rules.content.escalation.names(AUTHORITY)
    if not authority:
        raise Refused(f"the rules name nobody as {AUTHORITY} under escalation.roles")
    if command.actor not in authority:
        raise Refused(f"{command.actor} does not hold the authority {AUTHORITY!r}; it is {', '.join(authority)}")
    id = context.topology.resolve(command.target) or command.target
    found = next((one for one in conflicts(context.topology) if one.provider == id), None)
    if found is None:
        raise Refused(f"no units conflict over {command.target!r}")
    order = words(command.facts["order"])
    if sorted(order) != list(found.units):
        raise Refused(f"the order names each of {', '.join(found.units)} once, separated by semicolons")
    made = OrderSigned(
        provider=id, order=order, at=now, by=command.actor, topology=context.state.topology, why=command.reason
    )
    record = context.state.readiness
    context.state.readiness = msgspec.structs.replace(record, orders=(*record.orders, made)[-KEPT:])
    text = f"{id} is restored first for {', then '.join(order)}, signed by {command.actor}: {command.reason}"
    context.tell(command.target, UNMAPPED, now, "priority", text, actor=command.actor, facts=dict(command.facts))


PRIORITIES: Mapping[str, Callable[[Context, Command, Millis], None]] = {"sign_order": sign_order}
