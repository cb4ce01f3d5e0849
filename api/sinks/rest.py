"""Any other ticketing system with a REST API in JSON, by a declared mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, field
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import BeforeValidator
from pydantic.dataclasses import dataclass

from api.sinks.declared import Secret, Variable, secret, strict
from api.sinks.ticketed import Ticketed

if TYPE_CHECKING:
    from engine.publish.ticketing.api import Api
    from engine.publish.ticketing.rest import Mapped
    from engine.publish.ticketing.tracker import Tracker


def _json(body: object) -> object:
    """A body that is written as JSON text, with its numbers; or as YAML, all of whose values are text."""
    if not isinstance(body, str):
        return body
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(f"is no JSON: {error}") from None


@dataclass(frozen=True, config=strict, kw_only=True)
class Call:
    """A request; ``{field}`` stands for a value. ``body``: YAML, whose values are all text, or JSON as text."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Annotated[Any, BeforeValidator(_json)] = None


@dataclass(frozen=True, config=strict, kw_only=True)
class Places:
    """JSON pointers into a ticket as it is read; empty: not there."""

    id: str = "/id"
    status: str = "/status"
    title: str = ""
    assignee: str = ""
    priority: str = ""
    resolution: str = ""
    changed_by: str = ""


@dataclass(frozen=True, config=strict, kw_only=True)
class NotePlaces:
    """``items``: pointer to the list of comments; the others into each of them."""

    items: str = ""
    id: str = "/id"
    author: str = "/author"
    text: str = "/text"


@dataclass(frozen=True, config=strict, kw_only=True)
class Rest(Ticketed):
    """``header``: those that go with every request; ``{secret}`` in them stands for what the variable that
    ``secret_env`` names holds. The rest is the mapping: `engine.publish.ticketing.rest.Mapped`, docs/ticketing.md."""

    create: Call
    find: Call
    read: Call
    comment: Call
    closed: tuple[str, ...]
    gone: tuple[str, ...] = ()
    change: Mapping[str, Call] = field(default_factory=dict)
    join: Mapping[str, Call] = field(default_factory=dict)
    notes: Call | None = None
    created: str = "/id"
    found: str = ""
    ticket: str = ""
    places: Places = Places()
    note: NotePlaces = NotePlaces()
    web: str = ""
    hook_id: str = ""
    nobody: str = ""
    header: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_env: Variable | None = None
    secret: Secret = secret()

    def wrong(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """All that is wrong with the mapping."""
        from engine.publish.ticketing.rest import wrong

        for place, message in wrong(self.mapping()):
            yield tuple("hook_id" if part == "hook" else part for part in place.split(".")), message
        for name, value in self.header.items():
            if "{" in value.replace("{secret}", "") or not name.replace("-", "").isalnum() or "\n" in value:
                yield ("header", name), "must be a header's name, and its value with no field but {secret}"

    def headers(self) -> Mapping[str, str]:
        """As declared."""
        return {name: value.replace("{secret}", self.secret) for name, value in self.header.items()}

    def mapping(self) -> Mapped:
        """The mapping in the tracker's own words."""
        from engine.publish.ticketing.rest import Mapped

        declared = asdict(self)
        values = {name: declared[name] for name in Mapped.__struct_fields__ if name in declared}
        return msgspec.convert(values | {"hook": self.hook_id}, type=Mapped)

    def tracker(self, api: Api) -> Tracker:
        """What speaks its API."""
        from engine.publish.ticketing.rest import Rest as Tracker

        return Tracker(api, self.mapping(), self.user)
