"""Vendors called for help: the clock of what they promised, and what they answered, as evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.context import Context
from engine.continuity.keeping import among, incident_of, keep, next_id, one_of
from engine.errors import Conflict, Refused
from engine.response_views import VendorCall
from engine.signals import Command, Millis
from rules.duty import Vendor


def call_vendor(context: Context, command: Command, now: Millis) -> None:
    """A vendor is asked to help; from now on their clock runs."""
    incident = incident_of(context, command)
    asked, known = command.facts["vendor"], context.rules.continuity.vendors
    vendor = context.rules.continuity.vendor(asked)
    if vendor is None:
        raise Refused(f"no vendor {asked!r}; there are {', '.join(one.id for one in known) or 'none'}")
    calls = incident.response.vendors
    promised, contract = promise_of(context, vendor)
    contact = vendor.contacts[0] if vendor.contacts else None
    made = VendorCall(
        id=next_id(calls, "call"),
        vendor=vendor.id,
        text=command.facts["text"],
        at=now,
        by=command.actor,
        contact=f"{contact.name}, {contact.reach}" if contact else "",
        contract=contract,
        due=None if promised is None else now + promised,
    )
    if made.due is not None:
        context.timers.set(made.due + 1, "vendor", f"{incident.id}|{made.id}")
    text = f"Vendor {vendor.id} called ({made.id}): {made.text}"
    text += f"; to answer within {promised // 60_000} min" if promised is not None else "; no response time is agreed"
    facts = {"id": made.id, "vendor": vendor.id, "due": made.due, "contract": contract}
    keep(context, incident, now, "vendor", text, actor=command.actor, facts=facts, vendors=(*calls, made))


def promise_of(context: Context, vendor: Vendor) -> tuple[Millis | None, str]:
    """How soon a vendor has to answer, and the contract that says so."""
    entity = context.topology.entities.get(context.topology.resolve(vendor.entity) or "")
    contract = entity.continuity.contract if entity is not None else None
    reference = contract.reference if contract is not None else ""
    if vendor.response is not None:
        return vendor.response, reference
    if contract is None or contract.response is None:
        return None, reference
    return contract.response * 1000, reference


def vendor_answered(context: Context, command: Command, now: Millis) -> None:
    """They answered."""
    incident = incident_of(context, command, open_only=False)
    calls = incident.response.vendors
    found = one_of(calls, command.facts["call"], "call", command.facts.get("version", ""))
    if found.answered_at is not None:
        raise Conflict(f"call {found.id} was answered already, says {found.answered_by}")
    late = found.due is not None and now > found.due
    made = msgspec.structs.replace(
        found,
        answered_at=now,
        answered_by=command.actor,
        answer=command.facts["text"],
        breached=late,
        version=found.version + 1,
    )
    context.timers.cancel("vendor", f"{incident.id}|{found.id}")
    took = (now - found.at) // 60_000
    text = f"Vendor {found.vendor} answered {found.id} after {took} min{', too late' if late else ''}: {made.answer}"
    facts = {"id": found.id, "vendor": found.vendor, "breached": late, "minutes": took}
    keep(context, incident, now, "vendor", text, actor=command.actor, facts=facts, vendors=among(calls, made))


def vendor_due(context: Context, key: str, due: Millis) -> None:
    """Timer ``vendor``: their time is over, and they have not answered."""
    name, _, id = key.partition("|")
    incident = context.state.incidents.get(name)
    found = next((one for one in incident.response.vendors if one.id == id), None) if incident else None
    if incident is None or found is None or found.answered_at is not None or found.breached:
        return
    late = msgspec.structs.replace(found, breached=True, version=found.version + 1)
    text = f"Vendor {found.vendor} has not answered {found.id} in time"
    text += f" (contract {found.contract})" if found.contract else ""
    facts = {"id": id, "vendor": found.vendor, "due": found.due, "contract": found.contract}
    vendors = among(incident.response.vendors, late)
    keep(context, incident, due, "vendor_late", text, facts=facts, urgent=True, vendors=vendors)


VENDORS: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "call_vendor": call_vendor,
    "vendor_answered": vendor_answered,
}
