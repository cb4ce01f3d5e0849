"""The lists of a technical text: one function per list, one line per entry, `SHOWN` entries at most."""

from __future__ import annotations

from engine.publish.texts.line import SHOWN, plain
from engine.publish.texts.told import Assumption, Candidate, Clock, Impacted, Incident, Objective
from engine.publish.texts.words import CERTAINTY, health, when

RUNNING = frozenset({"waiting", "running", "overdue"})
CANDIDATES = 3
LEAST = 0.005
"""A candidate below it would be shown with 0.00."""
TERMS = {
    "own": "its own trouble",
    "explained": "symptoms it reaches",
    "precedence": "what began after it",
    "change": "changed just before",
    "alerts": "its alerts",
    "series": "its metrics",
    "logs": "its logs",
    "spans": "its traces",
}
"""Terms of a cause that speak for it, in words."""


def candidates(incident: Incident) -> list[str]:
    """The best candidates, each with its counterfactual."""
    return [
        f"Candidate {plain(one.entity)} ({one.score:.2f}): {plain(one.counterfactual)}"
        for one in incident.candidates[:CANDIDATES]
        if one.score >= LEAST
    ]


def evidence(incident: Incident) -> list[str]:
    """What speaks for the cause: its terms above nothing, the strongest first."""
    return [f"{words} {value:.2f}" for value, words in _terms(_cause(incident))]


def unexplained(incident: Incident) -> str:
    """What the cause leaves open; empty where no cause is named."""
    cause = _cause(incident)
    if cause is None or not cause.explained + cause.unexplained:
        return ""
    total = cause.explained + cause.unexplained
    return f"{cause.unexplained} of {total} troubled entities" if cause.unexplained else "nothing"


def path(incident: Incident) -> str:
    """From the cause to the farthest thing it explains."""
    cause = _cause(incident)
    return " > ".join(map(plain, cause.path)) if cause is not None and len(cause.path) > 1 else ""


def impact(incident: Incident) -> list[str]:
    """Every entity that is hit, with the path to it."""
    return [_impacted(one) for one in incident.impact[:SHOWN]]


def objectives(incident: Incident) -> list[str]:
    """Countdowns of RTO and RPO."""
    return [_objective(one) for one in incident.objectives[:SHOWN]]


def assumptions(incident: Incident) -> list[str]:
    """What is taken for granted and does not hold, or soon does not."""
    return [_assumption(one) for one in incident.harm.assumptions[:SHOWN] if one.until is None]


def deadlines(incident: Incident) -> list[str]:
    """Regulatory deadlines that nobody has ended, the soonest first."""
    running = [one for one in incident.clocks if one.due is not None and one.state in RUNNING]
    return [_clock(one) for one in running[:SHOWN]]


def _cause(incident: Incident) -> Candidate | None:
    return next((one for one in incident.candidates if one.entity == incident.cause), None)


def _terms(cause: Candidate | None) -> list[tuple[float, str]]:
    found = (
        [(value, TERMS[name]) for name, value in cause.terms.items() if name in TERMS and value > 0] if cause else []
    )
    return sorted(found, key=lambda term: -term[0])


def _impacted(one: Impacted) -> str:
    held = f", held up by the queue {plain(one.held_by)} until {when(one.held_until)}" if one.held_until else ""
    others = f", together with {', '.join(map(plain, one.together))}" if one.together else ""
    way = " > ".join(map(plain, one.path)) or plain(one.entity)
    return f"{health(one)}{others}{held if one.held_by else ''}: {way}"


def _objective(one: Objective) -> str:
    back = f", back {when(one.finish)} at the earliest" if one.finish else ""
    missed = CERTAINTY.get(one.breach, plain(one.breach))
    return f"{plain(one.kind).upper()} of {plain(one.entity)} runs out {when(one.due)}{back}; missed: {missed}"


def _assumption(one: Assumption) -> str:
    said = f": {plain(one.text)}" if one.text else ""
    state = plain(one.state).replace("_", " ")
    return f"{state}: {plain(one.on)} is not up, which {plain(one.entity)} takes for granted ({plain(one.id)}){said}"


def _clock(one: Clock) -> str:
    due = one.due or 0
    news = "overdue since" if one.state == "overdue" else "due soon," if one.soon else "due"
    news = f"would be {news}" if one.provisional else news
    source = ", ".join(filter(None, (plain(one.act), f"Article {plain(one.article)}" if one.article else "")))
    doubt = "" if one.applies == "yes" else "; whether it applies cannot be excluded"
    return f"{plain(one.regime)}: {plain(one.name)} to {plain(one.notify)}, {news} {when(due)} ({source}){doubt}"
