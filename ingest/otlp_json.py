"""OTLP's JSON encoding: protobuf's JSON mapping with lowerCamelCase keys, except that ids are hexadecimal.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial
from typing import Any, TypeVar

import msgspec
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from engine.ports import Decoded
from ingest.errors import Undecodable
from ingest.jsontext import untyped, word
from ingest.limits import MAX_BRACKETS
from ingest.otlp_request import Entry, Group, Shape, gather
from ingest.rejects import reject

R = TypeVar("R", bound=Message)
_UNPARSABLE = (ParseError, TypeError, ValueError, AttributeError, KeyError, RecursionError)
"""What `ParseDict` raises; beside its own error these leak out for values of an unexpected type."""


def decode(body: bytes, shape: Shape) -> Decoded:
    """Decode a JSON request."""
    try:
        if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
            raise Undecodable(("", f"expected at most {MAX_BRACKETS} objects and arrays in one body"))
        request = untyped(body)
        groups = list(_groups(request, shape))
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    return gather(groups, shape, body)


def _groups(request: object, shape: Shape) -> Iterator[Group]:
    resources, scopes, records = shape.keys
    for index, group in enumerate(_list(request, resources, "")):
        place = f"/{resources}/{index}"
        given = group.get("resource") if isinstance(group, dict) else None
        entries = [
            Entry(f"{pointer}/{records}/{number}", _message(shape, record), partial(_alone, shape, given, record))
            for number_of_scope, scope in enumerate(_list(group, scopes, place))
            for pointer in (f"{place}/{scopes}/{number_of_scope}",)
            for number, record in enumerate(_list(scope, records, pointer))
        ]
        yield Group(place, _parsed(Resource, given or {}), entries, partial(msgspec.json.encode, {resources: [group]}))


def _list(value: object, key: str, place: str) -> list[Any]:
    if not isinstance(value, dict):
        raise Undecodable((place, f"expected an object, got {word(value)}"))
    found = value.get(key, [])
    if not isinstance(found, list):
        raise Undecodable((f"{place}/{key}", f"expected an array, got {word(found)}"))
    return found


def _message(shape: Shape, value: object) -> Message | Undecodable:
    if isinstance(value, dict) and shape.hex_ids:
        value = dict(value)
        for key in shape.hex_ids:
            try:
                value[key] = base64.b64encode(bytes.fromhex(value.get(key) or "")).decode()
            except (TypeError, ValueError):
                return Undecodable((f"/{key}", "expected hexadecimal digits"))
    return _parsed(shape.record, value)


def _parsed(kind: type[R], value: object) -> R | Undecodable:
    if not isinstance(value, dict):
        return Undecodable(("", f"expected an object, got {word(value)}"))
    try:
        return ParseDict(value, kind(), ignore_unknown_fields=True)
    except _UNPARSABLE as error:
        return Undecodable(("", f"expected OTLP JSON: {str(error)[:200]}"))


def _alone(shape: Shape, resource: object, record: object) -> bytes:
    resources, scopes, records = shape.keys
    return msgspec.json.encode({resources: [{"resource": resource or {}, scopes: [{records: [record]}]}]})
