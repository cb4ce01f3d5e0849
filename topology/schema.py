"""The form of a catalogue file, as pydantic models; editors get it as a JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from topology import values
from topology.model import Kind, Semantics


def _duration(value: object) -> object:
    return values.duration(value) if isinstance(value, str) else value


def _plain(value: object) -> object:
    return {"on": value} if isinstance(value, str) else value


Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=values.LONGEST_NAME,
        pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$",
    ),
]
Text = Annotated[str, Field(max_length=2000)]
Duration = Annotated[
    int,
    BeforeValidator(_duration),
    Field(ge=0, le=values.LONGEST_DURATION),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,10}[smhdw]?$"}]}
    ),
]
Count = Annotated[int, Field(ge=0, le=values.LARGEST_COUNT)]


class Form(BaseModel):
    """Unknown keys are mistakes, and a number in quotes is none."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class DependencyForm(Form):
    """One thing that an entity needs. A plain name is a hard dependency."""

    on: Name = Field(description="the id of the provider")
    semantics: Annotated[Semantics, Field(strict=False)] = Field(
        Semantics.HARD, description="how the provider's trouble reaches this entity"
    )
    factor: float | None = Field(None, ge=0, le=1, description="soft: the share of the trouble that is felt")
    buffer: Duration | None = Field(None, description="async: how long nothing is felt")
    group: Name | None = Field(None, description="the redundancy group of this entity that the provider belongs to")
    weight: float | None = Field(None, ge=0, le=values.LARGEST_WEIGHT, description="group: the provider's share")


Needed = Annotated[DependencyForm, BeforeValidator(_plain, json_schema_input_type=DependencyForm | Name)]


class GroupForm(Form):
    """A redundancy group."""

    need: int = Field(1, ge=1, le=values.LARGEST_COUNT, description="so many members must not be down")
    capacity: float | None = Field(
        None, ge=0.001, le=values.LARGEST_COUNT, description="the sum of weights that carries the full load"
    )


class DefaultsForm(Form):
    """What holds for the entities of a kind that do not say otherwise."""

    owner: Text | None = Field(None, description="who answers for it")
    tier: int | None = Field(None, ge=0, le=values.LARGEST_TIER, description="0 is the most critical")
    rto: Duration | None = Field(None, description="recovery time objective")
    rpo: Duration | None = Field(None, description="recovery point objective")
    users: Count | None = Field(None, description="how many people use it")
    obligations: list[Name] | None = Field(None, description="ids of obligations that the rules define")
    scope: bool | None = Field(None, description="false leaves it out of incident execution")
    security: bool | None = Field(None, description="its alerts are security alerts, never suppressed by inference")
    domain: Name | None = Field(None, description="the domain that decides on its incidents")
    facts: dict[Name, Text] | None = Field(None, description="your own keys and texts")


class EntityForm(DefaultsForm):
    """One entity."""

    id: Name = Field(description="unique over all files")
    kind: Annotated[Kind, Field(strict=False)] | None = Field(None, description="service if not said")
    name: Text | None = Field(None, description="for people")
    aliases: list[Name] | None = Field(None, description="other names under which monitoring systems know it")
    part_of: Name | None = Field(None, description="the id of the entity that contains it")
    contains: list[Name] | None = Field(None, description="the ids of the entities that are part of it")
    depends_on: list[Needed] = Field([], description="what it needs")
    groups: dict[Name, GroupForm] = Field({}, description="redundancy groups among what it needs, by name")


class CatalogueForm(Form):
    """One catalogue file."""

    defaults: dict[Annotated[Kind, Field(strict=False)], DefaultsForm] = Field({}, description="by kind of entity")
    entities: list[EntityForm] = Field([], description="in any order; files are merged")


def catalogue_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a catalogue file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headwater catalogue",
    } | CatalogueForm.model_json_schema(mode="validation")
