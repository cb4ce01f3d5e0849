"""What a gate finds when it looks: numbers of copies, answers of probes, windows, the recovery verdict.

Missing evidence is never evidence of health: a gate whose check cannot run stays closed, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from engine.context import Context
from engine.evidence.answers import NO, YES
from engine.exposure import seen_at
from engine.response_views import CLOSED, OVERRIDDEN, PASSED, GateView
from engine.signals import Millis
from engine.state import CopiesSeen, Incident
from rules.playbooks import Gate
from rules.playbooks.model import ATTESTED, BACKUP, CHANGE_WINDOW, CONSISTENCY, LAG, PROBE, RECOVERY

PROVEN = frozenset({"restored", "improved"})


class _Found(NamedTuple):
    passed: bool
    why: str
    could_run: bool = True
    evidence: Mapping[str, object] = {}


def look(context: Context, incident: Incident, gate: Gate, before: GateView, now: Millis) -> GateView:
    """The gate as it is now. What a person attested or took responsibility for stands."""
    if before.state == OVERRIDDEN or (gate.check == ATTESTED and before.state == PASSED):
        return before
    found = _LOOKS[gate.check](context, incident, gate, now)
    return GateView(
        id=gate.id,
        check=gate.check,
        state=PASSED if found.passed else CLOSED,
        why=found.why,
        at=now,
        could_run=found.could_run,
        evidence=dict(found.evidence),
        version=before.version + 1,
    )


def _lag(context: Context, incident: Incident, gate: Gate, now: Millis) -> _Found:
    """The worst copy's lag: as seen when the store went down, else as seen lately."""
    entity = context.topology.resolve(gate.entity) or gate.entity
    at_failure = incident.copies.get(entity, CopiesSeen()).lag
    seen = at_failure or seen_at(context.state.copies.get(entity, {}), now).lag
    if seen is None:
        return _Found(False, f"it cannot be checked: no replication lag of {entity} is known", could_run=False)
    return _at_most(seen[1], gate.at_most, f"replication lag of {entity}")


def _backup(context: Context, incident: Incident, gate: Gate, now: Millis) -> _Found:
    """The age of the freshest backup."""
    entity = context.topology.resolve(gate.entity) or gate.entity
    seen = seen_at(context.state.copies.get(entity, {}), now).backup
    if seen is None:
        return _Found(False, f"it cannot be checked: no backup age of {entity} is known", could_run=False)
    return _at_most(seen[0], gate.at_most, f"backup age of {entity}")


def _at_most(value: Millis, most: Millis, what: str) -> _Found:
    said = f"{what} is {value / 1000:g} s, at most {most / 1000:g} s is allowed"
    return _Found(value <= most, said, evidence={"seconds": value / 1000, "at_most": most / 1000})


def _answer(context: Context, incident: Incident, gate: Gate, now: Millis) -> _Found:
    """The latest answer of a probe or data check, if it is fresh and made in this trouble."""
    known = context.state.answers.get(gate.name)
    last = known.last if known is not None else None
    if last is None:
        return _Found(False, f"it cannot be checked: {gate.name} has never answered", could_run=False)
    evidence = {"at": last.at, "passed": last.passed, "value": last.value, "detail": last.detail}
    if last.at < max(now - gate.max_age, incident.onset):
        age = (now - last.at) // 1000
        why = f"it cannot be checked: the last answer of {gate.name} is {age} s old"
        return _Found(False, why, could_run=False, evidence=evidence)
    if last.passed == YES:
        return _Found(True, f"{gate.name} passed", evidence=evidence)
    detail = f": {last.detail}" if last.detail else ""
    if last.passed == NO:
        return _Found(False, f"{gate.name} failed{detail}", evidence=evidence)
    why = f"it cannot be checked: {gate.name} could not be made{detail}"
    return _Found(False, why, could_run=False, evidence=evidence)


def _window(context: Context, incident: Incident, gate: Gate, now: Millis) -> _Found:
    entity = context.topology.resolve(gate.entity) or gate.entity
    found = context.rules.maintained(entity, now, now + 1)
    if found:
        return _Found(True, f"within the change window {found}", evidence={"window": found})
    by = f"; {gate.authority} may take it on as an emergency" if gate.authority else ""
    return _Found(False, f"no change window of {entity} is open{by}")


def _recovery(context: Context, incident: Incident, gate: Gate, now: Millis) -> _Found:
    seen = incident.recovery
    if seen is None:
        return _Found(False, "it cannot be checked: recovery has not been judged yet", could_run=False)
    return _Found(seen.verdict in PROVEN, f"recovery is {seen.verdict}", evidence={"verdict": seen.verdict})


def _attested(context: Context, incident: Incident, gate: Gate, now: Millis) -> _Found:
    return _Found(False, f"{gate.authority} has to attest: {gate.text}")


_LOOKS: Mapping[str, Callable[[Context, Incident, Gate, Millis], _Found]] = {
    LAG: _lag,
    BACKUP: _backup,
    CONSISTENCY: _answer,
    PROBE: _answer,
    CHANGE_WINDOW: _window,
    RECOVERY: _recovery,
    ATTESTED: _attested,
}
