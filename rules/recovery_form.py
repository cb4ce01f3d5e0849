"""The form of the section ``recovery``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, FiniteFloat, PlainValidator, WithJsonSchema, model_validator

from rules.checks import bad_recovery
from rules.matchers import Matcher
from rules.recovery import IndicatorKind, IndicatorRule, Proof, RecoveryPolicy, Tolerance, Unit, Worse
from rules.values import Duration, Form, Id, Name, Zone

_Margin = Annotated[
    Tolerance,
    PlainValidator(bad_recovery.tolerance),
    WithJsonSchema({"type": ["string", "number"], "examples": ["10%", 0.005]}),
]
_Metric = Annotated[
    Matcher,
    PlainValidator(bad_recovery.metric),
    WithJsonSchema({"type": "string", "description": "a metric's name, or ~ and an RE2 pattern of names"}),
]
_Settle = Annotated[Duration, AfterValidator(bad_recovery.settle)]
_Expr = Annotated[str, Field(min_length=1, max_length=bad_recovery.LONGEST)]
_USUAL = IndicatorRule(id="", entity="")


class Indicators(Form):
    """An indicator (SLI) that says whether an entity is back; it takes the place of those that are learned for it."""

    id: Id
    entity: Name
    metric: _Metric | None = None
    expr: _Expr | None = Field(None, description="PromQL that gives one series")
    prometheus: Name | None = Field(None, description="which one of the settings; left out: the first")
    step: Duration = _USUAL.step
    kind: IndicatorKind | None = None
    worse: Worse | None = None
    margin: _Margin | None = None
    objective: Annotated[FiniteFloat, Field(gt=0, lt=1)] | None = None
    unit: Unit = ""
    best: FiniteFloat | None = None
    critical: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_recovery.consistent(self.build())
        return self

    def build(self) -> IndicatorRule:
        """The indicator."""
        return IndicatorRule(
            id=self.id,
            entity=self.entity,
            metric=self.metric,
            expr=self.expr or "",
            prometheus=self.prometheus or "",
            step=self.step,
            kind=self.kind,
            worse=self.worse,
            margin=self.margin,
            objective=self.objective,
            unit=self.unit,
            best=self.best,
            critical=self.critical,
        )


class RecoveryForm(Form):
    """When an incident counts as recovered; what is not given keeps its default."""

    proof: Proof | None = None
    settle: _Settle | None = None
    zone: Zone | None = None
    margins: dict[IndicatorKind, _Margin] = Field(default={})
    indicators: tuple[Indicators, ...] = ()


def policy(forms: list[RecoveryForm]) -> RecoveryPolicy:
    """The sections of all files together: indicators of all, each of the others in the first file that has it."""
    usual = RecoveryPolicy()
    margins = {kind: size for form in reversed(forms) for kind, size in form.margins.items()}
    return RecoveryPolicy(
        proof=next((form.proof for form in forms if form.proof is not None), usual.proof),
        settle=next((form.settle for form in forms if form.settle is not None), usual.settle),
        zone=next((form.zone for form in forms if form.zone is not None), usual.zone),
        margins=tuple(sorted(margins.items())),
        indicators=tuple(one.build() for form in forms for one in form.indicators),
    )
