"""The report for governance, as data. Times are milliseconds; everything is as of the end of the period."""

from __future__ import annotations

import msgspec

from engine.continuity.report import Measured, Phase
from engine.response_views import ActionItem
from engine.signals import Millis

MET, MISSED, RUNNING, DISMISSED = "met", "missed", "running", "dismissed"


class ClockRow(msgspec.Struct, kw_only=True, frozen=True):
    """A duty of a regime: ``outcome`` met, missed (late, or overdue), running or dismissed."""

    incident: str
    regime: str
    clock: str
    name: str
    article: str
    due: Millis | None
    fulfilled_at: Millis | None
    outcome: str


class IncidentRow(msgspec.Struct, kw_only=True, frozen=True):
    """One incident. ``carried``: it began before the period."""

    id: str
    title: str
    state: str
    severity: str
    cause: str
    began: Millis
    ended: Millis | None
    carried: bool
    closed_as: str
    services: tuple[str, ...]
    phases: tuple[Phase, ...]
    objectives: tuple[Measured, ...]
    clocks: tuple[ClockRow, ...]
    problem: str = ""


class ServiceRow(msgspec.Struct, kw_only=True, frozen=True):
    """A business service, or an entity with an objective: ``away`` is the sum of what it was away, of RTOs that ran;
    ``worst`` the worst variance (above 0: too long), ``causes`` where the time of those that were missed went."""

    service: str
    incidents: tuple[str, ...]
    away: Millis
    met: int
    missed: int
    worst: Millis | None
    causes: tuple[str, ...]


class RegimeRow(msgspec.Struct, kw_only=True, frozen=True):
    """A regime: incidents by whether they are reportable, as the engine says, and its duties by outcome;
    ``implications`` in words."""

    regime: str
    name: str
    authority: str
    reportable: tuple[str, ...]
    cannot_exclude: tuple[str, ...]
    met: int
    missed: int
    running: int
    dismissed: int
    implications: tuple[str, ...]


class Resources(msgspec.Struct, kw_only=True, frozen=True):
    """What the incidents took: people who did something (by name in the record, only counted), time in steps of
    playbooks, briefings, playbooks, vendors, access and temporary measures."""

    people: int
    acts: int
    step_millis: Millis
    steps: int
    briefings: int
    playbooks: tuple[str, ...]
    vendor_calls: int
    vendor_breaches: int
    grants: int
    grant_minutes: int
    measures: int
    measures_kept: int


class DrillRow(msgspec.Struct, kw_only=True, frozen=True):
    """An exercise that was held, or an incident of the drill lane; ``passed`` yes, no, partly, or "" (not said)."""

    id: str
    kind: str
    at: Millis
    passed: str
    findings: str
    initiation: Millis | None = None


class Gap(msgspec.Struct, kw_only=True, frozen=True):
    """Something that the record shows to be amiss: ``kind`` objective, clock, deviation, vendor, unseen, review,
    measure or exercise; ``about`` is the incident or exercise."""

    kind: str
    about: str
    text: str


class ActionRow(msgspec.Struct, kw_only=True, frozen=True):
    """An action and where it stands: open, overdue or done."""

    incident: str
    action: ActionItem
    state: str


class GovernanceReport(msgspec.Struct, kw_only=True, frozen=True):
    """All of it, from ``since`` up to and not including ``until``."""

    since: Millis
    until: Millis
    incidents: tuple[IncidentRow, ...]
    services: tuple[ServiceRow, ...]
    regimes: tuple[RegimeRow, ...]
    resources: Resources
    drills: tuple[DrillRow, ...]
    gaps: tuple[Gap, ...]
    actions: tuple[ActionRow, ...]
