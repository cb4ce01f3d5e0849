"""An incident in four answers: what is hit, where it starts, what comes next, who is on it. Each rests on a field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from api.console.states import ORDER, business_of, called, cause_name, named, next_change, state_of
from api.explanation_schemas import IncidentExplanation
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.signals import Millis

BECAUSE = 3
EVIDENCE = ("series", "logs", "spans", "explained", "precedence")
"""What speaks for a cause, the most telling first."""
TOLD = 3
_STATES = {"down": "down", "degraded": "degraded", "unknown": "in an unknown state", "at_risk": "at risk"}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``question``, the answer in a sentence, and lines below it, each with the moment that it speaks of (or None)."""

    question: str
    text: str
    lines: tuple[tuple[str, Millis | None], ...] = ()
    sign: str = ""


def answers(view: IncidentView, argued: IncidentExplanation, now: Millis) -> list[Answer]:
    """In the order in which one wants to know."""
    return [_hit(view, now), _cause(view, argued), _next(view, now), _people(view)]


def title(view: IncidentView) -> str:
    """The incident in a line."""
    cause = cause_name(view)
    worst = [hit for hit in business_of(view) if hit.low < 1000]
    if worst and cause:
        return f"{worst[0].name or worst[0].entity} hit: trouble starts at {cause}"
    return f"Trouble starts at {cause}" if cause else view.title


def users_of(view: IncidentView) -> str:
    """How many users are hit, as bounds; empty where nobody says."""
    if not view.users:
        return ""
    low, high = view.users
    about = "about " if view.harm.users.estimated else ""
    if high is None:
        return f"at least {about}{low:,} users" if low else "users not known"
    return f"{about}{low:,} users" if low == high else f"{about}{low:,} to {high:,} users"


def _hit(view: IncidentView, now: Millis) -> Answer:
    states = Counter(state_of(hit, now) for hit in view.impact)
    said = ", ".join(f"{states[one]} {_STATES[one]}" for one in ORDER if one in _STATES and states[one])
    business = sorted(business_of(view), key=lambda hit: ORDER.index(state_of(hit, now)))
    is_ = "is" if view.state in OPEN else "was"
    lines: list[tuple[str, Millis | None]] = []
    for hit in business[:TOLD]:
        state = state_of(hit, now)
        if state != "later":
            lines.append(
                (f"{named(hit.entity, hit.name)} {is_} {_STATES.get(state, state)}", hit.down_at or hit.degraded_at)
            )
    users = users_of(view)
    text = f"{said or 'nothing yet'}" + (f"; {users}" if users else "")
    if not business:
        lines.append(("no business service that the catalogue knows", None))
    worst = next((one for one in ORDER if states[one]), "up")
    question = "What is hit" if view.state in OPEN else "What was hit"
    return Answer(question=question, text=_upper(text), lines=tuple(lines), sign=worst)


def _cause(view: IncidentView, argued: IncidentExplanation) -> Answer:
    question = "Where it starts"
    if not view.cause or not argued.candidates:
        return Answer(
            question=question, text=f"Not known: {argued.abstained or 'nothing points to a cause'}", sign="unknown"
        )
    best = argued.candidates[0]
    changes = [said.text for said in best.speaks_for if said.kind == "change"]
    others = [said.text for kind in EVIDENCE for said in best.speaks_for if said.kind == kind]
    lines = [(one, None) for one in [*changes, *others][:BECAUSE]]
    silent = ", which says nothing itself" if best.silent else ""
    hit = next((one for one in view.impact if one.entity == view.cause), None)
    name = named(view.cause, hit.name if hit else "")
    return Answer(question=question, text=f"{name}{silent}: likeliest, score {best.score:.2f} of 1", lines=tuple(lines))


def _next(view: IncidentView, now: Millis) -> Answer:
    question = "What comes next"
    if view.state not in OPEN:
        return Answer(question=question, text=f"It is {view.state}", sign="up")
    coming = sorted(
        (at, f"{hit.name or hit.entity} will be {word}")
        for hit in view.impact
        if (one := next_change(hit, now))
        for word, at in [one]
    )
    lines: list[tuple[str, Millis | None]] = [(text, at) for at, text in coming[:TOLD]]
    due = next((one for one in view.objectives if one.due > now), None)
    if due is not None:
        sure = {"yes": "will be missed", "no": "will be met", "cannot_exclude": "may be missed"}[due.breach]
        lines.append((f"{due.kind.upper()} of {called(view, due.entity)} runs out; it {sure}", due.due))
    if view.state == "recovering" and view.recovery is not None:
        return Answer(question=question, text=f"Alerts have ended; {_recovery(view)}", lines=tuple(lines))
    more = len(coming) - TOLD
    text = f"{len(coming)} more will be hit unless something is done" if coming else "Nothing more is expected to fail"
    return Answer(question=question, text=text, lines=tuple(lines), sign="later" if more > -TOLD else "")


def _recovery(view: IncidentView) -> str:
    found = view.recovery
    verdict = found.verdict.replace("_", " ") if found else "not compared"
    return f"recovery is {verdict}"


def _people(view: IncidentView) -> Answer:
    lines: list[tuple[str, Millis | None]] = []
    if view.acknowledged_by:
        text, sign = f"{view.acknowledged_by} is on it", "up"
        lines.append(("acknowledged", view.acknowledged_at))
    elif view.state in OPEN:
        text, sign = "Nobody has acknowledged it", "at_risk"
    else:
        text, sign = "Over", "up"
    if view.assigned:
        lines.append((f"assigned to {view.assigned}", None))
    if view.called:
        lines.append((f"called: {_roles(view.called)}", max(one.at for one in view.called)))
    if view.next_update_at is not None and view.state in OPEN:
        late = "is overdue" if view.update_overdue else "is due"
        lines.append((f"the next update to stakeholders {late}", view.next_update_at))
    return Answer(question="Who is on it", text=text, lines=tuple(lines), sign=sign)


def _roles(called: Sequence[Any]) -> str:
    rows = [", ".join(one.names) or f"{one.role.replace('_', ' ')} (nobody is named)" for one in called]
    rows = list(dict.fromkeys(rows))
    more = len(rows) - TOLD
    return "; ".join(rows[:TOLD]) + (f" and {more} more" if more > 0 else "")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
