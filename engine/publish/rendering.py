"""One incident revision, two texts: technical for those who mend, business for those who are affected.

Logic-less: no template language, only declared fields. What strangers wrote (names, labels, titles) is
capped in length and stripped of control, formatting and direction characters, so that it can neither forge a line
nor colour a terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from engine.outcomes import Publication
from engine.signals import Millis

TITLE = 200
LINE = 400
SHOWN = 12


class Text(msgspec.Struct, frozen=True):
    """A title of one line and a body of several."""

    title: str
    body: str


class _Severity(msgspec.Struct):
    level: str = "unknown"
    user_impact: str = "cannot_exclude"
    data_loss: str = "cannot_exclude"
    regulatory: str = "cannot_exclude"


class _Impacted(msgspec.Struct):
    entity: str = ""
    name: str = ""
    kind: str = ""
    low: int = 0
    high: int = 1000
    path: tuple[str, ...] = ()
    at: Millis | None = None
    held_by: str = ""
    held_until: Millis | None = None
    tier: int | None = None
    together: tuple[str, ...] = ()


class _Objective(msgspec.Struct):
    entity: str = ""
    kind: str = ""
    due: Millis = 0
    finish: Millis | None = None
    breach: str = "cannot_exclude"


class _Clock(msgspec.Struct):
    regime: str = ""
    name: str = ""
    article: str = ""
    act: str = ""
    notify: str = ""
    applies: str = "cannot_exclude"
    state: str = ""
    due: Millis | None = None
    provisional: bool = False
    soon: bool = False
    passed: bool = False


class _Assumption(msgspec.Struct):
    entity: str = ""
    id: str = ""
    on: str = ""
    state: str = ""
    text: str = ""
    until: Millis | None = None


class _Harm(msgspec.Struct):
    assumptions: tuple[_Assumption, ...] = ()


class _Candidate(msgspec.Struct):
    entity: str = ""
    score: float = 0.0
    counterfactual: str = ""


class _Incident(msgspec.Struct):
    """The fields that texts use. All have defaults: rows written by other versions can still be told."""

    id: str = ""
    revision: int = 0
    state: str = "unknown"
    title: str = ""
    why: str = ""
    onset: Millis = 0
    cause: str | None = None
    abstained: str = ""
    candidates: tuple[_Candidate, ...] = ()
    severity: _Severity = msgspec.field(default_factory=_Severity)
    impact: tuple[_Impacted, ...] = ()
    impact_total: int = 0
    objectives: tuple[_Objective, ...] = ()
    harm: _Harm = msgspec.field(default_factory=_Harm)
    users: tuple[int, int | None] | None = None
    obligations: tuple[str, ...] = ()
    clocks: tuple[_Clock, ...] = ()
    alerts: int = 0
    firing: int = 0
    events: int = 0


BUSINESS_KINDS = frozenset({"business_service", "business_process"})
CERTAINTY = {"yes": "yes", "no": "no", "cannot_exclude": "cannot be excluded"}
RUNNING = frozenset({"waiting", "running", "overdue"})
NEWS = {"open": "New incident", "update": "Update", "resolve": "Resolved", "reopen": "Reopened", "merge": "Merged"}


def plain(text: str, limit: int = LINE) -> str:
    """A stranger's text as one harmless line of at most ``limit`` characters.

    >>> plain("db\\x1b[31m\\u202e down\\nSEV1: all clear")
    'db[31m down SEV1: all clear'
    """
    cut = text[: 4 * limit]
    spaced = "".join(" " if char.isspace() else char for char in cut)
    clean = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    line = " ".join(clean.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def technical(publication: Publication) -> Text:
    """For engineers: the cause with its evidence, what stays unexplained, the path of every impact."""
    incident = _incident(publication)
    lines = [_plain_field("Why", incident.why), _cause(incident)]
    lines += [
        f"Candidate {plain(one.entity)} ({one.score:.2f}): {plain(one.counterfactual)}"
        for one in incident.candidates[:3]
    ]
    lines.append(f"Alerts: {incident.firing} firing of {incident.alerts}, {incident.events} events")
    lines.append(f"Impact: {incident.impact_total} entities")
    lines += [f"- {_technical_state(one)}" for one in _shown(incident)]
    lines += [f"Objective: {_objective(one)}" for one in incident.objectives[:SHOWN]]
    lines += [f"Assumption {_assumption(one)}" for one in incident.harm.assumptions[:SHOWN] if one.until is None]
    lines += _clocks(incident)
    lines += [f"Severity: {_severity(incident)}", _reference(publication, incident)]
    return Text(_title(publication, incident), "\n".join(filter(None, lines)))


def business(publication: Publication) -> Text:
    """For stakeholders: what is affected, who, since when, which obligations."""
    incident = _incident(publication)
    hit = [one for one in incident.impact if one.kind in BUSINESS_KINDS]
    lines = [f"{NEWS.get(publication.action, 'Update')}: {plain(incident.title)} ({plain(incident.state)})"]
    lines.append(f"Since: {_when(incident.onset)}" if incident.onset else "")
    lines += [f"- {plain(one.name or one.entity)}: {_state(one)}{_from(one)}" for one in hit[:SHOWN]]
    lines.append("" if hit else "No business service is known to be affected.")
    lines.append(_users(incident.users))
    broken = [one for one in incident.harm.assumptions if one.state == "broken" and one.until is None]
    lines += [f"Assumption {_assumption(one)}" for one in broken[:SHOWN]]
    lines.append("Obligations: " + ", ".join(map(plain, incident.obligations)) if incident.obligations else "")
    lines += _clocks(incident)
    lines += [f"Severity: {_severity(incident)}", _reference(publication, incident)]
    return Text(_title(publication, incident), "\n".join(filter(None, lines)))


def comment(publication: Publication) -> str:
    """What is new since the last publication, for the history of a ticket: lines of plain text."""
    news = publication.body.get("news") or (publication.body.get("why"),)
    return "\n".join(plain(str(line)) for line in news if line)


def _incident(publication: Publication) -> _Incident:
    return msgspec.convert(publication.body.get("incident") or {}, type=_Incident, strict=False)


def _title(publication: Publication, incident: _Incident) -> str:
    what = plain(incident.title or publication.incident, TITLE - 40)
    return plain(f"[{incident.severity.level}] {NEWS.get(publication.action, 'Update')}: {what}", TITLE)


def _plain_field(name: str, text: str) -> str:
    return f"{name}: {plain(text)}" if text else ""


def _cause(incident: _Incident) -> str:
    if incident.cause:
        return f"Cause: {plain(incident.cause)}"
    return f"Cause: not named, {plain(incident.abstained) or 'the evidence does not suffice'}"


def _severity(incident: _Incident) -> str:
    grade = incident.severity
    dimensions = (("user impact", grade.user_impact), ("data loss", grade.data_loss), ("regulatory", grade.regulatory))
    said = ", ".join(f"{name}: {CERTAINTY.get(value, plain(value))}" for name, value in dimensions)
    return f"{plain(grade.level)} ({said})"


def _shown(incident: _Incident) -> Iterable[_Impacted]:
    return incident.impact[:SHOWN]


def _state(one: _Impacted) -> str:
    if one.low == one.high:
        return {0: "down", 1000: "up"}.get(one.low, f"degraded to {one.low / 10:.0f} %")
    return f"between {one.low / 10:.0f} % and {one.high / 10:.0f} %"


def _technical_state(one: _Impacted) -> str:
    held = f", held up by the queue {plain(one.held_by)} until {_when(one.held_until)}" if one.held_until else ""
    others = f", together with {', '.join(map(plain, one.together))}" if one.together else ""
    way = " > ".join(map(plain, one.path)) or plain(one.entity)
    return f"{_state(one)}{others}{held if one.held_by else ''}: {way}"


def _objective(one: _Objective) -> str:
    back = f", back {_when(one.finish)} at the earliest" if one.finish else ""
    missed = CERTAINTY.get(one.breach, plain(one.breach))
    return f"{plain(one.kind).upper()} of {plain(one.entity)} runs out {_when(one.due)}{back}; missed: {missed}"


def _clocks(incident: _Incident) -> list[str]:
    """Regulatory deadlines that nobody has ended, the soonest first."""
    running = [one for one in incident.clocks if one.due is not None and one.state in RUNNING]
    return [f"Deadline: {_clock(one)}" for one in running[:SHOWN]]


def _clock(one: _Clock) -> str:
    due = one.due or 0
    news = "overdue since" if one.state == "overdue" else "due soon," if one.soon else "due"
    news = f"would be {news}" if one.provisional else news
    source = ", ".join(filter(None, (plain(one.act), f"Article {plain(one.article)}" if one.article else "")))
    doubt = "" if one.applies == "yes" else "; whether it applies cannot be excluded"
    return f"{plain(one.regime)}: {plain(one.name)} to {plain(one.notify)}, {news} {_when(due)} ({source}){doubt}"


def _assumption(one: _Assumption) -> str:
    said = f": {plain(one.text)}" if one.text else ""
    state = plain(one.state).replace("_", " ")
    return f"{state}: {plain(one.on)} is not up, which {plain(one.entity)} takes for granted ({plain(one.id)}){said}"


def _from(one: _Impacted) -> str:
    return f", from {_when(one.at)}" if one.at else ""


def _users(users: tuple[int, int | None] | None) -> str:
    if users is None:
        return ""
    low, high = users
    if high is None:
        return f"Users affected: at least {low:,}; not all that is hit says how many" if low else ""
    return f"Users affected: {low:,} (estimate)" if low == high else f"Users affected: {low:,} to {high:,} (estimate)"


def _when(at: Millis) -> str:
    """A point in time, or the bare number where it lies outside the calendar."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return str(at)


def _reference(publication: Publication, incident: _Incident) -> str:
    return f"Incident {plain(publication.incident)}, revision {incident.revision or publication.revision}"
