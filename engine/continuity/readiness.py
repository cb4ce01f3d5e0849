"""Records between incidents, as commands: exercises held, backups restored, vendors reached, contracts reviewed.

Also what is counted by itself: when playbooks changed, and how long restorations took to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import xxhash

from engine.context import Context
from engine.continuity.assumed import named
from engine.continuity.keeping import number, words
from engine.errors import Refused
from engine.readiness_views import Confirmed, ContractReviewed, ExerciseDone, RestoreTest
from engine.signals import Command, Millis
from engine.state import Incident
from topology.model import UNMAPPED

KEPT = 1000
TERNARY = ("yes", "no", "unknown")
replace = msgspec.structs.replace


def record_exercise(context: Context, command: Command, now: Millis) -> None:
    """An exercise of the calendar was held; nobody has the same role twice running."""
    facts = command.facts
    known = {one.id: one for one in context.rules.continuity.exercises}
    exercise = known.get(command.target)
    if exercise is None:
        raise Refused(f"no exercise {command.target!r}; there are {', '.join(known) or 'none'}")
    people = _people(facts.get("people", ""))
    wrong = [f"role {role} is not filled" for role in exercise.roles if role not in dict(people)]
    done = context.state.readiness.exercises
    last = next((one for one in reversed(done) if one.exercise == exercise.id), None)
    before = dict(last.people) if last is not None else {}
    again = [f"{person} was {role} the last time too" for role, person in people if before.get(role) == person]
    if facts["passed"] not in ("yes", "no", "partly"):
        wrong.append("passed is yes, no or partly")
    if again and not command.reason.strip():
        wrong += [f"{one} (a reason lets it stand)" for one in again]
    if wrong:
        raise Refused("; ".join(wrong))
    made = ExerciseDone(
        exercise=exercise.id,
        at=now,
        by=command.actor,
        passed=facts["passed"],
        findings=facts.get("findings", ""),
        people=people,
        drill=facts.get("drill", ""),
        broke=named(context.topology, words(facts.get("broke", ""))),
    )
    text = f"Exercise {exercise.id} ({exercise.kind}) held, passed: {made.passed}"
    text += f"; {made.findings}" if made.findings else ""
    text += f"; broke {', '.join(made.broke)}" if made.broke else ""
    text += f"; {', '.join(again)}: {command.reason}" if again else ""
    _keep(context, command, now, "exercise", text, exercises=(*done, made)[-KEPT:])


def _people(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [one.split("=", 1) for one in text.replace(";", ",").split(",") if one.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise Refused("people are written as role=person, role=person")
    return tuple((role.strip(), person.strip()) for role, person in pairs)


def record_restore_test(context: Context, command: Command, now: Millis) -> None:
    """A backup was restored in a test."""
    entity = context.topology.resolve(command.target)
    if entity is None:
        raise Refused(f"no entity {command.target!r}")
    facts = command.facts
    if facts["integrity"] not in TERNARY:
        raise Refused("integrity is yes, no or unknown")
    made = RestoreTest(
        entity=entity,
        at=now,
        by=command.actor,
        seconds=number(command, "seconds", 0, 10**8),
        integrity=facts["integrity"],
        age=number(command, "age", 0, 10**9) if facts.get("age") else None,
        mb_per_second=number(command, "mb_per_second", 0, 10**7) if facts.get("mb_per_second") else 0,
        note=command.reason,
    )
    text = f"Restore of {entity} tested: {made.seconds} s, integrity {made.integrity}"
    restores = (*context.state.readiness.restores, made)[-KEPT:]
    _keep(context, command, now, "restore_test", text, restores=restores)


def confirm_contact(context: Context, command: Command, now: Millis) -> None:
    """Somebody tried to reach a vendor."""
    vendor = context.rules.continuity.vendor(command.target)
    if vendor is None:
        raise Refused(f"no vendor {command.target!r}")
    if command.facts["reached"] not in ("yes", "no"):
        raise Refused("reached is yes or no")
    reached = command.facts["reached"] == "yes"
    made = Confirmed(vendor=vendor.id, at=now, by=command.actor, reached=reached, note=command.reason)
    text = f"Vendor {vendor.id} {'was reached' if reached else 'could not be reached'}, says {command.actor}"
    contacts = (*context.state.readiness.contacts, made)[-KEPT:]
    _keep(context, command, now, "contact", text, contacts=contacts)


def review_contract(context: Context, command: Command, now: Millis) -> None:
    """A contract was looked at: capacity, separation, access."""
    entity = context.topology.resolve(command.target)
    known = context.topology.entities.get(entity or "")
    if known is None or known.continuity.contract is None:
        raise Refused(f"{command.target!r} is no entity with a contract")
    facts = command.facts
    wrong = [f"{name} is yes, no or unknown" for name in ("capacity", "separation", "access")
             if facts[name] not in TERNARY]  # fmt: skip
    if wrong:
        raise Refused("; ".join(wrong))
    made = ContractReviewed(
        entity=known.id,
        at=now,
        by=command.actor,
        capacity=facts["capacity"],
        separation=facts["separation"],
        access=facts["access"],
        note=command.reason,
    )
    text = f"Contract of {known.id} reviewed: capacity {made.capacity}, separation {made.separation}"
    contracts = (*context.state.readiness.contracts, made)[-KEPT:]
    _keep(context, command, now, "contract", f"{text}, access {made.access}", contracts=contracts)


def _keep(context: Context, command: Command, now: Millis, kind: str, text: str, **changes: object) -> None:
    context.state.readiness = replace(context.state.readiness, **changes)
    context.tell(command.target, UNMAPPED, now, kind, text, actor=command.actor, facts=dict(command.facts))


def playbooks_changed(context: Context, now: Millis) -> None:
    """Other rules are in force: which playbooks are new or have changed."""
    known = {id: (digest, since) for id, digest, since in context.state.readiness.revised}
    revised: list[tuple[str, str, Millis]] = []
    updates = list(context.state.readiness.updates)
    for playbook in context.rules.continuity.playbooks:
        content = msgspec.structs.replace(playbook, file="")
        digest = xxhash.xxh3_64_hexdigest(msgspec.json.encode(content, order="deterministic"))
        before = known.get(playbook.id)
        if before is not None and before[0] == digest:
            revised.append((playbook.id, digest, before[1]))
            continue
        revised.append((playbook.id, digest, now))
        updates.append((playbook.id, now))
    if revised or known:
        context.state.readiness = replace(
            context.state.readiness, revised=tuple(revised), updates=tuple(updates[-KEPT:])
        )


def restoration_began(context: Context, incident: Incident, now: Millis) -> None:
    """Count how long it took from the declaration to the first step, once per incident."""
    known = context.state.readiness.initiated
    if incident.declared_at is None or any(one[0] == incident.id for one in known):
        return
    initiated = (*known, (incident.id, incident.declared_at, now))[-KEPT:]
    context.state.readiness = replace(context.state.readiness, initiated=initiated)


READINESS: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "record_exercise": record_exercise,
    "record_restore_test": record_restore_test,
    "confirm_contact": confirm_contact,
    "review_contract": review_contract,
}
