"""Label sets and annotations as they stand in a body -> validated, canonical, interned.

A monitoring system sends the same label sets for hours. The raw bytes of the JSON object are the key, so that a repeat
costs one look-up; validation, canonical order and the fingerprint are paid for once. Where the sender's text is the
canonical one, as Prometheus' is, key and value share it.
"""

from __future__ import annotations

import msgspec

from engine.signals import Labels
from ingest.errors import Mistake, Undecodable
from ingest.interning import Interned
from ingest.jsontext import MALFORMED, duplicate_keys, escape, mistake, word
from ingest.limits import KIB, MAX_ANNOTATIONS, MAX_LABEL_NAME, MAX_LABEL_VALUE, MAX_LABELS

_strings = msgspec.json.Decoder(dict[str, str])
_sorted = msgspec.json.Encoder(order="sorted")


def strings(raw: bytes, what: str) -> dict[str, str]:
    """A JSON object of strings; null is an empty one. Raises `Undecodable` with all mistakes, duplicates included."""
    if raw == b"null":
        return {}
    try:
        values = _strings.decode(raw)
    except MALFORMED as error:
        raise Undecodable(*_not_strings(raw, what, error)) from None
    if "" in values:
        raise Undecodable(("/", f"expected a name for each of the {what}"))
    return values


def canonical(raw: bytes, values: dict[str, str]) -> bytes:
    """Sorted, compact JSON of decoded strings; raises `Undecodable` for keys that ``raw`` has twice.

    The canonical text is the shortest there is, so equal lengths prove that no key was dropped.
    """
    encoded = _sorted.encode(values)
    if len(encoded) != len(raw) and raw != b"null":
        twice = duplicate_keys(raw)
        if twice:
            raise Undecodable(*((f"/{escape(name)}", "expected each key once") for name in twice))
    return encoded


def label_mistakes(values: dict[str, str]) -> list[Mistake]:
    """Where a label set is over the limits, or empty."""
    if len(values) > MAX_LABELS:
        return [("", f"expected at most {MAX_LABELS} labels, got {len(values)}")]
    found: list[Mistake] = []
    for name, value in values.items():
        if len(name.encode()) > MAX_LABEL_NAME:
            found.append((f"/{escape(name[:40])}…", f"expected a label name of at most {MAX_LABEL_NAME} bytes"))
        if len(value.encode()) > MAX_LABEL_VALUE:
            found.append((f"/{escape(name[:40])}", f"expected a label value of at most {MAX_LABEL_VALUE} bytes"))
    if not any(values.values()):
        found.append(("", "expected at least one label with a value"))
    return found


def checked(values: dict[str, str]) -> Labels:
    """Labels of a mapping made from a body's fields. Raises `Undecodable`."""
    found = label_mistakes(values)
    if found:
        raise Undecodable(*found)
    return Labels.of(values)


def _labels(raw: bytes) -> Labels:
    if len(raw) <= MAX_LABEL_NAME and b'""' not in raw:  # no name or value is longer than the text it stands in
        try:
            values = _strings.decode(raw)
        except MALFORMED:
            values = {}
        if 0 < len(values) <= MAX_LABELS:
            encoded = _sorted.encode(values)
            if len(encoded) == len(raw):
                return Labels(raw if encoded == raw else encoded)
    values = strings(raw, "labels")
    canonical(raw, values)
    return checked(values)


def _annotations(raw: bytes) -> bytes:
    if len(raw) <= MAX_ANNOTATIONS and b'""' not in raw:
        try:
            encoded = _sorted.encode(_strings.decode(raw))
        except MALFORMED:
            encoded = b""
        if len(encoded) == len(raw):
            return raw if encoded == raw else encoded
    if len(raw) > MAX_ANNOTATIONS:
        raise Undecodable(("", f"expected at most {MAX_ANNOTATIONS} bytes of annotations, got {len(raw)}"))
    return canonical(raw, strings(raw, "annotations"))


def _not_strings(raw: bytes, what: str, error: Exception) -> list[Mistake]:
    try:
        values = msgspec.json.decode(raw)
    except MALFORMED:
        return [mistake(error)]
    if not isinstance(values, dict):
        return [("", f"expected {what} as an object of strings, got {word(values)}")]
    return [
        (f"/{escape(name)}", f"expected a string, got {word(value)}")
        for name, value in values.items()
        if not isinstance(value, str)
    ]


LABELS: Interned[bytes, Labels] = Interned(_labels, entries=200_000, longest=2 * KIB)
"""Raw JSON object -> Labels. Raises `Undecodable` with pointers relative to the object."""

ANNOTATIONS: Interned[bytes, bytes] = Interned(_annotations, entries=100_000, longest=2 * KIB)
"""Raw JSON object of strings -> canonical JSON. Raises `Undecodable`."""

URLS: Interned[str, str] = Interned(str, entries=20_000, longest=2 * KIB)
"""A link -> the same link: all alerts of a rule share one."""
