"""Reads one YAML file into plain data that remembers its lines, safely and without surprises.

Scalars follow the YAML 1.2 core schema (1.2.2, §10.3.2), so ``on`` and ``no`` are words, not truths. Refused:
more than 50 MB, deep nesting, aliases that multiply, aliases to what contains them, repeated keys, tags.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import yaml

from topology.errors import Mistakes

MAX_BYTES = 50_000_000
MAX_DEPTH = 50
MAX_ALIASED = 100_000

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {"": None, "~": None} | {
    form(word): value
    for word, value in (("null", None), ("true", True), ("false", False))
    for form in (str.lower, str.capitalize, str.upper)
}
_NO_NUMBERS = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}
_LONGEST_NUMBER = 100

Place = tuple[int, Any]
"""(line, places of the parts: a dict for a mapping, a list for a sequence, None for a scalar)."""


class Node(NamedTuple):
    """Data with its place, and of how many values it consists."""

    data: Any
    place: Place
    size: int


class Document(NamedTuple):
    """The data of a file, and where each part of it stands."""

    file: str
    data: Any
    place: Place

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of the part at ``path``, or of the nearest part around it."""
        line, parts = self.place
        for key in path:
            if isinstance(parts, dict):
                found = parts.get(key)
            else:
                found = parts[key] if isinstance(parts, list) and isinstance(key, int) and key < len(parts) else None
            if found is None:
                break
            line, parts = found
        return line


def refuse_size(file: str, mistakes: Mistakes) -> None:
    """Note that a file is too large for YAML."""
    message = f"the file is larger than {MAX_BYTES // 1_000_000} MB"
    mistakes.add(file, 1, message, "give large topologies as nodes.csv and edges.csv")


def read(file: str, text: str, mistakes: Mistakes) -> Document | None:
    """The file's one document; None when it cannot be read. An empty file is an empty mapping."""
    if len(text) > MAX_BYTES:
        refuse_size(file, mistakes)
        return None
    try:
        node = _Reader(file, text, mistakes).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.count("\n")) + 1 if mark else 1  # the end of the text is on its last line
        mistakes.add(file, line, f"not YAML: {error.problem or error.context}")
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        mistakes.add(file, line, f"not YAML: {error.reason}")
        return None
    except _Refused as refused:
        mistakes.add(file, refused.line, str(refused))
        return None
    return Document(file, {} if node.data is None else node.data, node.place)


class _Refused(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Reader:
    """Builds data from libyaml's events; these come without recursion, so depth is ours to limit."""

    def __init__(self, file: str, text: str, mistakes: Mistakes) -> None:
        self._file, self._mistakes = file, mistakes
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events = yaml.parse(text, Loader=loader)
        self._anchors: dict[str, Node | None] = {}  # None while the anchored value is being read
        self._aliased = 0

    def document(self) -> Node:
        found: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise _Refused(_line(event), "a second document; give it a file of its own")
                found = self._value(next(self._events), 0)
        return found or Node(None, (1, None), 1)

    def _value(self, event: Any, depth: int) -> Node:
        line = _line(event)
        if depth > MAX_DEPTH:
            raise _Refused(line, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "", line)
        if event.tag is not None and event.tag != "!":
            raise _Refused(line, f"the tag {event.tag[:80]!r} is not supported")
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and not event.style  # libyaml says "", Python's parser None
            node = Node(_scalar(event.value) if plain else event.value, (line, None), 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(line, depth)
        else:
            node = self._mapping(line, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, anchor: str, line: int) -> Node:
        node = self._anchors.get(anchor)
        if node is None:
            unknown = anchor not in self._anchors
            raise _Refused(line, f"the alias {anchor!r} " + ("is unknown" if unknown else "contains itself"))
        self._aliased += node.size
        if self._aliased > MAX_ALIASED:
            raise _Refused(line, f"aliases stand for more than {MAX_ALIASED} values")
        return Node(node.data, (line, node.place[1]), node.size)

    def _sequence(self, line: int, depth: int) -> Node:
        nodes = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            nodes.append(self._value(event, depth + 1))
        return Node([n.data for n in nodes], (line, [n.place for n in nodes]), 1 + sum(n.size for n in nodes))

    def _mapping(self, line: int, depth: int) -> Node:
        data: dict[str, Any] = {}
        places: dict[str, Place] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(at, "a key must be a plain word")
            value = self._value(next(self._events), depth + 1)
            size += value.size
            key = event.value
            if key in data:
                self._mistakes.add(self._file, at, f"the key {key[:80]!r} is repeated; first in line {places[key][0]}")
                continue
            data[key] = value.data
            places[key] = (at, value.place[1])
        return Node(data, (line, places), size)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _LONGEST_NUMBER:
        if _INT.fullmatch(text):
            return int(text, 0) if text[1:2] in ("o", "x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if text.lower() in _NO_NUMBERS:
            return _NO_NUMBERS[text.lower()]
    return text
