"""What a person asks of the engine, carried out. A command that cannot be carried out leaves a line that says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.alerts.admission import review
from engine.assess import reassess
from engine.cadence import give_update, written
from engine.calling import acknowledged
from engine.cells import soil
from engine.checked import unmet
from engine.context import Context
from engine.continuity.desk import CONTINUITY_COMMANDS
from engine.continuity.readiness import restoration_began
from engine.continuity.reconciling import rule_promoted, silences_changed
from engine.errors import Conflict, IllegalTransition, Refused
from engine.incidents import PROVEN, accepted_in_words, declare, move, reopen, resolve
from engine.judging import JUDGING_COMMANDS, judge_members
from engine.lifecycle import OPEN, State, Trigger
from engine.policy import ACTIONS
from engine.proof import accept, prove
from engine.reasons import Disposition, Reason, Verdict
from engine.regime_commands import CLOCK_COMMANDS
from engine.settle import touch
from engine.severity import set_level, take_back
from engine.signals import Command, Millis
from engine.state import Incident
from engine.telling import INSIDE, Manner, tell_incident
from engine.times import parse_moment
from rules.errors import Flaw
from rules.gates import Silence
from rules.matchers import Matcher, parse_matchers
from rules.severity import LEVELS
from topology.model import UNMAPPED


def obey(context: Context, command: Command, now: Millis) -> None:
    """Carry out one command, or say in the timeline (of its incident, if there is one) why not."""
    try:
        action = ACTIONS.get(command.action)
        if action is None or not action.command:
            raise Refused(f"there is no command {command.action!r}")
        missing = [fact for fact in action.facts if not command.facts.get(fact)]
        if action.reason and not command.reason.strip():
            missing.append("reason")
        if missing:
            raise Refused(f"{command.action} needs {', '.join(missing)}")
        _DESK[command.action](context, command, now)
    except (Refused, IllegalTransition) as error:
        incident = context.state.incidents.get(command.target)
        domain = incident.domain if incident else UNMAPPED
        facts: dict[str, object] = {"action": command.action, "target": command.target}
        if run := command.facts.get("run"):
            facts["run"] = run
        if isinstance(error, Conflict):
            facts["conflict"] = True
        context.tell(command.target, domain, now, "refused", error.detail, actor=command.actor, facts=facts)


def _incident(context: Context, command: Command) -> Incident:
    incident = context.state.incidents.get(command.target)
    if incident is None or not incident.begun:
        raise Refused(f"no incident {command.target!r} is open or was lately closed")
    return incident


def _note(context: Context, incident: Incident, command: Command, now: Millis, kind: str, text: str) -> None:
    said = f"{text}: {command.reason}" if command.reason else text
    context.tell(incident.id, incident.domain, now, kind, said, actor=command.actor, facts=dict(command.facts))


def _acknowledge(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    acknowledged(context, incident, command.actor, now)
    _note(context, incident, command, now, "acknowledged", f"Acknowledged by {command.actor}")
    _tell_inside(context, incident, now, "acknowledged")


def _tell_inside(context: Context, incident: Incident, now: Millis, why: str) -> None:
    """Those who work on it hear at once who does what."""
    context.revise(incident, now, why)
    if incident.told and incident.state in OPEN:
        tell_incident(context, incident, "update", now, why, how=Manner(audiences=INSIDE, at_once=True))


def _write_note(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    _note(context, incident, command, now, "note", command.facts["text"])
    written(context, incident, now)


def _give_update(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    if not incident.told or incident.state not in OPEN:
        raise Refused(f"{incident.id} is {incident.state}, and nobody waits for an update")
    give_update(context, incident, command.facts["text"], command.actor, now)


def _assign(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    incident.assigned = command.facts["assignee"]
    _note(context, incident, command, now, "assigned", f"Assigned to {incident.assigned}")
    _tell_inside(context, incident, now, "assigned")


def _declare(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    declare(context, incident, now, command.reason or f"by {command.actor}", actor=command.actor)
    context.revise(incident, now, "declared by a person")


def _restore(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    move(context, incident, Trigger.RESTORE, now, command.reason or "Restoration has begun", actor=command.actor)
    restoration_began(context, incident, now)
    context.revise(incident, now, "restoration has begun")


def _start_task(context: Context, command: Command, now: Millis) -> None:
    """The first step of a playbook begins the restoration."""
    CONTINUITY_COMMANDS[command.action](context, command, now)
    incident = _incident(context, command)
    if incident.state is State.DECLARED:
        text = f"Restoration has begun with step {command.facts['task']}"
        move(context, incident, Trigger.RESTORE, now, text, actor=command.actor)
        context.revise(incident, now, text)
    restoration_began(context, incident, now)


def _override(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    level = command.facts["level"]
    if level not in LEVELS:
        raise Refused(f"{level!r} is no severity; use {LEVELS[0]} … {LEVELS[-1]}")
    set_level(context, incident, level, command.actor, command.reason, now)
    reassess(context, incident, now, f"severity set to {level} by {command.actor}: {command.reason}")
    touch(context, incident.domain, now, urgent=True)


def _withdraw_override(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    if incident.override is None:
        raise Refused(f"nobody has set the severity of {incident.id}")
    level = incident.level
    take_back(context, incident, command.actor, command.reason, now)
    reassess(context, incident, now, f"severity {level} withdrawn by {command.actor}: {command.reason}")
    touch(context, incident.domain, now, urgent=True)


def _merge(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    into = context.state.incidents.get(command.facts["into"])
    if into is None or into.state not in OPEN or incident.state not in OPEN or into is incident:
        raise Refused(f"{command.facts['into']!r} and {command.target!r} must be two open incidents")
    if into.domain != incident.domain:
        raise Refused("incidents of two domains cannot be merged: nothing connects them in the topology")
    domain = context.domain(incident.domain)
    mark = context.state.next_mark
    context.state.next_mark += 1
    joined = incident.alerts | into.alerts
    marks = {domain.glue[number] for number in joined if number in domain.glue}
    joined |= {number for number, before in domain.glue.items() if before in marks}
    for number in joined:
        domain.glue[number] = mark
        alert = context.state.alerts.get(number)
        if domain.pins.pop(number, 0) and alert is not None:
            soil(context, alert)
    _note(context, into, command, now, "merge_asked", f"{incident.id} is to be merged into this")
    touch(context, incident.domain, now, urgent=True)


def _split(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    known = {str(number): number for number in incident.alerts}
    words = set(command.facts["alerts"].replace(",", " ").split())
    chosen = {known[word] for word in words if word in known}
    if incident.state not in OPEN:
        raise Refused(f"{incident.id} is {incident.state}: nothing is split off what is closed")
    if not chosen or len(chosen) < len(words) or not chosen < incident.alerts:
        raise Refused("name some, but not all, of the incident's alerts by their numbers")
    domain = context.domain(incident.domain)
    mark = context.state.next_mark
    context.state.next_mark += 1
    domain.pins.update(dict.fromkeys(chosen, mark))
    for number in chosen:
        domain.glue.pop(number, None)
        soil(context, context.state.alerts[number])
    _note(context, incident, command, now, "split_asked", f"{len(chosen)} alerts are to be split off")
    touch(context, incident.domain, now, urgent=True)


def _false_alarm(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    members = [context.state.alerts[a] for a in sorted(incident.alerts) if a in context.state.alerts]
    judge_members(context, incident, command, now, said="false")
    text = f"False alarm: {command.reason}"
    resolve(context, incident, Trigger.DISMISS, now, text, actor=command.actor)
    for alert in members:
        alert.verdict = Verdict.CONTRADICTED
        context.redispose(alert, Disposition.SUPPRESSED, Reason.MANUAL, now, f"operator:{command.actor}")


def _close(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    left = context.guards.refusals(incident.state, Trigger.CLOSE, incident)
    if left:
        raise Refused("; ".join(left))
    judge_members(context, incident, command, now)
    how = _deviation(context, incident, now)
    incident.closed_as = "deviation" if how else "restored"
    resolve(context, incident, Trigger.CLOSE, now, f"Closed{how}: {command.reason}", actor=command.actor)


def _deviation(context: Context, incident: Incident, now: Millis) -> str:
    """What speaks against closing it; empty where recovery is proven."""
    if incident.firing:
        return f" (deviation: {incident.firing} alerts still fire)"
    found = prove(context, incident, now, at_last=True) if incident.state is State.RECOVERING else None
    if found is not None and found.verdict in PROVEN:
        return f" (deviation: {accepted_in_words(found)})" if found.accepted else ""
    said = (
        f"recovery is not proven: {found.verdict if found else 'no comparison was made'}",
        *((found and unmet(found)) or ()),
    )
    return f" (deviation: {'; '.join(said)})"


def _accept(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    entity = context.topology.resolve(command.facts["entity"]) or command.facts["entity"]
    refused = accept(context, incident, entity, command.actor, command.reason, now)
    if refused:
        raise Refused(refused)
    _note(context, incident, command, now, "accepted", f"{entity} is accepted without a baseline by {command.actor}")
    context.revise(incident, now, f"{entity} is accepted without a baseline")


def _reopen(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    reopen(context, incident, now, command.reason, actor=command.actor)
    for number in sorted(incident.alerts):
        alert = context.state.alerts[number]
        if alert.disposition is Disposition.SUPPRESSED:
            alert.verdict = Verdict.UNVERIFIABLE
            context.redispose(alert, Disposition.ATTACHED, Reason.MANUAL, now)
    context.revise(incident, now, "reopened by a person")
    touch(context, incident.domain, now, urgent=True)


def _review(context: Context, command: Command, now: Millis) -> None:
    incident = _incident(context, command)
    left = context.guards.refusals(incident.state, Trigger.REVIEW, incident)
    if left:
        raise Refused("; ".join(left))
    judge_members(context, incident, command, now)
    move(context, incident, Trigger.REVIEW, now, command.reason or "Reviewed", actor=command.actor)
    context.revise(incident, now, "reviewed")


def _silence(context: Context, command: Command, now: Millis) -> None:
    facts = command.facts
    ends = _time(facts["until"], "until")
    starts = _time(facts["from"], "from") if facts.get("from") else now
    entities = tuple(facts.get("entities", "").replace(",", " ").split())
    matchers = _matchers(facts.get("matchers", ""))
    if not entities and not matchers:
        raise Refused("a silence names matchers or entities; one that names neither would mute everything")
    if ends <= max(now, starts):
        raise Refused("a silence ends after it begins, and in the future")
    name = command.target or f"silence-{context.state.position}"
    context.state.silences[name] = Silence(name, matchers, entities, starts, ends, command.actor, command.reason)
    context.timers.set(starts if starts > now else ends, "silence", name)
    context.look_at_rules()
    context.tell(name, UNMAPPED, now, "silenced", command.reason, actor=command.actor, facts=dict(facts))
    _look_again(context, now)


def _unsilence(context: Context, command: Command, now: Millis) -> None:
    if context.state.silences.pop(command.target, None) is None:
        raise Refused(f"no silence {command.target!r} is in force")
    context.tell(command.target, UNMAPPED, now, "unsilenced", command.reason, actor=command.actor)
    _look_again(context, now)


def silence_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``silence``: it begins, and mutes what fires already; or it is over, and what it muted comes forward."""
    silence = context.state.silences.get(name)
    if silence is None:
        return
    if due < silence.ends_at:
        context.timers.set(silence.ends_at, "silence", name)
    else:
        del context.state.silences[name]
        context.tell(name, UNMAPPED, due, "unsilenced", "the silence has ended")
    _look_again(context, due)


def _promote(context: Context, command: Command, now: Millis) -> None:
    if command.facts["mode"] not in ("shadow", "enforce"):
        raise Refused("the mode of a rule is shadow or enforce")
    known = context.rules.suppressing
    if command.target not in known:
        raise Refused(f"there is no rule {command.target!r}; known: {', '.join(known)}")
    before = context.mode(command.target)
    context.state.modes[command.target] = command.facts["mode"]
    text = f"{command.target} is now in mode {command.facts['mode']}: {command.reason}"
    context.tell(command.target, UNMAPPED, now, "promoted", text, actor=command.actor)
    _look_again(context, now)
    rule_promoted(context, command.target, before, command.actor, now)


def _look_again(context: Context, now: Millis) -> None:
    context.look_at_rules()
    for number in sorted(context.state.alerts):
        review(context, context.state.alerts[number], now, now)
    silences_changed(context, now)


def _time(text: str, name: str) -> Millis:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise Refused(f"{name} {error}") from None


def _matchers(text: str) -> tuple[Matcher, ...]:
    try:
        return parse_matchers(text)
    except Flaw as flaw:
        raise Refused(f"matchers {text!r}: {flaw}") from None


_DESK: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "acknowledge": _acknowledge,
    "note": _write_note,
    "update": _give_update,
    "assign": _assign,
    "declare": _declare,
    "restore": _restore,
    "override_severity": _override,
    "withdraw_override": _withdraw_override,
    "merge": _merge,
    "split": _split,
    "false_alarm": _false_alarm,
    "accept": _accept,
    "close": _close,
    "reopen": _reopen,
    "review": _review,
    "silence": _silence,
    "unsilence": _unsilence,
    "promote_rule": _promote,
    **CLOCK_COMMANDS,
    **CONTINUITY_COMMANDS,
    "start_task": _start_task,
    "run_task": _start_task,
    **JUDGING_COMMANDS,
}
