"""For those who are affected: which service, who, since when, what is not known, when they hear again.

No jargon: business services by their names in the catalogue (by id only where it gives none), and no other entity; no
metric, no path, no term of the analysis.
"""

from __future__ import annotations

from engine.outcomes import Publication
from engine.publish.texts import lists
from engine.publish.texts.line import SHOWN, TITLE, Text, plain
from engine.publish.texts.told import Impacted, Incident, Told, told
from engine.publish.texts.words import BUSINESS, heading, listed, people, reference, when

STATES = {
    "suspected": "being looked into",
    "declared": "being worked on",
    "restoring": "being repaired",
    "recovering": "coming back, and being watched",
    "resolved": "over",
    "reviewed": "over, and reviewed",
    "dismissed": "a false alarm",
    "merged": "part of another incident",
}
OVER = frozenset({"resolved", "reviewed", "dismissed"})
CLOSED = {
    "restored": "Measurements show that it works as before.",
    "ended": "No trouble is reported any more; measurements that show that it works as before are missing.",
    "deviation": "It was closed by a decision of the team; measurements do not show yet that it works as before.",
}
"""What a closed incident says of the proof that service is back."""
PARTLY = "What is measured works as before; for what is not measured the team has decided."
NAMED = 3
UP = 1000


def business(publication: Publication) -> Text:
    """The text for stakeholders."""
    said = told(publication)
    incident = said.incident
    lines = [f"{heading(publication, said)}: {summary(incident)}.", f"Status: {status(incident)}"]
    lines.append(plain(said.why) if said.test else "")
    lines.append(f"The team says: {statement(incident)}" if statement(incident) else "")
    lines.append(f"Since: {when(incident.onset)}" if incident.onset else "")
    lines.append(f"Over since: {when(incident.resolved_at)}" if over(incident) and incident.resolved_at else "")
    lines.append(_closed(incident) if over(incident) else "")
    lines += [f"- {one}" for one in services(incident)]
    lines.append(f"People affected: {people(incident.users)}" if people(incident.users) else "")
    lines += [f"No longer true: {one}" for one in broken(incident)]
    lines.append(f"Obligations: {', '.join(map(plain, incident.obligations))}" if incident.obligations else "")
    lines += [f"Deadline: {one}" for one in lists.deadlines(incident)]
    lines.append(f"Not known yet: {listed(unknown(incident))}" if unknown(incident) else "")
    lines.append(f"Severity: {plain(incident.severity.level)}")
    lines.append(_next_update(incident))
    lines.append(reference(publication, said))
    return Text(title(publication, said), "\n".join(filter(None, lines)))


def _closed(incident: Incident) -> str:
    return PARTLY if incident.partly_proven else CLOSED.get(incident.closed_as, "")


def title(publication: Publication, said: Told) -> str:
    """One line: how bad, what kind of news, which service."""
    return plain(f"[{said.incident.severity.level}] {heading(publication, said)}: {summary(said.incident)}", TITLE)


def summary(incident: Incident) -> str:
    """Which services are hit, in half a sentence."""
    hit = [one for one in _hit(incident) if one.high < UP] or _hit(incident)
    if not hit:
        return "no business service is known to be affected"
    names = [plain(one.name or one.entity, 60) for one in hit]
    if len(names) > NAMED:
        names = [*names[:NAMED], f"{len(names) - NAMED} more"]
    verb = "is" if len(hit) == 1 else "are"
    if over(incident):
        return f"{listed(names)} {'was' if len(hit) == 1 else 'were'} affected"
    state = "down" if all(one.high == 0 for one in hit) else "affected"
    return f"{listed(names)} {verb} {state}"


def status(incident: Incident) -> str:
    """What is being done, in words."""
    return STATES.get(incident.state, "being looked into")


def statement(incident: Incident) -> str:
    """What a person last said of it; empty when nobody did."""
    return plain(incident.status.text) if incident.status else ""


def services(incident: Incident) -> list[str]:
    """Every business service that is or will be hit, how badly and from when."""
    if over(incident):
        return [f"{plain(one.name or one.entity)}: {_past(one)}" for one in _hit(incident)[:SHOWN] if one.high < UP]
    return [f"{plain(one.name or one.entity)}: {_state(one)}" for one in _hit(incident)[:SHOWN]]


def broken(incident: Incident) -> list[str]:
    """Assumptions that no longer hold, in the words that were agreed on."""
    found = [one for one in incident.harm.assumptions if one.state == "broken" and one.until is None]
    return [plain(one.text) or "something that was agreed to be taken for granted" for one in found[:SHOWN]]


def unknown(incident: Incident) -> list[str]:
    """What cannot be said yet: never presented as if it were nothing."""
    if over(incident):
        return []
    grade = incident.severity
    open_users = grade.user_impact != "no" and (incident.users is None or incident.users[1] is None)
    asked = (
        (not incident.cause, "what caused it"),
        (open_users, "how many people are affected in all"),
        (grade.data_loss == "cannot_exclude", "whether data was lost"),
        (grade.regulatory == "cannot_exclude", "whether an authority must be told"),
    )
    return [words for unsure, words in asked if unsure]


def over(incident: Incident) -> bool:
    """Whether service is back for good."""
    return incident.state in OVER


def _next_update(incident: Incident) -> str:
    due = incident.next_update_at
    return f"Next update: {when(due)}" if due and not over(incident) else ""


def _hit(incident: Incident) -> list[Impacted]:
    return [one for one in incident.impact if one.kind in BUSINESS]


def _state(one: Impacted) -> str:
    since = f", from {when(one.at)}" if one.at else ""
    if one.low == one.high == UP:
        return (
            f"still works, until about {when(one.held_until)}" if one.held_until else "still works, with less to spare"
        )
    if one.high == 0:
        return f"down{since}"
    if one.low == one.high:
        return f"works at {one.low / 10:.0f} %{since}"
    return f"works at {one.low / 10:.0f} % to {one.high / 10:.0f} %{since}"


def _past(one: Impacted) -> str:
    since = f" from {when(one.at)}" if one.at else ""
    return f"was down{since}" if one.high == 0 else f"was affected{since}"
