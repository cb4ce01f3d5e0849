"""What people establish of alerts, real or false, and the model of weights that a person activates.

An outcome comes from a person (about an alert, or about an incident and so its alerts), from a ticket's resolution
code (fact ``code``), or from the audit sample of the suppressed. It never comes from a decision of the engine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from engine.cells import soil
from engine.context import Context
from engine.errors import Refused
from engine.evidence.model.cases import AUDIT, INCIDENT, OPERATOR, TICKET, Case, Outcome
from engine.evidence.model.weights import PRIOR, EvidenceModel, decode, encode
from engine.settle import touch
from engine.signals import Command, Millis
from engine.state import Alert, Incident
from topology.model import UNMAPPED

VERDICTS = {"real": True, "false": False}
OTHER = "other"
"""What a rule is called in metrics once it is declared no more."""


def judge_members(context: Context, incident: Incident, command: Command, now: Millis, said: str = "") -> None:
    """The outcome of an incident is that of its alerts, but for those that were judged one by one. ``said``, or the
    command's fact ``verdict``; without both nothing is known."""
    word = said or command.facts.get("verdict", "")
    if word:
        real = _real(word)
        members = (context.state.alerts[a] for a in sorted(incident.alerts) if a in context.state.alerts)
        _judge_all(context, [*_lives(context, members, now)], command, now, real=real)


def _judge_alert(context: Context, command: Command, now: Millis) -> None:
    real = _real(command.facts["verdict"])
    alert, case = _case(context, command.target, now)
    audited = case.alert in context.state.learning.audit or (case.outcome is not None and case.outcome.source == AUDIT)
    source = TICKET if command.facts.get("code") else AUDIT if audited else OPERATOR
    context.state.learning.judge(case, _outcome(command, source, now, real=real))
    known = context.state.incidents.get(case.incident)
    told = case.incident and (known is None or known.begun)
    text = f"Alert {case.alert} ({case.name} on {case.entity}) was {command.facts['verdict']}: {command.reason}"
    facts = {"alert": case.alert, "event": case.event, "verdict": command.facts["verdict"], "source": source}
    domain = known.domain if known is not None else UNMAPPED
    home = case.incident if told else command.target
    context.tell(home, domain, now, "judged", text, actor=command.actor, facts=facts)
    if alert is not None:
        _look_again(context, alert, now)


def _judge_incident(context: Context, command: Command, now: Millis) -> None:
    real = _real(command.facts["verdict"])
    members = (alert for alert in context.state.alerts.values() if alert.incident == command.target)
    cases = {case.alert: case for case in _lives(context, members, now)}
    cases |= {case.alert: case for case in context.state.learning.of_incident(command.target)}
    if not cases:
        raise Refused(f"no alert of an incident {command.target!r} is remembered")
    count = _judge_all(context, [cases[number] for number in sorted(cases)], command, now, real=real)
    known = context.state.incidents.get(command.target)
    text = f"{count} of its {len(cases)} alerts were {command.facts['verdict']}: {command.reason}"
    facts = {"verdict": command.facts["verdict"], "alerts": count, **_code(command)}
    domain = known.domain if known is not None else UNMAPPED
    context.tell(command.target, domain, now, "judged", text, actor=command.actor, facts=facts)


def _activate_model(context: Context, command: Command, now: Millis) -> None:
    learning = context.state.learning
    before = PRIOR if learning.model is None else learning.model.version
    if command.target == before:
        raise Refused(f"{before} is in force already")
    model = _model(context, command)
    learning.activate(model)
    facts = {"version": command.target, "before": before, "model": encode(model).decode() if model else ""}
    text = f"Evidence is weighed by {command.target}, no longer by {before}: {command.reason}"
    context.tell(command.target, UNMAPPED, now, "model_activated", text, actor=command.actor, facts=facts)
    for name in sorted(context.state.domains):
        domain = context.state.domains[name]
        domain.looks += 1
        if domain.cells:
            touch(context, name, now, urgent=True)


def _model(context: Context, command: Command) -> EvidenceModel | None:
    """The model of that version: one that was active before, or the one that comes with the command."""
    if command.target == PRIOR:
        return None
    known = context.state.learning.models.get(command.target)
    if known is not None:
        return known
    content = command.facts.get("model", "")
    if not content:
        raise Refused(f"no model {command.target!r} is known: learn one, or go back to {PRIOR!r}")
    try:
        found = decode(content)
    except msgspec.MsgspecError as error:
        raise Refused(f"the model cannot be read: {error}") from None
    if found.version != command.target:
        raise Refused(f"the model's content is that of version {found.version}, not of {command.target}")
    return found


def _case(context: Context, target: str, now: Millis) -> tuple[Alert | None, Case]:
    """The alert of that number, or of which an event of that id began the spell."""
    learning = context.state.learning
    number = int(target) if target.isdecimal() and len(target) <= len(str(1 << 60)) else 0
    alert = context.state.alerts.get(number)
    if alert is None and not number:
        alert = next((one for one in context.state.alerts.values() if one.event == target), None)
    if alert is not None and not alert.internal:
        return alert, learning.case_of(alert, now)
    case = learning.find(number)
    for table in (learning.judged, learning.audit, learning.cases) if case is None and not number else ():
        case = case or next((one for one in table.values() if one.event == target), None)
    if case is None:
        raise Refused(f"no alert {target!r} is remembered")
    return None, case


def _lives(context: Context, alerts: Iterable[Alert], now: Millis) -> list[Case]:
    return [context.state.learning.case_of(alert, now) for alert in alerts if not alert.internal]


def _judge_all(context: Context, cases: list[Case], command: Command, now: Millis, *, real: bool) -> int:
    source, count = TICKET if command.facts.get("code") else INCIDENT, 0
    for case in cases:
        if case.outcome is None or case.outcome.source in (INCIDENT, TICKET):
            context.state.learning.judge(case, _outcome(command, source, now, real=real))
            count += 1
            alert = context.state.alerts.get(case.alert)
            if alert is not None:
                _look_again(context, alert, now)
    return count


def _look_again(context: Context, alert: Alert, now: Millis) -> None:
    """What a person says is real is kept back no longer."""
    if alert.kept_back:
        soil(context, alert)
        touch(context, alert.domain, now, urgent=True)


def _real(word: str) -> bool:
    if word not in VERDICTS:
        raise Refused(f"a verdict is real or false, not {word!r}")
    return VERDICTS[word]


def _outcome(command: Command, source: str, now: Millis, *, real: bool) -> Outcome:
    said = f"{command.facts['code']}: {command.reason}" if command.facts.get("code") else command.reason
    return Outcome(real, source, command.actor, now, said)


def _code(command: Command) -> dict[str, str]:
    return {"code": command.facts["code"]} if command.facts.get("code") else {}


def rule_gauges(context: Context) -> dict[str, float]:
    """By rule: alerts suppressed so far, those that would have been, and, where outcomes are known, which share of them
    was false, and of all that were false. Names such as ``rule_precision:evidence.contradicted``."""
    learning, known = context.state.learning, set(context.rules.suppressing)
    found: dict[str, float] = {}
    for rule, tally in learning.rules.items():
        name = rule if rule in known else OTHER
        for what, count in (("suppressed", tally.suppressed), ("would_suppress", tally.shadowed)):
            found[f"rule_{what}:{name}"] = found.get(f"rule_{what}:{name}", 0) + count
    false, kept, right = 0, dict.fromkeys(known, 0), dict.fromkeys(known, 0)
    for case in learning.judged.values():
        wrong = case.outcome is not None and not case.outcome.real
        false += wrong
        for rule in case.rules.keys() & known:
            kept[rule] += 1
            right[rule] += wrong
    for rule, count in kept.items():
        if count:
            found[f"rule_precision:{rule}"] = right[rule] / count
            if false:
                found[f"rule_recall:{rule}"] = right[rule] / false
    return found


JUDGING_COMMANDS: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "judge_alert": _judge_alert,
    "judge_incident": _judge_incident,
    "activate_model": _activate_model,
}
