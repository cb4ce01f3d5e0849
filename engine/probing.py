"""Answers of probes and data checks: kept as evidence, and as series; and which of them are wanted more often.

Making a check is an effect of the shell, its answer is a signal (law 3). What is wanted follows from the incidents that
are open, as their revisions show them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.checked import MISSING
from engine.context import Context
from engine.evidence.answers import DURATION, SUCCESS, UNKNOWN, YES, Answered
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.signals import Answer, Labels, Millis
from engine.stance import evidence_came
from rules.probes import CHECK_KINDS, PROBE_KINDS


class Wanted(msgspec.Struct, frozen=True):
    """``often``: entities whose probes are to be made more often. ``restored``: entities whose data is to be checked,
    with the recovery that wants it."""

    often: frozenset[str] = frozenset()
    restored: dict[str, str] = {}


def wanted(incidents: Iterable[IncidentView]) -> Wanted:
    """What the open incidents ask for: all that they touch is probed more often, and the data of what they touch is
    checked once none of an incident's alerts fires any more."""
    often: set[str] = set()
    restored: dict[str, str] = {}
    for one in incidents:
        if one.state not in OPEN:
            continue
        touched = {*one.entities, *(hit.entity for hit in one.impact), *((one.cause,) if one.cause else ())}
        often |= touched
        if one.alerts and not one.firing:
            restored |= dict.fromkeys(sorted(touched), _recovering(one))
    return Wanted(frozenset(often), restored)


def _recovering(one: IncidentView) -> str:
    """The recovery by name. Where data was checked before what turned out to be the last alert's end, it is another."""
    found = one.recovery
    checks = found.checks if found is not None else ()
    early = any(check.passed == MISSING and check.kind in CHECK_KINDS for check in checks)
    return f"{one.id} since {found.since}" if found is not None and early else one.id


def take_answer(context: Context, answer: Answer, now: Millis) -> None:
    """Keep an answer. One that the rules in force do not ask for (they have just changed) is only counted."""
    state = context.state
    if _declared(context).get(answer.probe) != answer.entity:
        state.answers_ignored += 1
        return
    if answer.at > now:
        answer = msgspec.structs.replace(answer, at=now)
    known = state.answers.get(answer.probe)
    if known is None:
        known = state.answers[answer.probe] = Answered(answer.entity, answer.kind)
    if not known.add(answer):
        return
    evidence_came(context, _entity(context, answer.entity), now)
    if answer.kind in PROBE_KINDS and answer.passed != UNKNOWN:
        _keep(context, answer)


def forget_undeclared(context: Context) -> None:
    """Other rules are in force: what they do not ask for is forgotten, and so is what was said of another entity."""
    declared = _declared(context)
    for name, known in list(context.state.answers.items()):
        if declared.get(name) != known.entity:
            del context.state.answers[name]


def _declared(context: Context) -> dict[str, str]:
    """Id of every probe and data check -> its entity."""
    rules = context.rules
    return {one.id: one.entity for one in rules.probes} | {one.id: one.entity for one in rules.data_checks}


def _keep(context: Context, answer: Answer) -> None:
    """As samples of two series of the entity."""
    entity = _entity(context, answer.entity)
    success = 1.0 if answer.passed == YES else 0.0
    for metric, value in ((SUCCESS, success), (DURATION, answer.duration / 1000)):
        labels = Labels.of({"__name__": metric, "probe": answer.probe, "entity": answer.entity})
        context.state.telemetry.add(entity, labels.fingerprint, metric, (answer.at,), (value,))


def _entity(context: Context, name: str) -> str:
    return context.topology.resolve(name) or name
