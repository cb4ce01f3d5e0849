"""What our JSON decoders share: elements of a body, depth, duplicate keys, and errors with JSON pointers (RFC 6901).

`msgspec` parses. It keeps the last of two equal keys silently and bounds nesting only by the stack that is left, so
both are checked here: cheaply where a body is plain, by a scan where it is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import numpy as np

from ingest.errors import Mistake, Undecodable
from ingest.limits import MAX_ALERTS, MAX_DEPTH

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what was asked for."""

_LONG = 4096
_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"\[\]{}]*+)*+([\[\]{}])', re.DOTALL)
_PATH = re.compile(r"^(?P<text>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def escape(name: str) -> str:
    """One reference token of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def too_deep(body: bytes, brackets: int) -> bool:
    """Whether values nest deeper than `MAX_DEPTH`; ``brackets`` are expected openings, which need no scan.

    Independent of the caller's stack, so that a replay sees what the first run saw.
    """
    if _count(body, b"{") + _count(body, b"[") <= brackets + MAX_DEPTH - 4:
        return False
    depth = 0
    for match in iter(_BRACKET.scanner(body).match, None):  # type: ignore[attr-defined]
        depth += 1 if match[1] in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def plain(body: bytes, objects: int, names: int) -> bool:
    """Whether a body that parsed hides neither depth nor a second ``labels`` key in one of its ``names`` label sets.

    ``objects`` of its objects are known. When there are no other braces, not even in strings, there is nothing to hide.
    """
    if _count(body, b"{") == objects and _count(body, b"[") < MAX_DEPTH - 4:
        return True
    return body.count(b'"labels"') == names and not too_deep(body, objects)


def _count(body: bytes, byte: bytes) -> int:
    """How often a byte occurs: many at a time in long bodies, where `bytes.count` looks at one after the other."""
    if len(body) < _LONG:
        return body.count(byte)
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == byte[0]))


def mistake(error: Exception) -> Mistake:
    """A msgspec error as (JSON pointer, reason)."""
    if isinstance(error, UnicodeDecodeError):
        return "", f"expected UTF-8, got byte 0x{error.object[error.start]:02x} in a string"
    if isinstance(error, RecursionError):
        return "", _TOO_DEEP
    found = _PATH.match(str(error))
    text, path = (found["text"], found["path"] or "") if found else (str(error), "")
    steps = [name or index for name, index in _STEP.findall(path)]
    pointer = "".join(f"/{step}" for step in steps if step != "...")
    return pointer, text[:1].lower() + text[1:] if text.startswith("Expected") else text


_TOO_DEEP = f"expected at most {MAX_DEPTH} levels of nesting"


def elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array, each as its own bytes, whatever is wrong inside them. Raises `Undecodable`."""
    if too_deep(body, 0):
        raise Undecodable(("", _TOO_DEEP))
    try:
        found: list[Any] = _raw_list.decode(body)
        write: Callable[[Any], bytes] = bytes
    except MALFORMED as error:
        found = _leniently(body, error)
        write = _write
    if len(found) > MAX_ALERTS:
        raise Undecodable(("", f"expected at most {MAX_ALERTS} elements in one body, got {len(found)}"))
    return [write(element) for element in found]


def _leniently(body: bytes, error: Exception) -> list[object]:
    """Python reads what is no JSON but is sent as it (NaN, half a surrogate pair): only its elements are to be lost."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list):
        return found
    raise Undecodable(mistake(error)) from None


def _write(value: object) -> bytes:
    return json.dumps(value).encode()


def untyped(raw: bytes) -> object:
    """One element as plain objects, for finding its mistakes. Raises `Undecodable`; duplicate keys are mistakes."""
    if too_deep(raw, 0):
        raise Undecodable(("", _TOO_DEEP))
    try:
        value: object = msgspec.json.decode(raw)
    except MALFORMED as error:
        if b"NaN" in raw or b"Infinity" in raw:
            raise Undecodable(("", "expected finite numbers: NaN and Infinity are not JSON")) from None
        raise Undecodable(mistake(error)) from None
    twice = duplicate_keys(raw)
    if twice:
        raise Undecodable(*((f"/{escape(name)}", "expected each key once") for name in twice))
    return value


def duplicate_keys(raw: bytes) -> list[str]:
    """Keys that an object in this valid JSON text has more than once, in order of appearance."""
    twice: dict[str, None] = {}

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        values = dict(found)
        if len(values) != len(found):
            seen: set[str] = set()
            twice.update((name, None) for name, _ in found if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return values

    json.loads(raw, object_pairs_hook=pairs, parse_int=len, parse_float=len)
    return list(twice)


def type_mistakes(kind: type[msgspec.Struct], value: object) -> list[Mistake]:
    """Everything by which a plain value differs from a struct's fields; `msgspec` itself stops at the first."""
    if not isinstance(value, dict):
        return [("", f"expected an object, got {word(value)}")]
    found: list[Mistake] = []
    for field in _fields(kind):
        name = field.encode_name
        if name not in value:
            if field.required:
                found.append(("", f"expected a key {name!r}"))
        elif field.type is not msgspec.Raw:
            try:
                msgspec.convert(value[name], field.type)
            except msgspec.ValidationError as error:
                pointer, reason = mistake(error)
                found.append((f"/{name}{pointer}", reason))
    return found


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def word(value: object) -> str:
    """JSON's name for the type of a plain value."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
