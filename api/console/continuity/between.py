"""What is kept ready between incidents, as a page: duty, exercises, drills, reviews, contracts, playbooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from api import continuity
from api.console.continuity.agreed import agreed
from api.console.continuity.deeds import Ask, Deed, Desk
from api.console.continuity.response import record_of
from api.console.continuity.source import source_of
from api.console.continuity.steps import planned
from api.console.permits import Permitted
from api.console.sharing import Shared
from api.console.states import BUSINESS
from api.parts import Parts
from engine.continuity.figures import Due
from engine.lifecycle import State
from engine.outcomes import IncidentView
from rules.playbooks import Playbook
from rules.playbooks.policy import Exercise
from topology.feasibility.checks import priority_conflict
from topology.feasibility.findings import Level
from topology.model import Entity, Topology

LOOKED = 400
"""Incidents that are over which are looked at for reviews and actions."""
SHOWN = 20
SERVICES = 60
TERNARY = (("yes", "yes"), ("no", "no"), ("unknown", "not known"))
PASSED = (("yes", "yes"), ("partly", "partly"), ("no", "no"))


def readiness_page(running: Parts, shared: Shared, permitted: Permitted) -> dict[str, Any]:
    """The values of the template."""
    now, topology, rules = running.clock(), running.topology(), running.rules()
    record = record_of(running)
    found = continuity.readiness(topology, rules, record, now)
    findings = running.audits.on().findings
    known = {one.id: one for one in rules.continuity.exercises}
    over = shared.kept("over", 5, lambda: _over(running))
    objectives = _objectives(topology)[:SERVICES]
    return {
        "title": "Continuity",
        "now": now,
        "figures": found.figures,
        "business": [one for one in objectives if one.kind.value in BUSINESS],
        "objectives": [one for one in objectives if one.kind.value not in BUSINESS],
        "unmet": sum(one.severity is Level.ERROR and one.check != priority_conflict.ID for one in findings),
        "duty": continuity.duty(topology, rules, record, now),
        "exercises": [
            (one, known[one.id], _last_people(record.exercises, one.id), _exercise(known[one.id], permitted))
            for one in found.due
            if one.id in known and one.kind == known[one.id].kind
        ],
        "drills": running.reader.incidents(drill=True, limit=SHOWN).items,
        "reviews": [view for view in over if _awaits_review(view)],
        "actions": [(view, one) for view in over for one in view.response.actions if one.done_at is None],
        "contracts": [(one, _contract(one, permitted)) for one in found.due if one.kind == "contract"],
        "contacts": {one.id: (one, _contact(one, permitted)) for one in found.due if one.kind == "contact"},
        "restores": found.restores,
        "restore": _restore(topology, permitted),
        "playbooks": found.playbooks,
        **agreed(running, shared, record, permitted),
        "declared": bool(rules.continuity.playbooks or rules.continuity.rosters or rules.continuity.exercises),
    }


def playbook_page(running: Parts, shared: Shared, found: Playbook, permitted: Permitted) -> dict[str, Any]:
    """One playbook in force."""
    topology, rules, now = running.topology(), running.rules(), running.clock()
    told = continuity.playbook_of(found, topology, rules, running.version, now)
    return {
        "title": f"Playbook {found.id}",
        "told": told,
        "playbook": found,
        "graph": planned(found, told.critical),
        "tasks": [one for id in told.order if (one := found.task(id)) is not None],
        **source_of(running, shared, permitted),
    }


def _over(running: Parts) -> list[IncidentView]:
    """Real incidents and drills that are over, those whose review is due first before the others."""
    found: list[IncidentView] = []
    cursor = ""
    while len(found) < LOOKED:
        page = running.reader.incidents(state=["resolved", "reviewed"], cursor=cursor, limit=200)
        found += cast("list[IncidentView]", page.items)
        cursor = page.next
        if not cursor:
            break
    return sorted(found, key=lambda one: (one.response.review.due if one.response.review else 0, one.id))


def _awaits_review(view: IncidentView) -> bool:
    review = view.response.review
    return view.state == State.RESOLVED and review is not None and review.held_at is None


def _objectives(topology: Topology) -> list[Entity]:
    """Business first, then the most critical of those that have an objective."""
    found = [one for one in topology.entities.values() if one.rto is not None or one.rpo is not None]
    return sorted(found, key=lambda one: (one.kind.value not in BUSINESS, 9 if one.tier is None else one.tier, one.id))


def _last_people(held: Sequence[Any], exercise: str) -> tuple[tuple[str, str], ...]:
    return next((one.people for one in reversed(held) if one.exercise == exercise), ())


def _exercise(one: Exercise, permitted: Permitted) -> Deed:
    roles = ", ".join(f"{role}=…" for role in one.roles)
    return Desk(one.id, permitted).deed(
        "record_exercise", "Record", one.title,
        Ask(name="passed", label="Passed", kind="choice", options=PASSED),
        Ask(name="people", label="Who had which role", needed=bool(one.roles), hint=roles),
        Ask(name="findings", label="What was found", kind="area", needed=False),
        Ask(name="drill", label="Measured by the drill", needed=False, hint="DRILL-…"), key=one.id,
    )  # fmt: skip


def _contract(one: Due, permitted: Permitted) -> Deed:
    asks = [Ask(name=name, label=name.title(), kind="choice", options=TERNARY) for name in _PROMISED]
    return Desk(one.id, permitted).deed("review_contract", "Reviewed", one.title, *asks, key=one.id)


_PROMISED = ("capacity", "separation", "access")


def _contact(one: Due, permitted: Permitted) -> Deed:
    reached = Ask(name="reached", label="Reached", kind="choice", options=TERNARY[:2])
    return Desk(one.id, permitted).deed("confirm_contact", "Tried", one.title, reached, key=one.id)


def _restore(topology: Topology, permitted: Permitted) -> list[Deed]:
    """A restore test of each data store; named by its place, as its id may be anything."""
    stores = [one for one in _objectives(topology) if one.kind.value == "database"][:SHOWN]
    return [
        Desk(one.id, permitted).deed(
            "record_restore_test", one.id, f"Restore test of {one.id}", *_measured(), key=str(place)
        )
        for place, one in enumerate(stores)
    ]


def _measured() -> Iterator[Ask]:
    yield Ask(name="seconds", label="Took how many seconds", kind="number")
    yield Ask(name="integrity", label="Integrity", kind="choice", options=TERNARY)
    yield Ask(name="age", label="How old the data was, in seconds", kind="number", needed=False)
    yield Ask(name="mb_per_second", label="Megabytes a second", kind="number", needed=False)
