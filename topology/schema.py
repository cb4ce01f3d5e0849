"""The form of a catalogue file, as pydantic models; editors get it as a JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from topology import values
from topology.model import Kind, Semantics
from topology.regions import region


def _duration(value: object) -> object:
    return values.duration(value) if isinstance(value, str) else value


def _milliseconds(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return values.milliseconds(value) if isinstance(value, str) else value


def _unique(listed: list[str]) -> list[str]:
    if len(set(listed)) < len(listed):
        raise ValueError("names one twice")
    return listed


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
Timeout = Annotated[
    int,
    BeforeValidator(_milliseconds),
    Field(ge=1, le=values.LONGEST_TIMEOUT),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,3})?(ms|s|m|h)?$"},
            ]
        }
    ),
]
Count = Annotated[int, Field(ge=0, le=values.LARGEST_COUNT)]
Probability = Annotated[
    float,
    Field(ge=0, le=1),
    AfterValidator(values.millionths),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
"""Parts per million, once validated."""
Day = Annotated[
    str,
    AfterValidator(values.day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
Region = Annotated[str, AfterValidator(region), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
Sketch = Annotated[str, AfterValidator(values.sketch), WithJsonSchema({"type": "string", "contentEncoding": "base64"})]


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
    timeout: Timeout | None = Field(None, description="a provider that answers later is as good as down")
    discovered: bool | None = Field(None, description="true: seen, but nobody said how a failure is felt")


Needed = Annotated[DependencyForm, BeforeValidator(_plain, json_schema_input_type=DependencyForm | Name)]


class GroupForm(Form):
    """A redundancy group."""

    need: int = Field(1, ge=1, le=values.LARGEST_COUNT, description="so many members must not be down")
    capacity: float | None = Field(
        None, ge=0.001, le=values.LARGEST_COUNT, description="the sum of weights that carries the full load"
    )


class ContractForm(Form):
    """The terms with a third party."""

    reference: Text | None = Field(None, description="where the contract is found")
    rto: Duration | None = Field(None, description="recovery time that is promised")
    rpo: Duration | None = Field(None, description="recovery point that is promised")
    response: Duration | None = Field(None, description="time to the first response that is promised")
    support: Literal["24x7", "business_hours"] | None = Field(None, description="when the promise holds")
    expires: Day | None = Field(None, description="the last day of the contract")


class AssumptionForm(Form):
    """What the continuity of an entity takes for granted of another one."""

    id: Name = Field(description="unique within the entity")
    on: Name = Field(description="the id of the entity that is assumed to work")
    text: Text | None = Field(None, description="what is assumed")
    agreed_by: Text | None = Field(None, description="who agreed to it")
    reviewed: Day | None = Field(None, description="when it was last looked at")


class AgreementForm(Form):
    """Which business unit a shared provider is restored for first."""

    order: Annotated[list[Name], Field(min_length=1), AfterValidator(_unique)] = Field(
        description="business units, the first first"
    )
    by: Text | None = Field(None, description="who signed it off")
    on: Day | None = Field(None, description="when that was")


class FateForm(Form):
    """A common cause that takes down all entities that name it."""

    failure: Probability | None = Field(
        None, description="its probability to occur, within the horizon of the analysis"
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
    restore: Duration | None = Field(None, description="its own restoration, once its providers are back")
    mtd: Duration | None = Field(None, description="maximum tolerable downtime")
    failure: Probability | None = Field(None, description="its probability to fail, within the horizon of the analysis")
    fates: list[Name] | None = Field(None, description="the shared fates that take it down")
    replication: Duration | None = Field(None, description="the largest replication lag that is promised")
    backup: Duration | None = Field(None, description="time between backups")
    durable: bool | None = Field(None, description="false: it forgets what it holds when it goes down")
    contract: ContractForm | None = Field(None, description="the terms with a third party")
    assumptions: list[AssumptionForm] | None = Field(None, description="what it takes for granted of others")
    agreement: AgreementForm | None = Field(None, description="which business unit it is restored for first")
    unit: Name | None = Field(None, description="the business unit it belongs to")
    priority: int | None = Field(
        None, ge=1, le=values.LARGEST_PRIORITY, description="1: the unit wants it restored first"
    )
    regions: list[Region] | None = Field(None, description="countries where it is used, ISO 3166-1 alpha-2")
    transactions: Count | None = Field(None, description="how many a day, on average")
    value: Count | None = Field(None, description="EUR a day, on average")
    critical: bool | None = Field(None, description="it supports a critical or important function")
    sketch: Sketch | None = Field(None, description="theta sketch of its users' ids, base64 (Apache DataSketches)")


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
    fates: dict[Name, FateForm] = Field({}, description="common causes of failure, by name")
    entities: list[EntityForm] = Field([], description="in any order; files are merged")


def catalogue_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a catalogue file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headwater catalogue",
    } | CatalogueForm.model_json_schema(mode="validation")
