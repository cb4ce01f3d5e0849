"""The form of the section ``evidence``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from rules.checks import bad_duration, bad_evidence
from rules.evidence import NEVER, EvidencePolicy

_Wait = Annotated[
    int,
    BeforeValidator(bad_duration.milliseconds),
    WithJsonSchema({"type": ["string", "integer"], "pattern": bad_duration.PATTERN, "examples": ["11m"]}),
]
_Tier = Annotated[
    int | None, PlainValidator(bad_evidence.tier), WithJsonSchema({"type": "string", "pattern": "^([0-9]{1,2}|else)$"})
]
_Cost = Annotated[
    float | None,
    PlainValidator(bad_evidence.cost),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 1}, {"const": NEVER}]}),
]


class EvidenceForm(BaseModel):
    """What a missed alert costs by tier, and how long one waits for evidence; what is not given keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missed: dict[_Tier, _Cost] = {}
    wait_most: _Wait = EvidencePolicy().wait_most
    wait_samples: FiniteFloat = EvidencePolicy().wait_samples

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_evidence.consistent(self.build())
        return self

    def build(self) -> EvidencePolicy:
        """The policy."""
        usual = EvidencePolicy()
        costs: dict[int, float | None] = {
            **dict(usual.missed),
            **{t: c for t, c in self.missed.items() if t is not None},
        }
        rest = self.missed.get(None, usual.missed_else)
        return EvidencePolicy(tuple(sorted(costs.items())), rest, self.wait_most, self.wait_samples)
