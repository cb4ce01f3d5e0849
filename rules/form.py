"""The form of the files in which an operator declares rules: keys, kinds of values, and what they become.

Scalars arrive as text (`rules.document`). Each section turns into the structs that `rules.ruleset` compiles.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec
from pydantic import Field, FiniteFloat, model_validator

from rules.checks import bad_threshold, bad_window
from rules.correlation import Correlation
from rules.escalation_form import EscalationForm
from rules.evidence_form import EvidenceForm
from rules.exposure import ExposureRule, Measure, Unit
from rules.flapping_form import FlappingForm
from rules.gates import Exclusion, Inhibition, Silence, Threshold, Window
from rules.heartbeats import HeartbeatRule
from rules.probes_form import DataChecks, Probes
from rules.recovery_form import RecoveryForm
from rules.regimes.form import ObligationForm, RegimeForm, RegimeId, RegimeSettings
from rules.routing import Route
from rules.severity_form import SeverityForm
from rules.ticketing_form import TicketForm
from rules.values import (
    ONE_OR_MORE,
    Day,
    Duration,
    Form,
    Id,
    Instant,
    Level,
    Matchers,
    Name,
    Names,
    Pause,
    Schedules,
    Template,
    Text,
    Zone,
)


class _Gate(Form):
    id: Id
    match: Matchers = ()
    entities: Names = ()
    comment: Text = ""


class Exclusions(_Gate):
    """Leaves out of incident execution what it covers."""

    review: Day = Field("", description="when somebody looks at it again")

    def build(self) -> Exclusion:
        """The gate."""
        return Exclusion(self.id, self.match, self.entities, self.comment, self.review)


class Maintenance(_Gate):
    """Announced work: once from–until, weekly, or weekly within from–until."""

    starts_at: Instant | None = Field(None, alias="from")
    ends_at: Instant | None = Field(None, alias="until")
    every: Schedules = ()
    zone: Zone = "UTC"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_window.ordered(self.starts_at, self.ends_at)
        bad_window.bounded(has_end=self.ends_at is not None, has_schedule=bool(self.every))
        return self

    def build(self) -> Window:
        """The gate."""
        every = tuple(msgspec.structs.replace(weekly, zone=self.zone) for weekly in self.every)
        return Window(self.id, self.match, self.entities, self.starts_at, self.ends_at, every, self.comment)


class Silences(_Gate):
    """Mutes alerts until a time."""

    starts_at: Instant = Field(0, alias="from")
    ends_at: Instant = Field(alias="until")
    created_by: Text = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_window.ordered(self.starts_at, self.ends_at)
        return self

    def build(self) -> Silence:
        """The gate."""
        return Silence(self.id, self.match, self.entities, self.starts_at, self.ends_at, self.created_by, self.comment)


class Thresholds(_Gate):
    """Alerts count only after firing for a time, or beyond a value."""

    wait: Duration = Field(0, alias="for")
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None
    clear_below: FiniteFloat | None = None
    clear_above: FiniteFloat | None = None
    clear_for: Duration = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_threshold.consistent(self.build())
        return self

    def build(self) -> Threshold:
        """The gate."""
        return Threshold(matchers=self.match, **self.model_dump(exclude={"match"}))


class Inhibitions(Form):
    """A firing source alert mutes target alerts with the same values of the equal labels."""

    id: Id
    source: Annotated[Matchers, ONE_OR_MORE]
    target: Annotated[Matchers, ONE_OR_MORE]
    equal: Names = ()
    comment: Text = ""

    def build(self) -> Inhibition:
        """The rule."""
        return Inhibition(self.id, self.source, self.target, self.equal, self.comment)


class Gates(Form):
    """What keeps alerts out of incidents."""

    maintenance: tuple[Maintenance, ...] = ()
    scope: tuple[Exclusions, ...] = ()
    silences: tuple[Silences, ...] = ()
    thresholds: tuple[Thresholds, ...] = ()
    inhibitions: tuple[Inhibitions, ...] = ()


class Heartbeats(Form):
    """An alert that fires always; its silence is the alarm."""

    id: Id
    match: Annotated[Matchers, ONE_OR_MORE]
    every: Annotated[Duration, Field(ge=1000)] | None = Field(None, description="left out: learned")
    labels: Names = ("cluster", "prometheus", "job")

    def build(self) -> HeartbeatRule:
        """The rule."""
        return HeartbeatRule(self.id, self.match, self.every, self.labels)


class Exposures(Form):
    """Samples that match say how far a copy of the data is behind."""

    id: Id
    match: Annotated[Matchers, ONE_OR_MORE]
    gives: Measure
    unit: Unit = "seconds"

    def build(self) -> ExposureRule:
        """The rule."""
        return ExposureRule(self.id, self.match, self.gives, self.unit)


class CorrelationForm(Form):
    """Parameters of correlation and alert life; what is not given keeps its default."""

    group_wait: Duration = Correlation().group_wait
    group_interval: Duration = Correlation().group_interval
    resolve_timeout: Duration = Correlation().resolve_timeout
    lateness: Duration = Correlation().lateness
    log_lateness: Duration = Correlation().log_lateness
    future_skew: Duration = Correlation().future_skew
    window: Duration = Correlation().window
    linger: Duration = Correlation().linger
    recover_after: Duration = Correlation().recover_after
    settle: Duration = Correlation().settle
    storm_threshold: Annotated[int, Field(ge=1)] = Correlation().storm_threshold

    def build(self) -> Correlation:
        """The parameters."""
        return Correlation(**self.model_dump())


Audience = Literal["engineers", "stakeholders", "tickets"]


class Routes(Form):
    """Incidents that match go to these sinks; the first route decides unless it says continue."""

    id: Id
    match: Matchers = ()
    audiences: tuple[Audience, ...] = ()
    sinks: Annotated[Names, ONE_OR_MORE]
    proceed: bool = Field(False, alias="continue")

    def build(self) -> Route:
        """The route."""
        return Route(self.id, self.match, self.audiences, self.sinks, self.proceed)


class RulesFile(Form):
    """One file of rules."""

    mapping: tuple[Template, ...] | None = None
    gates: Gates = Gates()
    heartbeats: tuple[Heartbeats, ...] = ()
    severity: SeverityForm = SeverityForm()
    escalation: EscalationForm = EscalationForm()
    exposure: tuple[Exposures, ...] = ()
    correlation: CorrelationForm | None = None
    flapping: FlappingForm | None = None
    evidence: EvidenceForm | None = None
    routes: tuple[Routes, ...] = ()
    tickets: TicketForm = TicketForm()
    updates: dict[Level, Pause] = Field(default={})
    probes: tuple[Probes, ...] = ()
    data_checks: tuple[DataChecks, ...] = ()
    recovery: RecoveryForm = RecoveryForm()
    obligations: tuple[ObligationForm, ...] = ()
    regimes: dict[RegimeId, RegimeSettings] = Field(default={})
    regime_packs: tuple[RegimeForm, ...] = ()
    modes: dict[Name, Literal["shadow", "enforce"]] = Field(default={})
