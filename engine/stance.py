"""What is done with an alert because of what evidence says of it: let in, held for a while, or suppressed (law 6).

An alert whose entity is measured is held until something independent confirms it, for as long as its series needs to
be sampled again, and then let in unverified. One that evidence contradicts, by more than a mistake would cost at its
entity's tier, is suppressed; so is one that ended by itself before anything confirmed it. All of them stay in
correlation and are looked at again whenever evidence changes. Tier 0, security alerts, lost heartbeats, and entities
of which nothing is measured are let in at once.
"""

from __future__ import annotations

from math import inf, log

from engine.context import Context
from engine.correlate.graph import SymptomGraph
from engine.correlate.partition import Join, Trouble
from engine.evidence.verdict import verdict
from engine.incidents import SELF_CLEARED, begin, give_up
from engine.inquiry import Inquiry
from engine.reasons import Disposition, Reason, Verdict
from engine.signals import Millis
from engine.spell import NEVER
from engine.state import BY_EVIDENCE, Alert, Domain, Incident

CONTRADICTED = "evidence.contradicted"
"""Rule, like `SELF_CLEARED` in shadow until a person promotes it."""
COMPANY = 0.0
"""An alert in the same trouble as a confirmed one is let in unless its own evidence is worse than this."""
WAIT_LEAST: Millis = 60_000
VERIFIED = 2.2
"""Sampling intervals of its entity's series that an alert lasts before people are told of it, unless …"""
STRONG = 3.0
"""… the evidence for it is as strong as this. Where it speaks against, people are not told: it is there to be seen."""
APART: Millis = 30_000
"""Evidence of one domain is looked at this often at most …"""
PER_ALERT: Millis = 10
"""… and the less often the more alerts it has."""


def exempt(context: Context, alert: Alert) -> bool:
    """Is it never held nor suppressed by inference?"""
    known = context.topology.entities.get(alert.entity)
    if alert.internal or alert.security or (known is not None and known.tier == 0):
        return True
    return context.rules.evidence.cost(known.tier if known else None) is None or context.state.learning.real(alert.no)


def awaits(context: Context, alert: Alert) -> bool:
    """Is it held at first? Where its entity's series can tell what is usual."""
    series = context.state.telemetry.series.get(alert.entity)
    if series is None or exempt(context, alert):
        return False
    known = context.comparable.get(alert.entity)
    if known is None:
        known = context.comparable[alert.entity] = series.comparable
    return known


def look_later(context: Context, domain: Domain, due: Millis) -> None:
    """Look at the domain's evidence at ``due``, or before."""
    if not domain.look_at or due < domain.look_at:
        domain.look_at = due
        context.timers.set(due, "evidence", domain.name)


def again(context: Context, alert: Alert, now: Millis) -> None:
    """An alert that is kept back fires again: that event is held anew, the one before stays what it was."""
    if alert.disposition is Disposition.HELD:
        give_up(context, alert, now)
    alert.event, alert.returns = alert.last_event, ()
    alert.disposition, alert.reason, alert.rule = Disposition.HELD, Reason.AWAITING_EVIDENCE, ""
    look_later(context, context.domain(alert.domain), now + WAIT_LEAST)


def evidence_came(context: Context, entity: str, now: Millis) -> None:
    """Something was measured of an entity: what is known of its domain's incidents may have changed."""
    domain = context.state.domains.get(context.topology.domain(entity))
    if domain is None or not domain.open or domain.look_at:
        return
    rest = max(APART, PER_ALERT * domain.weight)
    look_later(context, domain, max(now + context.rules.correlation.settle, domain.looked_at + rest))


def take_stances(
    context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, inquiry: Inquiry, now: Millis
) -> None:
    """Let in, hold or suppress every alert of a trouble."""
    company = incident.confirmed > 0
    for index in (trouble.roots[0], *trouble.nodes):
        node = graph.nodes[index]
        alerts = inquiry.alerts(node)
        if not inquiry.measured(node.entity):
            alerts = [alert for alert in alerts if alert.reason in BY_EVIDENCE and alert.live]  # those kept back
        for alert in alerts:
            _stand(context, incident, alert, trouble.joins.get(index), inquiry, now, company=company)


def _stand(
    context: Context,
    incident: Incident,
    alert: Alert,
    join: Join | None,
    inquiry: Inquiry,
    now: Millis,
    *,
    company: bool,
) -> None:
    wanted = _wanted(context, incident, alert, inquiry, now, company=company)
    if wanted is None:
        if alert.verdict is Verdict.CONFIRMED:
            context.state.learning.release(alert.no)  # what a rule in shadow would have kept back until now
        _let_in(context, incident, alert, join, now)
    elif wanted is Reason.AWAITING_EVIDENCE:
        if alert.kept_back:
            _keep_back(context, alert, Disposition.HELD, wanted, now, "")
    else:
        rule = CONTRADICTED if wanted is Reason.CONTRADICTED else SELF_CLEARED
        if context.enforced(rule):
            _keep_back(context, alert, Disposition.SUPPRESSED, wanted, now, rule)
        else:
            _let_in(context, incident, alert, join, now)
            if alert.shadowed is None:
                alert.shadowed = Disposition.SUPPRESSED
                context.redispose(alert, alert.disposition, alert.reason, now, rule, enforced=Disposition.SUPPRESSED)


def _wanted(
    context: Context, incident: Incident, alert: Alert, inquiry: Inquiry, now: Millis, *, company: bool
) -> Reason | None:
    """Why it should be kept back; None: let it in."""
    alert.unverified_until = None
    if exempt(context, alert) or not inquiry.measured(alert.entity):
        return None
    _, odds = verdict(alert.terms)
    step, end = inquiry.step(alert.entity), None if alert.flapping else alert.spell.end(now)
    if odds < 0 and context.enforced(CONTRADICTED):
        alert.unverified_until = NEVER
    elif odds < STRONG and end is None:
        _verify_until(context, incident, alert, alert.spell.since + _wait(context, step, VERIFIED), now)
    if alert.verdict is Verdict.CONFIRMED or (company and odds > COMPANY):
        return None
    if odds < -log(_missed(context, alert)):
        return Reason.CONTRADICTED
    if end is not None:
        return Reason.SELF_CLEARED
    until = alert.spell.since + _wait(context, step, context.rules.evidence.wait_samples)
    if alert.kept_back and now < until:
        alert.held_until = until
        look_later(context, context.domain(incident.domain), until)
        return Reason.AWAITING_EVIDENCE
    return None


def _verify_until(context: Context, incident: Incident, alert: Alert, until: Millis, now: Millis) -> None:
    if now < until:
        alert.unverified_until = until
        look_later(context, context.domain(incident.domain), until)


def _wait(context: Context, step: Millis, samples: float) -> Millis:
    return min(context.rules.evidence.wait_most, max(WAIT_LEAST, int(samples * step)))


def _missed(context: Context, alert: Alert) -> float:
    known = context.topology.entities.get(alert.entity)
    return context.rules.evidence.cost(known.tier if known else None) or inf


def _let_in(context: Context, incident: Incident, alert: Alert, join: Join | None, now: Millis) -> None:
    if not alert.kept_back:
        return
    alert.held_until = None
    if begin(context, incident, alert, now):
        context.redispose(alert, Disposition.OPENED, Reason.NEW_TROUBLE, now)
    else:
        reason = Reason.EXPLAINED_BY_CAUSE if join is None or join.reason is Reason.NEW_TROUBLE else join.reason
        context.redispose(alert, Disposition.ATTACHED, reason, now)


def _keep_back(
    context: Context, alert: Alert, disposition: Disposition, reason: Reason, now: Millis, rule: str
) -> None:
    if disposition is not Disposition.HELD:
        alert.held_until = None
    if (alert.disposition, alert.reason) != (disposition, reason):
        context.redispose(alert, disposition, reason, now, rule)
