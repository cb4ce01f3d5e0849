"""The form of the sections ``probes`` and ``data_checks``."""

from __future__ import annotations

from typing import Annotated, Any, Self

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

from rules.checks import bad_duration, bad_probe
from rules.probes import CheckKind, DataCheck, Expectation, Probe, ProbeKind, RecordType, Side

_DURATION: dict[str, Any] = {"type": ["string", "integer"], "pattern": bad_duration.PATTERN, "examples": ["30s", "5m"]}
_Every = Annotated[
    int, BeforeValidator(bad_duration.milliseconds), Field(ge=1000, le=86_400_000), WithJsonSchema(_DURATION)
]
_Within = Annotated[
    int, BeforeValidator(bad_duration.milliseconds), Field(ge=50, le=300_000), WithJsonSchema(_DURATION)
]
_Status = Annotated[
    tuple[tuple[int, int], ...],
    PlainValidator(bad_probe.statuses),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "integer"]}, "examples": [["200-299", 404]]}),
]
_Pattern = Annotated[
    str, PlainValidator(bad_probe.pattern), WithJsonSchema({"type": "string", "description": "RE2, found anywhere"})
]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
_Name = Annotated[str, Field(min_length=1, max_length=500)]
_Target = Annotated[str, Field(min_length=1, max_length=2000)]
_Query = Annotated[str, Field(min_length=1, max_length=10_000)]
_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[FiniteFloat, Field(ge=0)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectations(_Form):
    """What an answer must be like; what does not fit the kind of the probe is a mistake."""

    status: _Status | None = Field(default=None, description="http: statuses that pass (default: 200-299)")
    contains: Annotated[str, Field(max_length=2000)] = ""
    matches: _Pattern = ""
    latency: _Within | None = Field(default=None, description="at most")
    days_left: _Count | None = Field(default=None, description="tls: days until the certificate ends, at least")
    rows_least: _Count | None = None
    rows_most: _Count | None = None
    value_least: FiniteFloat | None = None
    value_most: FiniteFloat | None = None
    equals: Annotated[str, Field(max_length=2000)] = ""
    records: tuple[_Name, ...] = Field(default=(), description="dns: what the name leads to, all of it")

    def build(self) -> Expectation:
        """The expectation."""
        return Expectation(
            status=self.status or Expectation().status,
            contains=self.contains,
            matches=self.matches,
            latency=self.latency,
            days_left=self.days_left,
            rows=(self.rows_least, self.rows_most),
            value=(self.value_least, self.value_most),
            equals=self.equals,
            records=self.records,
        )


class Probes(_Form):
    """A check of an entity that the engine makes itself."""

    id: _Id
    entity: _Name
    kind: ProbeKind
    target: _Target
    expect: Expectations = Expectations()
    every: _Every = Probe(id="", entity="", kind="tcp", target="").every
    during_incident: _Every = Probe(id="", entity="", kind="tcp", target="").during_incident
    timeout: _Within = Probe(id="", entity="", kind="tcp", target="").timeout
    allow_private: bool = Field(default=False, description="its name may lead to private and loopback addresses")
    query: _Query | None = None
    record: RecordType | None = None
    server: _Name | None = None
    name: _Name | None = None
    credential: _Name | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_probe.consistent(self.build(), self.model_fields_set | self.expect.model_fields_set)
        return self

    def build(self) -> Probe:
        """The probe."""
        return Probe(
            id=self.id,
            entity=self.entity,
            kind=self.kind,
            target=self.target,
            expect=self.expect.build(),
            every=self.every,
            during_incident=self.during_incident,
            timeout=self.timeout,
            allow_private=self.allow_private,
            query=self.query or "",
            record=self.record or "A",
            server=self.server or "",
            name=self.name or "",
            credential=self.credential or "",
        )


class Sides(_Form):
    """A query to a database of the settings."""

    database: _Name
    query: _Query

    def build(self) -> Side:
        """The side."""
        return Side(self.database, self.query)


class DataChecks(_Form):
    """What must hold of a store's data. A kind has ``database`` and ``query``, or ``left`` and ``right``."""

    id: _Id
    entity: _Name
    kind: CheckKind
    database: _Name | None = None
    query: _Query | None = None
    left: Sides | None = None
    right: Sides | None = None
    least: FiniteFloat | None = None
    most: FiniteFloat | None = None
    tolerance: _Positive = 0.0
    percent: Annotated[FiniteFloat, Field(ge=0, le=100)] = 0.0
    timeout: _Within = DataCheck(id="", entity="", kind="rows", left=Side("", "")).timeout

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_probe.consistent_check(self.build(), self.model_fields_set)
        return self

    def build(self) -> DataCheck:
        """The check."""
        left = self.left.build() if self.left else Side(self.database or "", self.query or "")
        return DataCheck(
            id=self.id,
            entity=self.entity,
            kind=self.kind,
            left=left,
            right=self.right.build() if self.right else None,
            least=self.least,
            most=self.most,
            tolerance=self.tolerance,
            percent=self.percent,
            timeout=self.timeout,
        )
