"""The form of the section ``severity``, and of conditions."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from rules.checks import milder_for_worse
from rules.severity import Grade, Matrix, SeverityRule, When
from rules.values import ONE_OR_MORE, Count, Form, Id, Lasting, Level, Name, Names, Some, Word


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

    words: dict[Name, Word] = Field(default={})
    rules: tuple[SeverityRules, ...] = ()
    without: Names = ()
    matrix: MatrixForm | None = None
    users_total: Annotated[Some, Field(description="all users there are")] | None = None
