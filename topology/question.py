"""The form of a what-if question, in files and in requests: pydantic models, and what they mean as assumptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from topology import values
from topology.assumptions import Assumptions, Changes, Fault, NewDependency, NewGroup, Window
from topology.groups import UP
from topology.model import Semantics
from topology.schema import Count, Duration, Form, Name, Timeout

MOST = 1000
"""So many entries of one kind a question may have."""
MOMENTS = 20

Place = tuple[str | int, ...]


def _health(value: object) -> object:
    if isinstance(value, str) and value.endswith("%"):
        number = value[:-1].strip()
        if not number.isascii() or not number.isdecimal() or int(number) > 100:
            raise ValueError(f"{value[:40]!r} is not a share from 0% to 100%")
        return int(number) * 10
    return value


def _entity(value: object) -> object:
    return {"entity": value} if isinstance(value, str) else value


def _degraded(value: object) -> object:
    return value if isinstance(value, dict) else {"health": value}


Health = Annotated[
    int,
    BeforeValidator(_health),
    Field(ge=0, le=UP),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": UP}, {"type": "string", "pattern": "^[0-9]{1,2}%$"}]}
    ),
]
"""Thousandths, or a percentage in quotes or not."""
Names = Annotated[list[Name], Field(max_length=MOST)]


class DownForm(Form):
    """An entity that fails. A plain name fails at once."""

    entity: Name = Field(description="id or alias")
    after: Duration = Field(0, description="when it fails")


class DegradedForm(Form):
    """What an entity's own health falls to. A plain health holds at once."""

    health: Health = Field(description="0 (down) … 1000 (up), or a percentage")
    after: Duration = Field(0, description="when it falls")


class WindowForm(Form):
    """Planned maintenance."""

    entity: Name = Field(description="id or alias of what is out; its consumers are hit")
    duration: Annotated[Duration, Field(ge=1)] = Field(alias="for", description="how long it is out")
    after: Duration = Field(0, description="when it begins")


class PairForm(Form):
    """What a consumer has on a provider."""

    consumer: Name
    on: Name = Field(description="the provider")


class NewDependencyForm(PairForm):
    """A dependency as it would be, instead of all that the consumer has on the provider now."""

    semantics: Annotated[Semantics, Field(strict=False)] | None = Field(
        None, description="as in the other members of its group; without one hard"
    )
    factor: float | None = Field(None, ge=0, le=1)
    buffer: Duration | None = None
    group: Name | None = None
    weight: float | None = Field(None, ge=0, le=values.LARGEST_WEIGHT)
    timeout: Timeout | None = None


class NewGroupForm(Form):
    """A group as it would be; what is not said stays as it is."""

    consumer: Name
    name: Name
    need: int | None = Field(None, ge=1, le=values.LARGEST_COUNT)
    capacity: float | None = Field(None, ge=0.001, le=values.LARGEST_COUNT)


class ChangesForm(Form):
    """Another topology."""

    entities: Names = Field([], description="ids of new entities, such as a further replica")
    depends: Annotated[list[NewDependencyForm], Field(max_length=MOST)] = Field([], description="added or replaced")
    without: Annotated[list[PairForm], Field(max_length=MOST)] = Field([], description="removed")
    groups: Annotated[list[NewGroupForm], Field(max_length=MOST)] = Field([], description="changed or added")


Down = Annotated[DownForm, BeforeValidator(_entity, json_schema_input_type=DownForm | Name)]
Degraded = Annotated[DegradedForm, BeforeValidator(_degraded, json_schema_input_type=DegradedForm | Health)]


class AssumeForm(Form):
    """What is assumed."""

    down: Annotated[list[Down], Field(max_length=MOST)] = Field([], description="entities that fail")
    degraded: Annotated[dict[Name, Degraded], Field(max_length=MOST)] = Field({}, description="entity: its own health")
    slow: Annotated[dict[Name, Timeout], Field(max_length=MOST)] = Field(
        {}, description="entity: how much later it answers"
    )
    maintenance: Annotated[list[WindowForm], Field(max_length=MOST)] = Field([], description="planned outages")
    fates: Names = Field([], description="shared fates that strike")
    lost: Names = Field([], description="sites or hosts that are lost with all they hold")
    restored: Names = Field([], description="entities that are up again, whatever their state now")
    changes: ChangesForm = Field(default_factory=ChangesForm.model_construct, description="another topology")

    def assumptions(self) -> Assumptions:
        """The same as the topology takes it: milliseconds and thousandths."""
        faults = [Fault(one.entity, 0, 1000 * one.after) for one in self.down]
        faults += [Fault(entity, one.health, 1000 * one.after) for entity, one in self.degraded.items()]
        return Assumptions(
            faults=tuple(faults),
            slow=dict(self.slow),
            maintenance=tuple(Window(w.entity, 1000 * w.duration, 1000 * w.after) for w in self.maintenance),
            fates=tuple(self.fates),
            lost=tuple(self.lost),
            restored=tuple(self.restored),
            changes=_changes(self.changes),
        )


EXAMPLE = {"assume": {"down": ["orders-db"], "slow": {"mailer": "5s"}}, "at": ["0s", "30m"]}


class QuestionForm(Form):
    """A what-if question."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"assume": {"down": ["orders-db"], "slow": {"mailer": "5s"}}, "at": ["0s", "30m"]}
        }
    )
    assume: AssumeForm = Field(description="what is assumed")
    at: Annotated[list[Duration], Field(min_length=1, max_length=MOMENTS)] = Field(
        [0], description="moments after the onset at which to look"
    )


class UsersForm(Form):
    """The bounds on affected users that are expected."""

    low: Count | None = None
    high: Count | None = None


def _changes(form: ChangesForm) -> Changes:
    return Changes(
        entities=tuple(form.entities),
        dependencies=tuple(
            NewDependency(
                consumer=one.consumer,
                provider=one.on,
                semantics=one.semantics,
                factor=_thousandths(one.factor),
                buffer=one.buffer,
                group=one.group or "",
                weight=_thousandths(one.weight),
                timeout=one.timeout,
            )
            for one in form.depends
        ),
        without=tuple((pair.consumer, pair.on) for pair in form.without),
        groups=tuple(
            NewGroup(consumer=one.consumer, name=one.name, need=one.need, capacity=_thousandths(one.capacity))
            for one in form.groups
        ),
    )


def _thousandths(number: float | None) -> int | None:
    return None if number is None else values.thousandths(number)


class Named(NamedTuple):
    """A name in a question's raw data: where it stands, and what it should be the name of."""

    place: Place
    what: Literal["entity", "shared fate", "site or host"]
    name: str


def named(assume: object) -> Iterator[Named]:
    """Every name that a topology must know, in raw data of any quality: what has no form yet is passed over."""
    data = assume if isinstance(assume, dict) else {}
    changes = data.get("changes")
    new = _texts(changes.get("entities")) if isinstance(changes, dict) else {}
    for place, what, name in _names(data):
        if name not in new.values():
            yield Named(place, what, name)


def _names(data: dict[Any, Any]) -> Iterator[Named]:
    for key in ("down", "maintenance"):
        yield from (Named((key, *place), "entity", name) for place, name in _members(data.get(key), "entity"))
    for key in ("degraded", "slow"):
        found = data.get(key)
        yield from (Named((key, name), "entity", name) for name in (found if isinstance(found, dict) else ()))
    for key, what in (("restored", "entity"), ("fates", "shared fate"), ("lost", "site or host")):
        yield from (Named((key, place), what, name) for place, name in _texts(data.get(key)).items())  # type: ignore[arg-type]
    changes = data.get("changes")
    for key, ends in (("depends", ("consumer", "on")), ("without", ("consumer", "on")), ("groups", ("consumer",))):
        found = changes.get(key) if isinstance(changes, dict) else ()
        for end in ends:
            yield from (Named(("changes", key, *place), "entity", name) for place, name in _members(found, end))


def _members(found: object, key: str) -> Iterator[tuple[Place, str]]:
    """(place, name) of a list's entries, plain or under a key."""
    for number, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, str):
            yield (number,), entry
        elif isinstance(entry, dict) and isinstance(entry.get(key), str):
            yield (number, key), entry[key]


def _texts(found: object) -> dict[int, str]:
    entries = enumerate(found if isinstance(found, list) else ())
    return {number: entry for number, entry in entries if isinstance(entry, str)}
