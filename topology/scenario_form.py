"""The form of a file of saved scenarios, as pydantic models; editors get it as a JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from topology.question import MOMENTS, MOST, AssumeForm, Health, UsersForm
from topology.schema import Count, Duration, Form, Name, Text

States = Literal["up", "untouched", "at_risk", "hit", "degraded", "down"]
"""``untouched``: up with its margin; ``hit``: below full health; ``degraded``: hit and not down."""


def _users(value: object) -> object:
    return {"low": value, "high": value} if isinstance(value, int) else value


class ExpectForm(Form):
    """What is expected at one moment."""

    at: Duration = Field(0, description="the moment, after the onset")
    entities: Annotated[dict[Name, Health | States], Field(max_length=MOST)] = Field(
        {}, description="entity: health, or up, untouched, at_risk, hit, degraded, down"
    )
    others: Literal["any", "untouched"] = Field("any", description="untouched: nobody else is hit or at risk")
    severity: Annotated[str, Field(pattern="^SEV[1-5]$")] | None = Field(None, description="SEV1 … SEV5")
    users: Annotated[UsersForm, BeforeValidator(_users, json_schema_input_type=UsersForm | Count)] | None = Field(
        None, description="bounds on affected users, or their number where both are equal"
    )


class TimesForm(Form):
    """When an entity is expected to be hit."""

    hit: Duration | Literal["never"] | None = Field(None, description="first below full health")
    down: Duration | Literal["never"] | None = Field(None, description="first down")
    tolerance: Duration = Field(0, description="how far off is still right")


class ScenarioForm(Form):
    """One scenario."""

    id: Name = Field(description="unique over all files")
    title: Text = Field("", description="for people")
    assume: AssumeForm = Field(description="what is assumed, as in a what-if question")
    at: Annotated[list[Duration], Field(max_length=MOMENTS)] = Field(
        [], description="further moments to look at, compared when the topology changes"
    )
    expect: Annotated[list[ExpectForm], Field(max_length=MOMENTS)] = Field([], description="by moment")
    times: Annotated[dict[Name, TimesForm], Field(max_length=MOST)] = Field({}, description="by entity")


class ScenariosForm(Form):
    """One file of scenarios."""

    scenarios: list[ScenarioForm] = Field([], description="in any order; all files together are one collection")


def scenarios_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file of scenarios."""
    schema = ScenariosForm.model_json_schema(mode="validation", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Headwater scenarios"}
