"""From a document to a form, with pydantic's findings in our words, each at its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rules.checks import bad_value, missing_key, unknown_key
from rules.document import Document, Place
from rules.errors import Flaw, Problem
from rules.schema import known_keys
from rules.values import Form

UNKNOWN = "extra_forbidden"
"""pydantic's word for an unknown key."""
F = TypeVar("F", bound=Form)
Schema = Callable[[], dict[str, Any]]


def formed(document: Document, kind: type[F], schema: Schema) -> tuple[F | None, list[Problem]]:
    """The form of a document, None where it has mistakes, and these. ``schema`` is that of the kind of file."""
    if not isinstance(document.value, dict):
        flaw = bad_value.flaw("file", "dict_type", "", document.value)
        return None, [] if document.problems else [document.problem((), flaw.check, flaw.message)]
    try:
        return kind.model_validate(document.value), []
    except ValidationError as error:
        found = error.errors(include_url=False)
    unknown = {details["loc"] for details in found if details["type"] == UNKNOWN}
    try:  # an entry with an unknown key is otherwise not looked at as a whole
        kind.model_validate(_without(document.value, unknown, ()))
    except ValidationError as error:
        seen = {details["loc"] for details in found}
        found += [details for details in error.errors(include_url=False) if details["loc"] not in seen]
    return None, [_problem(document, details, schema) for details in found]


def _without(value: Any, unknown: set[tuple[str | int, ...]], place: Place) -> Any:
    """The same values without the keys at these places."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if (*place, key) not in unknown}
        return {key: _without(item, unknown, (*place, key)) for key, item in kept.items()}
    if isinstance(value, list):
        return [_without(item, unknown, (*place, number)) for number, item in enumerate(value)]
    return value


def _problem(document: Document, details: ErrorDetails, schema: Schema) -> Problem:
    """pydantic's finding in our words, at its line."""
    place = _place(document.value, details["loc"])
    key = str(details["loc"][-1]) if details["loc"] else "file"
    flaw = details.get("ctx", {}).get("error")
    if not isinstance(flaw, Flaw):
        flaw = _flaw(details, place, key, schema)
    elif place and isinstance(place[-1], str):
        flaw = Flaw(flaw.check, f"{place[-1]}: {flaw.message}", flaw.hint)
    return document.problem(place, flaw.check, flaw.message, flaw.hint)


def _flaw(details: ErrorDetails, place: Place, key: str, schema: Schema) -> Flaw:
    if details["type"] == UNKNOWN:
        return unknown_key.flaw(key, known_keys(schema(), place[:-1]))
    if details["type"] == "missing":
        return missing_key.flaw(key)
    named = str(next((step for step in reversed(place) if isinstance(step, str)), "file"))
    return bad_value.flaw(named, details["type"], details["msg"], details["input"])


def _place(value: Any, loc: Iterable[str | int]) -> Place:
    """The part of pydantic's location that is in the file; it adds the names of alternatives."""
    place: list[str | int] = []
    for step in loc:
        inside = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if inside or (isinstance(value, dict) and step in value):
            value = value[step]
            place.append(step)
    return tuple(place)
