"""The life of an incident: opening, declaring, quiet and return, recovery, merging, reopening.

Every move goes through the transition table (`engine.lifecycle`) and leaves a line in the timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.calling import activate, begin_anew, call, formally
from engine.cells import depart, enter
from engine.clocks import carry_clocks, holds, judge_regimes
from engine.context import Context
from engine.continuity.course import awaited, begin_response, carry_response, end_response, resumed
from engine.correlate.graph import Node
from engine.disputes import trouble_back
from engine.lifecycle import OPEN, State, Trigger, after
from engine.news import UNPROVEN
from engine.outcomes import SeverityView
from engine.reasons import Disposition, Reason
from engine.recovery_points import keep_points
from engine.recovery_views import RecoveryView
from engine.recovery_windows import keep_windows
from engine.severity import carry_over
from engine.signals import Millis
from engine.state import Alert, Domain, Incident
from engine.taint import remember
from engine.telling import INSIDE, Manner, promise, tell_incident
from engine.together import part
from engine.words import TELLING

SETTLED: Millis = 5_000
"""By then the last arrival has been settled, in a storm too."""
ONE_DAY: Millis = 86_400_000
SELF_CLEARED = "evidence.self_cleared"
"""Rule: what ended by itself before anything confirmed it is suppressed."""
PROOF_EVERY: Millis = 60_000
"""How often a recovery is compared with the baseline."""
PROVEN = frozenset({"restored", "improved"})
RETRY: Millis = 60_000
"""How soon a guarded transition is tried again."""
UNKNOWN_SEVERITY = SeverityView(
    level="SEV5",
    computed="SEV5",
    user_impact="cannot_exclude",
    data_loss="cannot_exclude",
    regulatory="cannot_exclude",
    fired=(),
)


def open_incident(context: Context, domain: Domain, alert: Alert, now: Millis, *, split_from: str = "") -> Incident:
    """A new, suspected incident that begins with this alert. Its id is the position of the input that opened it."""
    base = f"{context.state.lane}-{context.state.position}"
    name, again = base, 1
    while name in context.state.incidents:
        again += 1
        name = f"{base}-{again}"
    incident = Incident(
        name,
        domain.name,
        State.SUSPECTED,
        now,
        alert.spell.start,
        now,
        UNKNOWN_SEVERITY,
        set(),
        entities=(alert.entity,),
        split_from=split_from,
    )
    context.state.incidents[name] = incident
    domain.open.add(name)
    return incident


def begin(context: Context, incident: Incident, alert: Alert, now: Millis) -> bool:
    """An alert of it is let in; whether that is the first. Before, nobody is shown the incident."""
    if incident.begun:
        return False
    incident.begun = True
    incident.opened_at = now
    text = f"Suspected: {alert.name} on {alert.entity}"
    if incident.split_from:
        text = f"Split from {incident.split_from}: {alert.name} on {alert.entity}"
    kind = "split" if incident.split_from else "opened"
    context.tell(incident.id, incident.domain, now, kind, text, facts={"alert": alert.no})
    return True


def incident_of(context: Context, alert: Alert) -> Incident | None:
    """The incident that an alert belongs to now, through merges; None when there is none in memory, or
    only for its clocks."""
    incident = context.state.incidents.get(alert.incident)
    while incident is not None and incident.state is State.MERGED:
        incident = context.state.incidents.get(incident.merged_into)
    return None if incident is not None and incident.kept else incident


def sees(context: Context, incident: Incident, alert: Alert) -> bool:
    """Did the alert begin while the incident's trouble lasted, or shortly after?"""
    quiet = incident.quiet
    return quiet is None or alert.spell.start <= quiet + context.rules.correlation.recover_after


def move(context: Context, incident: Incident, trigger: Trigger, now: Millis, text: str, *, actor: str = "") -> None:
    """Make a transition; `IllegalTransition` when the table has none."""
    before = incident.state
    incident.state = after(before, trigger)
    incident.restoring = incident.restoring or incident.state is State.RESTORING
    if incident.state is State.RESTORING and before is not State.RECOVERING:
        incident.restoring_at = now
        context.timers.set(now, "severity", incident.id)
    if incident.state is State.RECOVERING:
        context.timers.set(now + PROOF_EVERY, "proof", incident.id)
    elif before is State.RECOVERING and incident.state in OPEN:
        incident.recovery, incident.refused, incident.accepted = None, (), {}
    facts = {"from": str(before), "to": str(incident.state), "trigger": str(trigger)}
    context.tell(incident.id, incident.domain, now, str(incident.state), text, actor=actor, facts=facts)


def worthy(context: Context, incident: Incident, sure: Millis | None = None) -> bool:
    """May it start the incident workflow? Informational alerts alone never do, nor what has ended or is kept back; nor,
    if it has to be ``sure`` (at that moment), what may still be verified."""
    alerts = context.state.alerts
    return any(
        node.firing
        and node.firing_word in TELLING
        and incident.id in node.owners
        and any(_counts(alerts[number], sure) for number in node.alerts)
        for entity in incident.entities
        if (cell := context.domain(incident.domain).cells.get(entity)) is not None
        for node in cell.nodes
    )


def _counts(alert: Alert, sure: Millis | None) -> bool:
    if alert.kept_back:
        return False
    return sure is None or alert.unverified_until is None or alert.unverified_until <= sure


def declare_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``declare``: the group wait is over."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state is not State.SUSPECTED or not worthy(context, incident, due):
        return
    if context.state.storm and lone(incident):
        if incident.id not in context.state.storms.waiting:
            context.state.storms.waiting.add(incident.id)
            text = "Waits: one lone alert in an alert storm gets no ticket of its own"
            context.tell(incident.id, incident.domain, due, "waits", text, facts={"storm": context.state.storms.name})
        return
    alerts = (context.state.alerts[number] for number in incident.alerts)
    if any(alert.word in TELLING and (alert.flapping or alert.spell.firing(due)) for alert in alerts):
        declare(context, incident, due, "the group wait is over and it still fires")


def lone(incident: Incident) -> bool:
    """Is it one alert, and nothing else?"""
    return len(incident.alerts) == 1


def watch_declaration(context: Context, incident: Incident, now: Millis) -> None:
    """Declare it once it has had an alert that tells for the whole group wait; SEV1 and tier 0 skip the wait."""
    if incident.state is not State.SUSPECTED:
        return
    if not worthy(context, incident):
        incident.telling_since = None
        context.timers.cancel("declare", incident.id)
        return
    tiers = [e.tier for name in incident.entities if (e := context.topology.entities.get(name)) and e.tier is not None]
    if incident.level == "SEV1":
        declare(context, incident, now, "SEV1")
    elif tiers and min(tiers) == 0:
        declare(context, incident, now, "a tier-0 entity is in trouble")
    elif not worthy(context, incident, now):
        incident.telling_since = None
        context.timers.cancel("declare", incident.id)
    elif incident.id in context.state.storms.waiting and not lone(incident):
        context.state.storms.waiting.discard(incident.id)
        context.timers.set(now, "declare", incident.id)
    elif incident.telling_since is None:
        incident.telling_since = now
        context.timers.set(now + context.rules.correlation.group_wait, "declare", incident.id)


def declare(context: Context, incident: Incident, now: Millis, why: str, *, actor: str = "") -> None:
    """Start the incident workflow: people are told."""
    move(context, incident, Trigger.DECLARE, now, f"Declared: {why}", actor=actor)
    incident.declared_at = now
    formally(context, incident, now, why, actor)
    judge_regimes(context, incident, now, anew=True)
    tell_incident(context, incident, "update" if incident.told else "open", now, f"declared: {why}")
    call_people(context, incident, now)
    begin_response(context, incident, now)


def call_people(context: Context, incident: Incident, now: Millis, why: str = "") -> None:
    """The crisis team, and whom the rules ask for; ``why``: what has changed."""
    if incident.told:
        activate(context, incident, now, why)
        call(context, incident, now, why)


def follow_alerts(context: Context, incident: Incident, nodes: Sequence[Node], now: Millis) -> None:
    """Quiet when its last alert has ended, back when one returns."""
    incident.firing = sum(node.firing for node in nodes)
    incident.events = sum(node.events for node in nodes)
    if incident.firing:
        incident.quiet = None
        context.timers.cancel("recover", incident.id)
        if incident.state is State.RECOVERING:
            back = Trigger.RESUME if incident.restoring else Trigger.RETURN
            move(context, incident, back, now, "An alert fires again")
            trouble_back(context, incident, now)
        return
    quiet = max((node.end for node in nodes if node.end is not None), default=now)
    if incident.quiet != quiet:
        incident.quiet = quiet
        context.timers.set(_recovery_due(context, quiet, now), "recover", incident.id)
    if incident.state in (State.DECLARED, State.RESTORING):
        move(context, incident, Trigger.QUIET, now, "All its alerts have ended; watching whether it stays so")


def _recovery_due(context: Context, quiet: Millis, now: Millis) -> Millis:
    """When nothing that would have joined it can still be on its way, and what came last has been settled."""
    limits = context.rules.correlation
    return max(now, quiet + limits.recover_after + limits.lateness + SETTLED)


def recover_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``recover``: it stayed quiet; ask the guards, then resolve."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.quiet is None or incident.state not in (State.SUSPECTED, State.RECOVERING):
        return
    refusals = context.guards.refusals(incident.state, Trigger.RECOVERED, incident)
    if refusals:
        if refusals != incident.refused:
            text = "Not resolved yet: " + "; ".join(refusals)
            context.tell(name, incident.domain, due, "held_open", text, facts={"refusals": list(refusals)})
        incident.refused = refusals
        context.revise(incident, due, "it is held open")
        context.timers.set(due + RETRY, "recover", name)
        return
    resolve(context, incident, Trigger.RECOVERED, due, f"It stayed quiet for the recovery time{_proven(incident)}")


def recovery_gauges(incidents: Iterable[Incident]) -> dict[str, float]:
    """How many incidents recover, by what is said of it, under names such as ``recovering:inconclusive``."""
    found: dict[str, float] = {}
    for one in incidents:
        if one.state is State.RECOVERING:
            name = f"recovering:{one.recovery.verdict if one.recovery else 'inconclusive'}"
            found[name] = found.get(name, 0) + 1
    return found


def _proven(incident: Incident) -> str:
    """Whether service is back, and what it is closed as."""
    found = incident.recovery
    proven = found is not None and found.verdict in PROVEN
    incident.closed_as = "restored" if proven else "ended"
    if found is None:
        return ""
    if proven and found.accepted:
        incident.closed_as = "deviation"
        return f"; {accepted_in_words(found)}"
    if proven:
        return ", and service is back at its baseline"
    return f"; recovery is not proven: {UNPROVEN.get(found.verdict, found.verdict)}"


def accepted_in_words(found: RecoveryView) -> str:
    """What is proven but for entities that people answer for."""
    who = ", ".join(f"{one.entity} (no baseline, accepted by {one.by}: {one.why})" for one in found.accepted)
    return f"service is back at its baseline, but for {who}"


def resolve(context: Context, incident: Incident, trigger: Trigger, now: Millis, text: str, *, actor: str = "") -> None:
    """End it: resolved, closed by a person, or dismissed. Its alerts leave correlation."""
    keep_points(context, incident, now)
    keep_windows(context, incident, now)
    move(context, incident, trigger, now, text, actor=actor)
    incident.resolved_at = now
    promise(context, incident, now)
    if trigger is not Trigger.DISMISS and incident.begun and incident.alerts:
        remember(context, incident, now)
    leave(context, incident, now)
    end_response(context, incident, trigger, now)
    news = judge_regimes(context, incident, now)
    context.revise(incident, now, "; ".join(filter(None, (text.lower(), news))))
    if incident.told:
        tell_incident(context, incident, "resolve", now, text)


def leave(context: Context, incident: Incident, now: Millis) -> None:
    """Take a closed incident out of its domain; it is kept for the linger time, for what comes back."""
    domain = context.domain(incident.domain)
    domain.open.discard(incident.id)
    for number in sorted(incident.alerts):
        alert = context.state.alerts[number]
        if alert.reason is Reason.AWAITING_EVIDENCE and alert.disposition is Disposition.HELD:
            give_up(context, alert, now)
        depart(context, alert)
    domain.cover = {entity: name for entity, name in domain.cover.items() if name != incident.id}
    incident.reach = ()
    part(context, incident, now)
    for table in (domain.glue, domain.pins):
        for number in incident.alerts & table.keys():
            del table[number]
    _quieten(context, incident)
    limits = context.rules.correlation
    context.timers.set(now + limits.linger + limits.lateness, "archive", incident.id)


def _quieten(context: Context, incident: Incident) -> None:
    for kind in ("recover", "severity", "exposure", "call", "proof"):
        context.timers.cancel(kind, incident.id)


def give_up(context: Context, alert: Alert, now: Millis) -> None:
    """Nothing confirmed a held alert, and it is waited for no longer."""
    alert.held_until = None
    if context.enforced(SELF_CLEARED):
        context.redispose(alert, Disposition.SUPPRESSED, Reason.SELF_CLEARED, now, SELF_CLEARED)
    else:
        context.redispose(
            alert, Disposition.ATTACHED, Reason.EXPLAINED_BY_CAUSE, now, SELF_CLEARED, enforced=Disposition.SUPPRESSED
        )


def archive_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``archive``: forget a closed incident; the store keeps it. Its id is remembered until there is another
    input, because timers may open incidents that are named for the same one. One with open clocks stays at hand."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state in OPEN:
        return
    if holds(incident, due) or awaited(incident, due):
        incident.kept = True
        context.timers.set(due + ONE_DAY, "archive", name)
    elif name.split("-")[1] == str(context.state.position):
        context.timers.set(due + context.rules.correlation.linger, "archive", name)
    else:
        context.timers.cancel("clock", name)
        del context.state.incidents[name]


def merge(context: Context, incident: Incident, into: Incident, now: Millis) -> None:
    """It turned out to be part of another one."""
    incident.merged_into = into.id
    move(context, incident, Trigger.MERGE, now, f"Merged into {into.id}: one trouble explains both")
    context.tell(into.id, into.domain, now, "merged_in", f"{incident.id} is part of this", facts={"from": incident.id})
    carry_over(context, incident, into, now)
    carry_clocks(context, incident, into, now)
    carry_response(context, incident, into, now)
    domain = context.domain(incident.domain)
    domain.open.discard(incident.id)
    incident.reach = ()
    part(context, incident, now)
    _quieten(context, incident)
    promise(context, incident, now)
    limits = context.rules.correlation
    context.timers.set(now + limits.linger + limits.lateness, "archive", incident.id)
    context.revise(incident, now, f"merged into {into.id}")
    if incident.told:
        how = Manner(related=(into.id,))
        tell_incident(context, incident, "merge", now, f"merged into {into.id}", how=how)
        if into.told:
            line = f"{incident.id} is part of this: one trouble explains both"
            how = Manner(audiences=INSIDE, related=(incident.id,), mark=incident.id)
            tell_incident(context, into, "update", now, line, lines=(line,), how=how)


def reopen(
    context: Context, incident: Incident, now: Millis, why: str, *, actor: str = "", again: bool = False
) -> None:
    """Back to work, under a new generation: a ticket that was closed is not updated but followed by another. ``again``:
    its ticket was opened again, and goes on."""
    move(context, incident, Trigger.REOPEN, now, f"Reopened: {why}", actor=actor)
    incident.generation += not again
    begin_anew(context, incident, now)
    formally(context, incident, now, f"reopened: {why}", actor)
    incident.resolved_at = None
    incident.recovery, incident.refused, incident.closed_as, incident.accepted = None, (), "", {}
    incident.quiet = None
    incident.kept = False
    incident.alerts = {a for a in incident.alerts if a in context.state.alerts}
    if incident.alerts:
        incident.domain = context.state.alerts[min(incident.alerts)].domain
    context.domain(incident.domain).open.add(incident.id)
    for number in incident.alerts:
        enter(context, context.state.alerts[number])
    context.timers.cancel("archive", incident.id)
    if incident.told:
        tell_incident(context, incident, "reopen", now, f"reopened: {why}")
    else:
        incident.declared_at = now
        tell_incident(context, incident, "open", now, f"reopened: {why}")
    call_people(context, incident, now)
    resumed(context, incident, now)
