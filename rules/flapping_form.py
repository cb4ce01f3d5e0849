"""The form of the section ``flapping``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, WithJsonSchema, model_validator

from rules.checks import bad_duration, bad_flapping
from rules.flapping import Flapping, Method

_Tick = Annotated[
    int,
    BeforeValidator(bad_duration.milliseconds),
    Field(ge=1000),
    WithJsonSchema({"type": ["string", "integer"], "pattern": bad_duration.PATTERN, "examples": ["1m"]}),
]
_Percent = Annotated[FiniteFloat, Field(gt=0, le=100)]
ICINGA_LOW = 25.0


class FlappingForm(BaseModel):
    """When alerts count as flapping; what is not given is as in the method's monitoring system."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = "nagios"
    low: _Percent | None = Field(None, description="percent at which it ends")
    high: _Percent | None = Field(None, description="percent at which it begins")
    tick: _Tick = Flapping().tick

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_flapping.consistent(self.build())
        return self

    def build(self) -> Flapping:
        """The parameters."""
        usual = Flapping(method=self.method, low=ICINGA_LOW if self.method == "icinga" else Flapping().low)
        low = usual.low if self.low is None else self.low
        high = usual.high if self.high is None else self.high
        return Flapping(method=self.method, low=low, high=high, tick=self.tick)
