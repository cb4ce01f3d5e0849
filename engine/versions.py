"""Other versions of the topology or the rules come into force, without a restart and without losing an incident."""

from __future__ import annotations

from engine.alerts.admission import review
from engine.alerts.inhibition import watch_all
from engine.cells import depart, enter
from engine.clocks import rules_changed
from engine.context import Context
from engine.continuity.readiness import playbooks_changed
from engine.continuity.reconciling import rules_replaced
from engine.probing import forget_undeclared
from engine.proof import judge_anew
from engine.routes import Routes
from engine.settle import touch
from engine.signals import Activation, Millis
from engine.state import Alert
from topology.model import UNMAPPED


def activate(context: Context, signal: Activation, now: Millis) -> None:
    """Bring a version into force; `UnknownVersion` when the shell did not provide it."""
    before = context.state.rules
    if signal.kind == "topology":
        context.topology = context.library.topology(signal.version)
        context.state.topology = signal.version
    elif signal.kind == "rules":
        context.rules = context.library.rules(signal.version)
        context.state.rules = signal.version
        forget_undeclared(context)
    else:
        raise ValueError(f"there are no versions of {signal.kind!r}")
    context.routes = Routes(context.rules, context.topology, context.shard.total)
    context.entity_of.clear()
    context.state.telemetry.forget_plain()
    context.look_at_rules()
    for number in sorted(context.state.alerts):
        resolve_again(context, context.state.alerts[number])
    watch_all(context)
    for number in sorted(context.state.alerts):
        review(context, context.state.alerts[number], now, now)
    for name in sorted(context.state.domains):
        if context.state.domains[name].cells:
            touch(context, name, now, urgent=True)
    if signal.kind == "rules":
        rules_changed(context, now)
        judge_anew(context, now)
        playbooks_changed(context, now)
        rules_replaced(context, before, now)


def resolve_again(context: Context, alert: Alert) -> None:
    """The entity and domain of a known alert under the new versions. An open incident moves along with its alerts."""
    names = [alert.entity] if alert.internal else list(context.rules.names(alert.labels.as_dict()))
    found = next((e for name in names if (e := context.topology.resolve(name)) is not None), None)
    entity = found or (names[0] if names else alert.entity)
    if not alert.internal:
        alert.security = bool(found and context.topology.entities[found].security)
    domain = context.topology.domain(entity) if found else UNMAPPED
    if (entity, domain) == (alert.entity, alert.domain):
        return
    context.changed.add(alert.no)
    old, live = context.domain(alert.domain), alert.live
    if live:
        depart(context, alert)
    for before, after in ((old.pins, context.domain(domain).pins), (old.glue, context.domain(domain).glue)):
        if alert.no in before:
            after[alert.no] = before.pop(alert.no)
    alert.entity, alert.mapped, alert.domain = entity, found is not None, domain
    if live:
        enter(context, alert)
        incident = context.state.incidents.get(alert.incident)
        if incident is not None and incident.id in old.open and incident.domain != domain:
            old.open.discard(incident.id)
            context.domain(domain).open.add(incident.id)
            incident.domain = domain
