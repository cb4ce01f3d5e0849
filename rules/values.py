"""The kinds of values in rules files, as texts of a file become them; every form is made of these."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from rules.checks import bad_duration, bad_mapping, bad_matcher, bad_time, bad_window, bad_zone, unknown_severity
from rules.gates import Weekly
from rules.matchers import Matcher
from rules.severity import LEVELS
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
Pause = Annotated[
    int | None,
    BeforeValidator(bad_duration.or_never),
    WithJsonSchema({"anyOf": [{"type": ["string", "integer"], "pattern": bad_duration.PATTERN}, {"const": "never"}]}),
]
Instant = Annotated[
    int,
    BeforeValidator(bad_time.instant),
    WithJsonSchema({"type": "string", "pattern": bad_time.PATTERN, "examples": ["2026-03-01T22:00:00Z"]}),
]
Day = Annotated[str, PlainValidator(bad_time.day), WithJsonSchema({"type": "string", "pattern": bad_time.DAY})]
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
