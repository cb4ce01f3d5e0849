"""How an incident is being worked on: the playbook under way, gates, decisions, measures, grants, vendors, briefings.

These structs are the state of the core and what a revision shows; they are never changed, only replaced. ``version``
counts the changes of a thing, so that of two people who act at once the second is told.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.signals import Millis

WAITING, READY, RUNNING, DONE = "waiting", "ready", "running", "done"
FAILED, SKIPPED, NOT_NEEDED = "failed", "skipped", "not_needed"
ENDED = frozenset({DONE, SKIPPED, NOT_NEEDED})
"""States of tasks that nobody waits for."""
CLOSED, PASSED, OVERRIDDEN = "closed", "passed", "overridden"


class GateView(msgspec.Struct, kw_only=True, frozen=True):
    """A gate: ``closed``, ``passed``, or ``overridden`` by an emergency authority, as of ``at``, and ``why``.

    ``evidence`` are the numbers behind it. ``could_run`` is False where its check has no answer: it stays closed."""

    id: str
    check: str
    state: str = CLOSED
    why: str = "not checked yet"
    at: Millis | None = None
    by: str = ""
    could_run: bool = True
    evidence: dict[str, Any] = {}
    version: int = 0


UNDER_WAY, PASSED_RUN, FAILED_RUN, UNCLEAR = "under_way", "passed", "failed", "unclear"
"""How a run of an automated step stands; unclear: nobody knows whether it was carried out."""


class StepRun(msgspec.Struct, kw_only=True, frozen=True):
    """One attempt to carry out an automated step: ``what`` was called, for whom, and what came of it.

    ``output`` is masked and cut; ``sha256`` is that of all that was kept of it, ``until`` when no result is expected
    any more. ``code`` is what a program returned, or the status of an answer."""

    id: str
    what: str
    at: Millis
    by: str
    until: Millis
    state: str = UNDER_WAY
    ended_at: Millis | None = None
    code: int | None = None
    detail: str = ""
    output: str = ""
    sha256: str = ""


class TaskView(msgspec.Struct, kw_only=True, frozen=True):
    """A task of the playbook under way. ``owner`` are the people who are accountable, as the roster and the rules say.

    ``blocked_by`` are the gates and tasks that it waits for; ``option`` is what was decided; ``output`` what an
    automated step said, ``runs`` are the attempts to carry it out."""

    id: str
    title: str
    owner: tuple[str, ...]
    kind: str
    takes: Millis
    state: str = WAITING
    by: str = ""
    started_at: Millis | None = None
    finished_at: Millis | None = None
    note: str = ""
    option: str = ""
    output: str = ""
    blocked_by: tuple[str, ...] = ()
    changed_at: Millis | None = None
    version: int = 0
    runs: tuple[StepRun, ...] = ()

    @property
    def running(self) -> StepRun | None:
        """The attempt that is under way."""
        return next((one for one in self.runs if one.state == UNDER_WAY), None)

    @property
    def took(self) -> Millis | None:
        """How long it took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


class Execution(msgspec.Struct, kw_only=True, frozen=True):
    """A playbook in use: the rules ``version`` it is from, who activated it and why; what was found against it then.

    ``critical`` is the chain of tasks that decides on ``finish``, the predicted end; ``due`` is when the soonest RTO
    runs out, and ``late`` by how much it is missed if nothing changes. ``ended_at``: all tasks have ended, or it was
    given up."""

    playbook: str
    title: str
    rules: str
    at: Millis
    by: str
    why: str
    findings: tuple[str, ...] = ()
    tasks: tuple[TaskView, ...] = ()
    gates: tuple[GateView, ...] = ()
    critical: tuple[str, ...] = ()
    finish: Millis | None = None
    due: Millis | None = None
    late: Millis = 0
    ended_at: Millis | None = None
    ended_why: str = ""

    def task(self, id: str) -> TaskView | None:
        """The task of an id."""
        return next((one for one in self.tasks if one.id == id), None)

    def gate(self, id: str) -> GateView | None:
        """The gate of an id."""
        return next((one for one in self.gates if one.id == id), None)

    @property
    def open_tasks(self) -> tuple[TaskView, ...]:
        """Those that somebody still has to do."""
        return tuple(one for one in self.tasks if one.state not in ENDED)


class Deviation(msgspec.Struct, kw_only=True, frozen=True):
    """Where what was done differs from the playbook: ``kind`` is skipped, failed, emergency, despite or noted."""

    kind: str
    text: str
    at: Millis
    by: str
    playbook: str = ""
    task: str = ""


class Measure(msgspec.Struct, kw_only=True, frozen=True):
    """Something temporary that must be reverted or accepted before the incident may close. ``kind``: override, route,
    silence, threshold, scaling, or a word of whoever registered it; rules, rule and unread come from reconciling.

    One that was found, not registered by a person, says in which ``source`` and under which ``key``, and what was there
    ``before``. ``field`` and ``value`` are what the catalogue says of its entity if it stays."""

    id: str
    kind: str
    text: str
    at: Millis
    by: str
    entity: str = ""
    state: str = "open"
    ended_at: Millis | None = None
    ended_by: str = ""
    why: str = ""
    source: str = ""
    key: str = ""
    before: str = ""
    field: str = ""
    value: str = ""
    version: int = 0


class Grant(msgspec.Struct, kw_only=True, frozen=True):
    """Access for a person to a system, for so many ``minutes``: requested, granted, refused, revoked or expired."""

    id: str
    person: str
    system: str
    minutes: int
    why: str
    at: Millis
    by: str
    state: str = "requested"
    granted_at: Millis | None = None
    granted_by: str = ""
    until: Millis | None = None
    ended_at: Millis | None = None
    ended_by: str = ""
    version: int = 0


class VendorCall(msgspec.Struct, kw_only=True, frozen=True):
    """A vendor was called for help: they have until ``due`` (None: nothing is promised) to answer."""

    id: str
    vendor: str
    text: str
    at: Millis
    by: str
    contact: str = ""
    contract: str = ""
    due: Millis | None = None
    answered_at: Millis | None = None
    answered_by: str = ""
    answer: str = ""
    breached: bool = False
    version: int = 0


class Briefing(msgspec.Struct, kw_only=True, frozen=True):
    """What teams were told of the situation."""

    at: Millis
    by: str
    text: str
    teams: tuple[str, ...] = ()
    late: bool = False


class Assessor(msgspec.Struct, kw_only=True, frozen=True):
    """Who judges the impact first, from the roster; ``confirmed_at``: with access to topology and catalogue."""

    person: str
    roster: str
    at: Millis
    reach: str = ""
    confirmed_at: Millis | None = None
    missing: str = ""


class Handover(msgspec.Struct, kw_only=True, frozen=True):
    """The crisis team hands over ``to`` a person, with the open ``risks`` and ``actions``."""

    to: str
    text: str
    at: Millis
    by: str
    risks: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    accepted_at: Millis | None = None
    version: int = 0


class ActionItem(msgspec.Struct, kw_only=True, frozen=True):
    """Something to be done later, by somebody. ``kind``: gap, playbook, threshold, vendor, capacity …; one that
    ``blocks`` has to be done before the review is accepted."""

    id: str
    kind: str
    text: str
    owner: str
    at: Millis
    by: str
    due: str = ""
    done_at: Millis | None = None
    done_by: str = ""
    blocks: bool = False
    version: int = 0


class Problem(msgspec.Struct, kw_only=True, frozen=True):
    """A problem record: the trouble behind this incident and ``earlier`` ones of the same cause, for ``owner`` to end
    for good; ``why`` somebody opened it."""

    id: str
    text: str
    why: str
    at: Millis
    by: str
    owner: str = ""
    earlier: tuple[str, ...] = ()


class CatalogueChange(msgspec.Struct, kw_only=True, frozen=True):
    """What the catalogue should say of ``entity`` after this incident: ``field`` from ``before`` to ``after``.

    ``kind``: dependency (an edge was seen; ``after`` is the provider), attribute (a person says so) or measure (a
    temporary one that stays). ``state``: open, accepted or refused, by whom, when and why."""

    id: str
    kind: str
    entity: str
    field: str
    before: str
    after: str
    because: str
    at: Millis
    by: str = ""
    state: str = "open"
    ended_at: Millis | None = None
    ended_by: str = ""
    why: str = ""
    version: int = 0


class Review(msgspec.Struct, kw_only=True, frozen=True):
    """The review that is due; ``reminded`` is how often somebody was reminded of it."""

    due: Millis
    why: str
    reminded: int = 0
    held_at: Millis | None = None
    by: str = ""
    technical: tuple[str, ...] = ()
    business: tuple[str, ...] = ()
    well: str = ""
    findings: str = ""


class Response(msgspec.Struct, kw_only=True, frozen=True):
    """All of it. ``past`` are playbooks that were given up or taken over; ``next_briefing_at`` is promised (None: no
    cadence), ``version`` counts all changes."""

    version: int = 0
    execution: Execution | None = None
    past: tuple[Execution, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    measures: tuple[Measure, ...] = ()
    grants: tuple[Grant, ...] = ()
    vendors: tuple[VendorCall, ...] = ()
    briefings: tuple[Briefing, ...] = ()
    next_briefing_at: Millis | None = None
    briefing_overdue: bool = False
    assessor: Assessor | None = None
    handover: Handover | None = None
    actions: tuple[ActionItem, ...] = ()
    catalogue: tuple[CatalogueChange, ...] = ()
    review: Review | None = None
    problem: Problem | None = None
