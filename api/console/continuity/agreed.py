"""What is agreed before anything happens, for the page between incidents: priorities, scope, assumptions, report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from api.console.continuity.deeds import Ask, Deed, Desk
from api.console.permits import Permitted
from api.console.sharing import Shared
from api.feasibility import day_of
from api.governance.gathering import incidents
from api.governance.objectives import scope_of
from api.parts import Parts
from engine.continuity.assumed import AssumedOf, assumed
from engine.continuity.priorities import AUTHORITY, ConflictOf, standing
from engine.policy import ACTIONS
from engine.readiness_views import Preparedness

PERIOD = timedelta(days=89)
"""Before the last day of the period that is offered."""
LOOKED = 30.0
"""Seconds for which a look at all incidents lasts."""
SHOWN = 100
OPEN, BROKEN, CURRENT = "open", "broken", "current"


def agreed(running: Parts, shared: Shared, record: Preparedness, permitted: Permitted) -> dict[str, Any]:
    """The values of the template: open conflicts, broken assumptions and weak exclusions first."""
    topology, rules, today = running.topology(), running.rules(), day_of(running.clock())
    found = sorted(standing(topology, rules, record), key=lambda one: (one.state != OPEN, one.conflict.provider))
    left_out = sorted(scope_of(topology, rules, today).items, key=lambda one: (one.standing == CURRENT, one.id))
    taken = shared.kept("assumed", LOOKED, lambda: _assumed(running, record))
    yesterday = today - timedelta(days=1)
    return {
        "priorities": [(one, _sign(one, str(place), permitted)) for place, one in enumerate(found[:SHOWN])],
        "authority": rules.content.escalation.names(AUTHORITY),
        "scope": left_out[:SHOWN],
        "scope_more": max(0, len(left_out) - SHOWN),
        "assumptions": taken[:SHOWN],
        "assumptions_more": max(0, len(taken) - SHOWN),
        "period": (yesterday - PERIOD, yesterday),
        "report_needs": "" if permitted("governance") else ACTIONS["governance"].role.name.lower(),
    }


def _assumed(running: Parts, record: Preparedness) -> list[AssumedOf]:
    """Without a look at incidents where nothing is assumed."""
    topology = running.topology()
    if not any(one.continuity.assumptions for one in topology.entities.values()):
        return []
    return assumed(topology, record, incidents(running.reader))


def _sign(one: ConflictOf, place: str, permitted: Permitted) -> Deed:
    """Named by its place, as its id may be anything; the engine looks who holds the authority."""
    provider = one.conflict.provider
    hint = "; ".join(one.order or one.conflict.order or one.conflict.units)
    order = Ask(name="order", label="In which order, with ; between", hint=hint)
    return Desk(provider, permitted).deed(
        "sign_order", "Sign the order" if one.state == OPEN else "Sign anew", f"Who needs {provider}", order, key=place
    )
