"""Logic-less templates of requests: ``{field}`` in a path, a query or a JSON body, from declared fields only.

A value is data wherever it lands: one segment of a path, one value of a query, one string of a body. Keys, methods and
destinations are never made of values. JSON pointers (RFC 6901) say where an answer holds what.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from engine.publish.ticketing.api import segment

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
FIELD = re.compile(r"\{([a-z_]*)\}")
POINTER = re.compile(r"(/([^~/]|~0|~1)*)*")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request: ``path`` below the system's address, with ``query`` and ``body`` (anything that JSON has)."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Any = None


def problems(call: Call, fields: Collection[str]) -> Iterator[str]:
    """What is wrong with a call that may use these fields."""
    if call.method not in METHODS:
        yield f"method: {call.method} is none of {', '.join(METHODS)}"
    if not call.path.startswith("/") or call.path.startswith("//") or re.search(r"[?#\s\\]|/\.\.?(/|$)", call.path):
        yield "path: must begin with one / and hold no query, no space and no dots as a segment"
    for place, text in _texts(call):
        for name in FIELD.findall(text):
            if name not in fields:
                yield f"{place}: {{{name}}} is no field here; there are {', '.join(sorted(fields))}"
        if "{" in FIELD.sub("", text) or "}" in FIELD.sub("", text):
            yield f"{place}: a brace that is no {{field}}"


def filled(call: Call, values: Mapping[str, str]) -> tuple[str, dict[str, str], Any]:
    """Path, query and body with the values put in."""
    path = FIELD.sub(lambda found: segment(values[found[1]]), call.path)
    return path, {key: _fill(text, values) for key, text in call.query.items()}, _filled(call.body, values)


def at(pointer: str, value: Any) -> Any:
    """What a JSON pointer leads to, None where it leads nowhere.

    >>> at("/issue/id", {"issue": {"id": 7}})
    7
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _fill(text: str, values: Mapping[str, str]) -> str:
    """In one pass: a brace in a value is no field."""
    return FIELD.sub(lambda found: values[found[1]], text)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _fill(value, values)
    if isinstance(value, Mapping):
        return {key: _filled(one, values) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, values) for one in value]
    return value


def _texts(call: Call) -> Iterator[tuple[str, str]]:
    yield "path", call.path
    yield from ((f"query.{key}", text) for key, text in call.query.items())
    yield from _strings("body", call.body)


def _strings(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _strings(f"{place}.{key}", one)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _strings(f"{place}.{number}", one)
