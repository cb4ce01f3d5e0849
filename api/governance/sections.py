"""The report as sections of plain rows, in words: what the page, the paper and the table all show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from api.clock_words import span
from engine.governance.rows import GovernanceReport, IncidentRow
from engine.signals import Millis

Row = tuple[str, ...]


class Section(NamedTuple):
    """A table: ``empty`` is said where it has no rows."""

    title: str
    header: Row
    rows: list[Row]
    empty: str


def title(found: GovernanceReport) -> str:
    """What the report is about."""
    return f"Service continuity, {_day(found.since)} to {_day(found.until - 1)}"


def summary(found: GovernanceReport) -> list[str]:
    """The few sentences that somebody reads who reads nothing else."""
    objectives = [one for row in found.incidents for one in row.objectives]
    carried = sum(row.carried for row in found.incidents)
    missed = sum(one.variance > 0 for one in objectives)
    clocks = [clock for row in found.incidents for clock in row.clocks]
    late = sum(clock.outcome == "missed" for clock in clocks)
    overdue = sum(row.state == "overdue" for row in found.actions)
    left = sum(row.state != "done" for row in found.actions)
    return [
        f"{_count(len(found.incidents), 'incident')}, {carried} of them from before.",
        f"{_count(len(objectives), 'recovery objective')} at stake, {missed} missed.",
        f"{_count(len(clocks), 'regulatory duty', 'regulatory duties')}, {late} missed.",
        f"{_count(len(found.drills), 'drill or exercise', 'drills and exercises')}; {_count(len(found.gaps), 'gap')}; "
        f"{_count(left, 'action')} open, {overdue} overdue.",
    ]


def sections(found: GovernanceReport) -> list[Section]:
    """All of them, also those without content: that there is nothing is news as well."""
    return [
        Section("Services", ("service", "incidents", "away", "RTO met", "RTO missed", "worst variance", "causes"),
                list(_services(found)), "No service was hit."),
        Section("Regimes", ("regime", "authority", "reportable", "cannot be excluded", "duties met", "missed",
                            "running", "dismissed", "implications"), list(_regimes(found)),
                "No regime judged an incident."),
        Section("Incidents", ("incident", "severity", "title", "state", "cause", "began", "ended", "services"),
                [_incident(row) for row in found.incidents], "There was no incident."),
        Section("Phases", ("incident", "phase", "began", "took"), list(_phases(found)), "There was no incident."),
        Section("Against objectives", ("incident", "entity", "objective", "allowed", "took", "variance", "causes"),
                list(_objectives(found)), "No objective was at stake."),
        Section("Duties", ("incident", "regime", "duty", "article", "due", "done", "outcome"), list(_duties(found)),
                "No duty fell due."),
        Section("Resources", ("resource", "amount"), list(_resources(found)), ""),
        Section("Drills and exercises", ("id", "kind", "when", "passed", "restoration began after", "findings"),
                list(_drills(found)), "None was held."),
        Section("Gaps", ("kind", "about", "what"), [(one.kind, one.about, one.text) for one in found.gaps],
                "The record shows none."),
        Section("Actions", ("incident", "action", "kind", "what", "owner", "due", "state"), list(_actions(found)),
                "Nobody has anything to do."),
    ]  # fmt: skip


def _services(found: GovernanceReport) -> Iterator[Row]:
    for one in found.services:
        worst = "" if one.worst is None else variance(one.worst)
        numbers = (_span(one.away), str(one.met), str(one.missed), worst)
        yield one.service, ", ".join(one.incidents), *numbers, "; ".join(one.causes)


def _regimes(found: GovernanceReport) -> Iterator[Row]:
    for one in found.regimes:
        who = (one.name or one.regime, one.authority, ", ".join(one.reportable), ", ".join(one.cannot_exclude))
        numbers = (str(one.met), str(one.missed), str(one.running), str(one.dismissed))
        yield *who, *numbers, "; ".join(one.implications)


def _incident(row: IncidentRow) -> Row:
    state = f"{row.state}, {row.closed_as}" if row.closed_as else row.state
    ended = when(row.ended) if row.ended is not None else "goes on"
    about = f"{row.title} ({row.problem})" if row.problem else row.title
    return row.id, row.severity, about, state, row.cause, when(row.began), ended, ", ".join(row.services)


def _phases(found: GovernanceReport) -> Iterator[Row]:
    for row in found.incidents:
        for phase in row.phases:
            took = "goes on" if phase.until is None else _span(phase.until - phase.since)
            yield row.id, phase.name, when(phase.since), took


def _objectives(found: GovernanceReport) -> Iterator[Row]:
    for row in found.incidents:
        for one in row.objectives:
            spans = (_span(one.allowed), _span(one.took), variance(one.variance))
            yield row.id, one.entity, one.kind.upper(), *spans, "; ".join(one.causes)


def _duties(found: GovernanceReport) -> Iterator[Row]:
    for row in found.incidents:
        for one in row.clocks:
            yield one.incident, one.regime, one.name, one.article, when(one.due), when(one.fulfilled_at), one.outcome


def _resources(found: GovernanceReport) -> Iterator[Row]:
    had = found.resources
    yield "people who acted", str(had.people)
    yield "acts on record", str(had.acts)
    yield "time in steps of playbooks", f"{_span(had.step_millis)} in {_count(had.steps, 'step')}"
    yield "playbooks used", ", ".join(had.playbooks) or "none"
    yield "briefings", str(had.briefings)
    yield "calls to vendors", f"{had.vendor_calls}, {had.vendor_breaches} answered too late or not at all"
    yield "access granted", f"{_count(had.grants, 'time')}, {had.grant_minutes} min"
    yield "temporary measures", f"{had.measures}, {had.measures_kept} accepted to stay"


def _drills(found: GovernanceReport) -> Iterator[Row]:
    for one in found.drills:
        took = "" if one.initiation is None else _span(one.initiation)
        yield one.id, one.kind, when(one.at), one.passed, took, one.findings


def _actions(found: GovernanceReport) -> Iterator[Row]:
    for row in found.actions:
        one = row.action
        yield row.incident, one.id, one.kind, one.text, one.owner, one.due, row.state


def table(found: GovernanceReport) -> Iterator[Row]:
    """Everything as rows of one table: (section, row of it, column, value)."""
    for section in sections(found):
        for number, row in enumerate(section.rows, 1):
            yield from _cells(section.title, number, zip(section.header, row, strict=True))


def _cells(section: str, number: int, cells: Iterable[tuple[str, str]]) -> Iterator[Row]:
    for name, value in cells:
        yield section, str(number), name, value


def when(at: Millis | None) -> str:
    """A moment in UTC, to the minute.

    >>> when(0), when(None)
    ('1970-01-01 00:00', '')
    """
    return "" if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M}"


def variance(millis: Millis) -> str:
    """Above 0: too long.

    >>> variance(600_000), variance(-60_000)
    ('10 min too long', '1 min to spare')
    """
    return f"{_span(millis)} too long" if millis > 0 else f"{_span(-millis)} to spare"


def _span(millis: Millis) -> str:
    return span(round(millis / 1000))


def _day(at: Millis) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
