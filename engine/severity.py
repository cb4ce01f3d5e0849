"""The severity of an incident: judged whenever its facts may have changed, beside what a person has set."""

from __future__ import annotations

from collections.abc import Sequence

from engine.changes import reason
from engine.context import Context
from engine.outcomes import SeverityView
from engine.people_views import Override
from engine.signals import Millis
from engine.state import Incident
from rules.severity import FiredRule, OpenRule, SeverityFacts, SeverityResult

FiredView = tuple[dict[str, object], ...]


def judge(context: Context, incident: Incident, facts: SeverityFacts, now: Millis) -> tuple[SeverityResult, str]:
    """The policy's answer, kept on the incident, and why it is another than before ("" when it is not)."""
    result = context.rules.severity(facts)
    before = incident.severity
    incident.severity = SeverityView(
        level=result.level,
        user_impact=result.user_impact.value,
        data_loss=result.data_loss.value,
        regulatory=result.regulatory.value,
        missing=result.missing,
        fired=fired_view(result.fired),
        computed=result.level,
        open=open_view(result.open),
    )
    why, numbers = reason(before.fired, incident.severity.fired, incident.facts, facts)
    if result.level != before.level or not incident.revision:
        text, changed = _told(incident, before, why), {fact: list(pair) for fact, pair in numbers.items()}
        about = {"before": before.level, "after": result.level, "changed": changed}
        context.tell(incident.id, incident.domain, now, "severity", text, facts=about)
        _ask_again(context, incident, now)
        return result, text[:1].lower() + text[1:] if incident.revision else ""
    return result, why


def fired_view(rules: Sequence[FiredRule]) -> FiredView:
    """Rules that fired, with their numbers."""
    return tuple({"id": rule.id, "level": rule.level, "because": dict(rule.because)} for rule in rules)


def open_view(rules: Sequence[OpenRule]) -> FiredView:
    """Rules that cannot be excluded, with what is missing and its bounds."""
    return tuple(
        {"id": rule.id, "level": rule.level, "missing": {fact: list(known) for fact, known in rule.missing.items()}}
        for rule in rules
    )


def set_level(context: Context, incident: Incident, level: str, by: str, why: str, now: Millis) -> None:
    """A person sets the level. What is computed goes on beside it."""
    incident.override = Override(level=level, by=by, at=now, why=why, seen=incident.severity.level)
    text = f"Severity set to {level} by {by} (computed: {incident.severity.level}): {why}"
    facts = {"level": level, "computed": incident.severity.level}
    context.tell(incident.id, incident.domain, now, "severity", text, actor=by, facts=facts)


def take_back(context: Context, incident: Incident, by: str, why: str, now: Millis) -> None:
    """The computed level holds again."""
    level, incident.override = incident.level, None
    text = f"Severity {level} withdrawn by {by}, {incident.severity.level} as computed holds: {why}"
    facts = {"before": level, "after": incident.severity.level}
    context.tell(incident.id, incident.domain, now, "override_withdrawn", text, actor=by, facts=facts)


def carry_over(context: Context, incident: Incident, into: Incident, now: Millis) -> None:
    """What a person set holds after a merge too; of two, the worse level."""
    mine, theirs = incident.override, into.override
    if mine is None or (theirs is not None and theirs.level <= mine.level):
        return
    into.override = mine
    text = f"Severity {mine.level}, set by {mine.by} on {incident.id}, holds here: {mine.why}"
    facts: dict[str, object] = {"from": incident.id, "level": mine.level}
    if theirs is not None:
        facts["replaces"] = theirs.level
    context.tell(into.id, into.domain, now, "severity", text, actor=mine.by, facts=facts)


def _told(incident: Incident, before: SeverityView, why: str) -> str:
    level = incident.severity.level
    if not incident.revision:
        return f"Severity {level} ({', '.join(str(rule['id']) for rule in incident.severity.fired) or 'no rule fired'})"
    return f"Severity {before.level} → {level}: {why or 'the rules in force changed'}"


def _ask_again(context: Context, incident: Incident, now: Millis) -> None:
    """Whoever set a milder level did not know this one."""
    set_by, computed = incident.override, incident.severity.level
    if set_by is None or computed >= min(set_by.level, set_by.seen):
        return
    incident.override = Override(level=set_by.level, by=set_by.by, at=set_by.at, why=set_by.why, seen=computed)
    text = f"The computed severity is {computed} now, {set_by.by} has set {set_by.level}: set it again or withdraw it"
    facts = {"computed": computed, "level": set_by.level, "by": set_by.by}
    context.tell(incident.id, incident.domain, now, "override_asked", text, facts=facts)
