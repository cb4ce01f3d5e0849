"""What the API answers where it is more than one of the engine's own outcomes. Times are milliseconds since 1970."""

from __future__ import annotations

import msgspec

from api.explanation_schemas import AlertArgued
from engine.outcomes import (
    AlertView,
    AssumptionView,
    HarmView,
    IncidentView,
    SeverityView,
    TimelineEntry,
)
from engine.people_views import EscalationView
from topology.model import Dependency, Entity


class IncidentPage(msgspec.Struct):
    """Incidents, newest first; ``next`` is the cursor of the following page, empty at the end."""

    items: list[IncidentView]
    next: str = ""


class TicketOf(msgspec.Struct, kw_only=True):
    """What a sink keeps of an incident: the receiver's own id ``remote``, and where to look at it. ``state`` is open,
    closed or duplicate."""

    sink: str
    remote: str
    url: str
    state: str
    generation: int
    created_at: int
    changed_at: int


class IncidentDetail(msgspec.Struct):
    """One incident with its timeline, the alerts in it (the newest 500), and its tickets as they are now."""

    incident: IncidentView
    timeline: list[TimelineEntry]
    alerts: list[AlertView]
    tickets: list[TicketOf] = []


class Timeline(msgspec.Struct):
    """An incident's timeline, oldest first; ``next`` as in all lists."""

    items: list[TimelineEntry]
    next: str = ""


class SeverityExplained(msgspec.Struct, kw_only=True):
    """Why an incident is as severe as it is: the numbers (``harm``), the rules that fired and those that cannot be
    excluded (``severity``), who must hear of it, what changed when and why (``history``, oldest first), and the
    versions it was computed from."""

    incident: str
    revision: int
    severity: SeverityView
    harm: HarmView
    obligations: tuple[str, ...]
    escalation: EscalationView
    history: list[TimelineEntry]
    versions: dict[str, str]


class Revisions(msgspec.Struct):
    """All revisions of an incident, oldest first."""

    items: list[IncidentView]
    next: str = ""


class AlertPage(msgspec.Struct):
    """Alerts, newest first; ``next`` is the cursor of the following page, empty at the end."""

    items: list[AlertView]
    next: str = ""


class Why(msgspec.Struct):
    """Why an alert event has the disposition it has: the current one, and all of them, oldest first; and what evidence
    says of the alert (``argument``)."""

    event: str
    alert: AlertView
    current: dict[str, object]
    history: list[dict[str, object]]
    argument: AlertArgued | None = None


class Items(msgspec.Struct):
    """A page of rows; ``next`` is the cursor of the following page, empty at the end."""

    items: list[dict[str, object]]
    next: str = ""


class EntityPage(msgspec.Struct):
    """Entities by id, of one version of the topology."""

    version: str
    total: int
    items: list[Entity]
    next: str = ""


class EntityDetail(msgspec.Struct):
    """One entity, what it needs and who needs it."""

    version: str
    entity: Entity
    domain: str
    providers: list[Dependency]
    consumers: list[Dependency]


class Versions(msgspec.Struct):
    """The versions that an answer was computed from; a topology is the version of the catalogue that it was made of.
    ``rules`` is empty where none were asked."""

    topology: str
    catalogue: str
    rules: str = ""


class GroupState(msgspec.Struct, kw_only=True):
    """The arithmetic of a redundancy group of ``consumer``: ``working`` of its ``members`` are not down, ``need`` are
    needed; ``delivered`` and ``capacity`` are in full members. ``health`` is what it leaves the consumer."""

    consumer: str
    name: str
    words: str
    members: int
    working: int
    need: int
    capacity: float | None
    delivered: float
    hit: tuple[str, ...]
    health: int
    margin_lost: bool


class Reached(msgspec.Struct, kw_only=True):
    """One entity that a failure reaches: its health (0 down … 1000 up), the way, and after how many seconds.

    ``via`` is how the failure arrives (a dependency's semantics, a group, ``late`` where it gave up waiting);
    ``at_risk`` says that it still works but has lost its margin. ``degraded``, ``down`` and ``up`` are seconds until it
    is first below full health, first down, and up again for good; null: never, as far as is known. ``groups`` are its
    redundancy groups with a member that is hit. ``assumed`` is what a question says of the entity itself.
    """

    entity: str
    name: str
    kind: str
    low: int
    high: int
    path: tuple[str, ...] = ()
    via: str = ""
    after: float | None = None
    at_risk: bool = False
    owner: str = ""
    tier: int | None = None
    users: int | None = None
    degraded: float | None = None
    down: float | None = None
    up: float | None = None
    groups: list[GroupState] = []
    assumed: str = ""


class ImpactOf(msgspec.Struct):
    """What is hit if ``entity`` fails now, and which assumptions rest on that (moments in milliseconds after the
    failure). ``version`` is that of the topology."""

    entity: str
    version: str
    total: int
    items: list[Reached]
    versions: Versions | None = None
    assumptions: tuple[AssumptionView, ...] = ()


class Totals(msgspec.Struct):
    """Accepted alert events, by current disposition; ``unaccounted`` is 0 at all times."""

    received: int
    unaccounted: int
    dispositions: dict[str, int]


class Accepted(msgspec.Struct):
    """The input is durable: ``accepted`` signals."""

    accepted: int


class Done(msgspec.Struct):
    """A command is durable and decided; ``incident`` is the revision it led to, if it was about one."""

    action: str
    target: str
    incident: IncidentView | None = None


class Hinted(msgspec.Struct):
    """A web hook was heard; ``looked``: it names a ticket of ours, which will be looked at."""

    looked: bool


class Check(msgspec.Struct):
    """One check of readiness."""

    name: str
    ok: bool
    detail: str = ""


class Ready(msgspec.Struct):
    """Whether Headwater can take input now, every check behind it, and the degraded modes it is in."""

    ready: bool
    checks: list[Check]
    degraded: list[str] = []


class MismatchOf(msgspec.Struct):
    """An expectation that is not met: of an entity, the severity or the users; ``at`` is null over all time."""

    at: float | None
    subject: str
    expected: str
    found: str


class ScenarioChange(msgspec.Struct, kw_only=True):
    """A saved scenario that has another answer: ``before`` and ``after`` it is ``passed`` or ``failed``. Of each
    difference ``expected`` is what was said before and ``found`` what is said after, at a moment or (null) over all
    time; the first 500."""

    id: str
    title: str
    before: str
    after: str
    differences: list[MismatchOf]
    differences_total: int


class ScenarioChanges(msgspec.Struct, kw_only=True):
    """What changes in the answers of ``total`` saved scenarios from one pair of versions to another."""

    before: Versions
    after: Versions
    total: int
    items: list[ScenarioChange]
    findings: list[str] = []


class Settled(msgspec.Struct, omit_defaults=True):
    """What became of a dead letter or publication; ``accepted``: signals that were in it."""

    id: int
    state: str
    accepted: int = 0


class Reloaded(msgspec.Struct):
    """What a reload led to: the versions in force, whether they are new, and which saved scenarios have another answer
    because of them (null: there are none)."""

    topology: str
    rules: str
    changed: list[str]
    scenarios: ScenarioChanges | None = None


class SinkOf(msgspec.Struct, kw_only=True):
    """A declared receiver of publications and how it fares.

    ``state``: ``shadow`` (nothing is sent), ``idle`` (nothing was to be sent yet), ``ok``, or ``failing``: the last
    failure is later than the last success, or something was given up; ``error`` says what it was.
    """

    name: str
    kind: str
    audiences: list[str]
    mode: str
    state: str
    waiting: int = 0
    dead: int = 0
    last_success: int | None = None
    last_failure: int | None = None
    error: str = ""


class SinksOf(msgspec.Struct):
    """All receivers, by name."""

    items: list[SinkOf]
    next: str = ""


class SinkTest(msgspec.Struct):
    """What came of a test: ``said`` in one line; ``failure`` is permanent, transient or ambiguous, empty when it was
    taken."""

    name: str
    kind: str
    ok: bool
    said: str
    failure: str = ""
