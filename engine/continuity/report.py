"""The review's report, from the record alone: timeline, phases against RTO, impact, decisions, what went well, gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from engine.continuity.proposal import Proposal, proposals_of
from engine.outcomes import IncidentView, TimelineEntry
from engine.response_views import ActionItem, Deviation, Execution, Review, VendorCall
from engine.signals import Millis
from rules.playbooks import Playbook

DECISIONS = frozenset({
    "declared", "crisis_team", "playbook", "gate", "severity", "merge_asked", "split_asked", "handover", "silenced",
})  # fmt: skip
"""Kinds of lines that tell of a decision; steps of a playbook that decide are among those of kind ``task``."""
RECURS = 2
"""So many earlier incidents with the same cause, and a problem record is proposed."""
SHOWN = 50


class Phase(msgspec.Struct, kw_only=True, frozen=True):
    """A stretch of the incident; ``until`` None: it goes on."""

    name: str
    since: Millis
    until: Millis | None

    @property
    def took(self) -> Millis:
        """How long it took so far as is known."""
        return (self.until if self.until is not None else self.since) - self.since


class Measured(msgspec.Struct, kw_only=True, frozen=True):
    """How long an entity was away (``took``) against its objective (``allowed``), in milliseconds; ``variance`` above
    0 is too long, and ``causes`` say where the time went."""

    entity: str
    kind: str
    since: Millis
    until: Millis | None
    allowed: Millis
    took: Millis
    variance: Millis
    causes: tuple[str, ...] = ()


class UnseenRule(msgspec.Struct, kw_only=True, frozen=True):
    """An entity that deviated without any alert, and the rule that would have told of it, as Prometheus writes it."""

    entity: str
    what: str
    since: Millis | None
    rule: str


class ReportOf(msgspec.Struct, kw_only=True, frozen=True):
    """The report of an incident, as its record says. ``recurrences`` are earlier incidents with the same cause;
    ``problem`` proposes a problem record, or tells of the one that there is; "" where it does not recur."""

    incident: str
    revision: int
    title: str
    state: str
    severity: str
    cause: str
    began: Millis
    ended: Millis | None
    closed_as: str
    phases: tuple[Phase, ...]
    objectives: tuple[Measured, ...]
    users_low: int | None
    users_high: int | None
    services: tuple[str, ...]
    obligations: tuple[str, ...]
    hit: int
    decisions: tuple[TimelineEntry, ...]
    timeline: tuple[TimelineEntry, ...]
    playbooks: tuple[Execution, ...]
    deviations: tuple[Deviation, ...]
    proposals: tuple[Proposal, ...]
    late_vendors: tuple[VendorCall, ...]
    went_well: tuple[str, ...]
    unseen: tuple[UnseenRule, ...]
    actions: tuple[ActionItem, ...]
    review: Review | None
    recurrences: tuple[str, ...]
    problem: str


def report_of(
    revisions: Sequence[IncidentView],
    timeline: Sequence[TimelineEntry],
    earlier: Iterable[IncidentView] = (),
    playbooks: Iterable[Playbook] = (),
) -> ReportOf:
    """The report of the incident with these revisions, oldest first; ``earlier`` incidents may show that it recurs."""
    view = revisions[-1]
    response = view.response
    used = (*response.past, *([response.execution] if response.execution else ()))
    objectives = tuple(_measured(revisions, used, response.vendors, timeline))
    same = tuple(one.id for one in earlier if one.id != view.id and view.cause and one.cause == view.cause)
    return ReportOf(
        incident=view.id,
        revision=view.revision,
        title=view.title,
        state=view.state,
        severity=view.severity.level,
        cause=view.cause or "",
        began=view.onset,
        ended=view.resolved_at,
        closed_as=view.closed_as,
        phases=tuple(_phases(view, timeline)),
        objectives=objectives,
        users_low=view.users[0] if view.users else None,
        users_high=view.users[1] if view.users else None,
        services=tuple(one.entity for one in view.impact if one.kind.startswith("business"))[:SHOWN],
        obligations=view.obligations,
        hit=max((one.impact_total for one in revisions), default=0),
        decisions=tuple(one for one in timeline if _decides(one)),
        timeline=tuple(timeline),
        playbooks=used,
        deviations=response.deviations,
        proposals=tuple(proposals_of(used, response.deviations, playbooks)),
        late_vendors=tuple(one for one in response.vendors if one.breached),
        went_well=tuple(_well(view, objectives, used, response.vendors)),
        unseen=tuple(_unseen(view)),
        actions=response.actions,
        review=response.review,
        recurrences=same[:SHOWN],
        problem="; ".join(_problem(view, same)),
    )


def _problem(view: IncidentView, same: Sequence[str]) -> Iterator[str]:
    if len(same) >= RECURS:
        yield f"{view.cause} was the cause {len(same) + 1} times: {', '.join((*same[:SHOWN], view.id))}"
    if found := view.response.problem:
        yield f"problem record opened by {found.by}: {found.text}"


def _decides(line: TimelineEntry) -> bool:
    return line.kind in DECISIONS or (line.kind == "task" and " decided by " in line.text)


def _phases(view: IncidentView, timeline: Iterable[TimelineEntry]) -> Iterator[Phase]:
    """From the first sign to the end, each phase until the next one begins; what did not happen has no phase."""
    quiet = next((line.at for line in reversed(list(timeline)) if line.kind == "recovering"), None)
    turns = [
        ("detection", view.onset),
        ("triage", view.opened_at),
        ("mobilisation", view.declared_at),
        ("restoration", view.restoring_at),
        ("validation", quiet),
    ]
    known = [(name, at) for name, at in turns if at is not None]
    for number, (name, at) in enumerate(known):
        following = known[number + 1][1] if number + 1 < len(known) else view.resolved_at
        yield Phase(name=name, since=at, until=None if following is None else max(at, following))


def _measured(
    revisions: Sequence[IncidentView],
    used: Sequence[Execution],
    vendors: Iterable[VendorCall],
    timeline: Sequence[TimelineEntry],
) -> Iterator[Measured]:
    """Every objective that ever ran, against the moment at which its entity was no longer hit."""
    found: dict[tuple[str, str], tuple[Millis, Millis]] = {}
    back: dict[str, Millis | None] = {}
    for one in revisions:
        hit = {impacted.entity for impacted in one.impact if impacted.low == 0}
        for objective in one.objectives:
            found.setdefault((objective.entity, objective.kind), (objective.since, objective.due))
        for entity, _ in found:
            back[entity] = None if entity in hit else back.get(entity) or one.updated_at
    causes = tuple(_causes(used, vendors, timeline))
    for (entity, kind), (since, due) in sorted(found.items()):
        until = back.get(entity)
        until = revisions[-1].resolved_at if until is None else until
        took = max(0, (until if until is not None else revisions[-1].updated_at) - since)
        over = took - (due - since)
        yield Measured(
            entity=entity,
            kind=kind,
            since=since,
            until=until,
            allowed=due - since,
            took=took,
            variance=over,
            causes=causes if over > 0 else (),
        )


def _causes(
    used: Iterable[Execution], vendors: Iterable[VendorCall], timeline: Iterable[TimelineEntry]
) -> Iterator[str]:
    """Where time went: steps that took longer than planned, gates that were closed, vendors that were late."""
    for execution in used:
        for task in execution.tasks:
            if task.took is not None and task.takes and task.took > task.takes:
                over = (task.took - task.takes) // 60_000
                yield f"step {task.id} took {task.took // 60_000} min, {over} min longer than planned"
    closed = sum(line.kind == "refused" and " is closed: " in line.text for line in timeline)
    if closed:
        yield f"gates were closed {closed} time{'s' if closed > 1 else ''} when a step was to begin"
    for call in vendors:
        if call.breached:
            yield f"vendor {call.vendor} did not answer in time"


def _well(
    view: IncidentView, objectives: Sequence[Measured], used: Iterable[Execution], vendors: Iterable[VendorCall]
) -> Iterator[str]:
    if objectives and all(one.variance <= 0 for one in objectives):
        yield f"all {len(objectives)} recovery objectives were met"
    if view.closed_as == "restored":
        yield "recovery was proven against the baseline"
    for execution in used:
        if execution.tasks and all(one.state in ("done", "not_needed") for one in execution.tasks):
            yield f"playbook {execution.playbook} was followed without leaving out a step"
    if view.response.briefings and not any(one.late for one in view.response.briefings):
        yield "every briefing was held in time"
    for call in vendors:
        if call.answered_at is not None and not call.breached:
            yield f"vendor {call.vendor} answered in time"


def _unseen(view: IncidentView) -> Iterator[UnseenRule]:
    for one in view.members:
        if one.kind == "deviating":
            metric = one.what.split(" ")[0].split("{")[0] or "up"
            rule = (
                f"alert: {one.entity}-deviates, expr: abs({metric} - avg_over_time({metric}[1w])) > "
                f"3 * stddev_over_time({metric}[1w]), for: 5m"
            )
            yield UnseenRule(entity=one.entity, what=f"{one.source} {one.what}".strip(), since=one.since, rule=rule)
