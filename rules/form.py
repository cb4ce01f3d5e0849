"""The form of the files in which an operator declares rules: keys, kinds of values, and what they become.

Scalars arrive as text (`rules.document`). Each section turns into the structs that `rules.ruleset` compiles.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from rules.checks import (
    bad_duration,
    bad_mapping,
    bad_matcher,
    bad_threshold,
    bad_time,
    bad_window,
    bad_zone,
    milder_for_worse,
    unknown_severity,
)
from rules.correlation import Correlation
from rules.escalation import EscalationRule
from rules.evidence_form import EvidenceForm
from rules.exposure import ExposureRule, Measure, Unit
from rules.flapping_form import FlappingForm
from rules.gates import Exclusion, Inhibition, Silence, Threshold, Weekly, Window
from rules.heartbeats import HeartbeatRule
from rules.matchers import Matcher
from rules.probes_form import DataChecks, Probes
from rules.regimes.form import ObligationForm, RegimeForm, RegimeId, RegimeSettings
from rules.routing import Route
from rules.severity import LEVELS, Grade, Matrix, SeverityRule, When
from rules.words import WORDS

_MATCHERS_SCHEMA: dict[str, Any] = {
    "description": 'Labels with values, or a list of matchers like severity=~"critical|page".',
    "anyOf": [
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        {"type": "array", "items": {"type": "string"}},
        {"type": "string"},
    ],
}
Duration = Annotated[
    int,
    BeforeValidator(bad_duration.milliseconds),
    WithJsonSchema({"type": ["string", "integer"], "pattern": bad_duration.PATTERN, "examples": ["30s", "5m"]}),
]
Instant = Annotated[
    int,
    BeforeValidator(bad_time.instant),
    WithJsonSchema({"type": "string", "pattern": bad_time.PATTERN, "examples": ["2026-03-01T22:00:00Z"]}),
]
Matchers = Annotated[tuple[Matcher, ...], PlainValidator(bad_matcher.matchers), WithJsonSchema(_MATCHERS_SCHEMA)]
Template = Annotated[str, PlainValidator(bad_mapping.template), WithJsonSchema({"type": "string"})]
Level = Annotated[str, PlainValidator(unknown_severity.level), WithJsonSchema({"type": "string", "enum": list(LEVELS)})]
Word = Annotated[str, PlainValidator(unknown_severity.word), WithJsonSchema({"type": "string", "enum": list(WORDS)})]
Zone = Annotated[
    str, PlainValidator(bad_zone.zone_name), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})
]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(max_length=2000)]
Names = tuple[Name, ...]
Schedule = Annotated[
    Weekly,
    PlainValidator(bad_window.weekly),
    WithJsonSchema({"type": "string", "pattern": bad_window.PATTERN, "examples": ["sat 02:00-04:00"]}),
]
Schedules = Annotated[
    tuple[Schedule, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Count = Annotated[int, Field(ge=0)]
Some = Annotated[int, Field(ge=1)]
"""An amount to be reached; 0 would always hold."""
Lasting = Annotated[Duration, Field(ge=1000)]
ONE_OR_MORE = Field(min_length=1)


class Form(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Gate(Form):
    id: Id
    match: Matchers = ()
    entities: Names = ()
    comment: Text = ""


class Exclusions(_Gate):
    """Leaves out of incident execution what it covers."""

    def build(self) -> Exclusion:
        """The gate."""
        return Exclusion(self.id, self.match, self.entities, self.comment)


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


class Conditions(Form):
    """All must hold; each says "at least". ``tier`` says "this tier or a more critical one"."""

    users: Some | None = None
    share: Annotated[int, Field(ge=1, le=1000, description="thousandths of all users")] | None = None
    tier: Count | None = None
    business: Some | None = Field(None, description="business services and processes hit")
    regions: Some | None = Field(None, description="countries where what is hit is used")
    member_states: Annotated[int, Field(ge=1, le=27, description="those of them in the European Union")] | None = None
    critical: Some | None = Field(None, description="critical or important functions hit")
    transactions: Some | None = Field(None, description="daily average of what is hit")
    value: Some | None = Field(None, description="daily average of what is hit, in EUR")
    down: Some | None = Field(None, description="entities down")
    affected: Some | None = Field(None, description="entities down or degraded")
    at_risk: Some | None = Field(None, description="entities that have lost their margin, or are affected")
    going_down: Some | None = Field(None, description="entities that are down, or will be unless something is done")
    stores_down: Some | None = Field(None, description="data stores down")
    word: Word | None = None
    lasting: Lasting | None = Field(None, description="since the onset")
    down_for: Lasting | None = Field(None, description="any entity, without a break")
    business_down_for: Lasting | None = Field(None, description="any business service or process")
    critical_down_for: Lasting | None = Field(None, description="any critical or important function")
    user_impact: bool | None = None
    data_loss: bool | None = None
    regulatory: bool | None = None
    rto_breach: bool | None = Field(None, description="the time left does not suffice to restore something in time")
    security: bool | None = None
    lost_heartbeat: bool | None = None

    def build(self) -> When:
        """The conditions."""
        return When(**self.model_dump())


class SeverityRules(Form):
    """When the conditions hold, an incident is at least this severe."""

    id: Id
    level: Level
    when: Conditions

    def build(self) -> SeverityRule:
        """The rule."""
        return SeverityRule(self.id, self.level, self.when.build())


class Grades(Form):
    """A row of the matrix."""

    id: Id
    any: Annotated[tuple[Conditions, ...], ONE_OR_MORE]
    levels: Annotated[tuple[Level, ...], ONE_OR_MORE]


class MatrixForm(Form):
    """Extent × tier -> level."""

    tiers: tuple[Count, ...]
    grades: tuple[Grades, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        milder_for_worse.ascending(self.tiers)
        for grade in self.grades:
            milder_for_worse.row(grade.id, grade.levels, len(self.tiers))
        for before, grade in pairwise(self.grades):
            milder_for_worse.column((before.id, before.levels), grade.id, grade.levels)
        return self

    def build(self) -> Matrix:
        """The matrix."""
        rows = (Grade(grade.id, tuple(when.build() for when in grade.any), grade.levels) for grade in self.grades)
        return Matrix(self.tiers, tuple(rows))


class SeverityForm(Form):
    """Additions to the built-in severity policy."""

    words: dict[Name, Word] = {}
    rules: tuple[SeverityRules, ...] = ()
    without: Names = ()
    matrix: MatrixForm | None = None
    users_total: Annotated[Some, Field(description="all users there are")] | None = None


class EscalationConditions(Conditions):
    """The conditions of severity, and the severity itself."""

    severity: Level | None = Field(None, description="this level or a worse one")


class EscalationRules(Form):
    """When the conditions hold, these roles are to be reached in time."""

    id: Id
    level: Name
    when: EscalationConditions
    reach: Annotated[Names, ONE_OR_MORE]
    within: Lasting

    def build(self) -> EscalationRule:
        """The rule."""
        return EscalationRule(self.id, self.level, self.when.build(), self.reach, self.within)


class EscalationForm(Form):
    """Additions to the built-in escalation; with levels of its own it takes the place of the built-in one."""

    levels: tuple[Name, ...] = ()
    rules: tuple[EscalationRules, ...] = ()
    without: Names = ()
    roles: dict[Name, Names] = {}


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
    probes: tuple[Probes, ...] = ()
    data_checks: tuple[DataChecks, ...] = ()
    obligations: tuple[ObligationForm, ...] = ()
    regimes: dict[RegimeId, RegimeSettings] = {}
    regime_packs: tuple[RegimeForm, ...] = ()
    modes: dict[Name, Literal["shadow", "enforce"]] = {}
