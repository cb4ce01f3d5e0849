"""For those who mend: the cause with its evidence, what stays unexplained, the path of every impact, every clock."""

from __future__ import annotations

from engine.outcomes import Publication
from engine.publish.texts import lists
from engine.publish.texts.line import SHOWN, TITLE, Text, plain
from engine.publish.texts.told import Incident, Told, told
from engine.publish.texts.words import CERTAINTY, heading, reference, when

CLOSED = {
    "restored": "restored, recovery is proven",
    "ended": "ended, recovery is not proven",
    "deviation": "a deviation by a person, recovery is not proven",
}


def technical(publication: Publication) -> Text:
    """The text for engineers."""
    said = told(publication)
    incident = said.incident
    lines = [f"State: {plain(incident.state)}"]
    lines += [
        f"Why: {plain(incident.why or said.why)}" if incident.why or said.why else "",
        f"Cause: {cause(incident)}",
    ]
    lines += [f"{name}: {value}" for name, value in _evidence(incident) if value]
    lines += lists.candidates(incident)
    lines.append(f"Closed as: {closing(incident)}" if closing(incident) else "")
    lines.append(f"No baseline: {unmeasured(incident)}" if unmeasured(incident) else "")
    lines.append(f"Since: {when(incident.onset)}" if incident.onset else "")
    lines.append(f"Alerts: {incident.firing:,} firing of {incident.alerts:,}, {incident.events:,} events")
    lines.append(f"Impact: {incident.impact_total:,} entities")
    lines += [f"- {one}" for one in lists.impact(incident)]
    lines += [f"Objective: {one}" for one in lists.objectives(incident)]
    lines += [f"Assumption {one}" for one in lists.assumptions(incident)]
    lines += [f"Deadline: {one}" for one in lists.deadlines(incident)]
    lines += [f"Severity: {severity(incident)}", look(publication), reference(publication, said)]
    return Text(title(publication, said), "\n".join(filter(None, lines)))


def title(publication: Publication, said: Told) -> str:
    """One line: how bad, what kind of news, where."""
    what = plain(said.incident.title or publication.incident, TITLE - 40)
    return plain(f"[{said.incident.severity.level}] {heading(publication, said)}: {what}", TITLE)


def cause(incident: Incident) -> str:
    """The cause, or why none is named."""
    if incident.cause:
        return plain(incident.cause)
    return f"not named, {plain(incident.abstained) or 'the evidence does not suffice'}"


def closing(incident: Incident) -> str:
    """Which way it was closed: whether service is proven to be back."""
    found = incident.recovery
    verdict = f" ({plain(found.verdict).replace('_', ' ')})" if found else ""
    if found and incident.partly_proven:
        said = (f"{plain(one.entity)} (accepted by {plain(one.by)}: {plain(one.why)})" for one in found.accepted)
        who = ", ".join(said)
        return f"a deviation by a person for what has no baseline, {who}; recovery of the rest is proven{verdict}"
    return f"{CLOSED[incident.closed_as]}{verdict}" if incident.closed_as in CLOSED else ""


def unmeasured(incident: Incident) -> str:
    """What nothing can be proven of, and that nobody answers for."""
    names = incident.recovery.unmeasured if incident.recovery else ()
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(plain(one) for one in names[:SHOWN]) + more


def severity(incident: Incident) -> str:
    """The level with its three dimensions."""
    grade = incident.severity
    dimensions = (("user impact", grade.user_impact), ("data loss", grade.data_loss), ("regulatory", grade.regulatory))
    said = ", ".join(f"{name}: {CERTAINTY.get(value, plain(value))}" for name, value in dimensions)
    return f"{plain(grade.level)} ({said})"


def look(publication: Publication) -> str:
    """Where the whole of it can be read."""
    return f"Look: headwater explain {plain(publication.incident)}"


def _evidence(incident: Incident) -> list[tuple[str, str]]:
    return [
        ("Evidence", ", ".join(lists.evidence(incident))),
        ("Path", lists.path(incident)),
        ("Left unexplained", lists.unexplained(incident)),
    ]
