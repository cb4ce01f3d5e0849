"""What the API answers where it is more than one of the engine's own outcomes. Times are milliseconds since 1970."""

from __future__ import annotations

import msgspec

from engine.outcomes import AlertView, EscalationView, HarmView, IncidentView, SeverityView, TimelineEntry
from engine.signals import Millis
from topology.model import Dependency, Entity


class IncidentPage(msgspec.Struct):
    """Incidents, newest first; ``next`` is the cursor of the following page, empty at the end."""

    items: list[IncidentView]
    next: str = ""


class IncidentDetail(msgspec.Struct):
    """One incident with its timeline and the alerts in it (the newest 500)."""

    incident: IncidentView
    timeline: list[TimelineEntry]
    alerts: list[AlertView]


class Timeline(msgspec.Struct):
    """An incident's timeline, oldest first."""

    items: list[TimelineEntry]


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


class AlertPage(msgspec.Struct):
    """Alerts, newest first; ``next`` is the cursor of the following page, empty at the end."""

    items: list[AlertView]
    next: str = ""


class Why(msgspec.Struct):
    """Why an alert event has the disposition it has: the current one, and all of them, oldest first."""

    event: str
    alert: AlertView
    current: dict[str, object]
    history: list[dict[str, object]]


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


class Reached(msgspec.Struct, kw_only=True):
    """One entity that a failure reaches: its health (0 down … 1000 up), the way, and after how many seconds.

    ``via`` is how the failure arrives (a dependency's semantics or a group); ``at_risk`` says that it still works but
    has lost its margin.
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


class ImpactOf(msgspec.Struct):
    """What is hit if ``entity`` fails now."""

    entity: str
    version: str
    total: int
    items: list[Reached]


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


class Check(msgspec.Struct):
    """One check of readiness."""

    name: str
    ok: bool
    detail: str = ""


class Ready(msgspec.Struct):
    """Whether Headwater can take input now, and every check behind it."""

    ready: bool
    checks: list[Check]


class Reloaded(msgspec.Struct):
    """What a reload led to: the versions in force and whether they are new."""

    topology: str
    rules: str
    changed: list[str]


class VersionRow(msgspec.Struct):
    """One version of the operator's files."""

    kind: str
    id: str
    at: Millis
    note: str = ""
    current: bool = False
