"""YAML as plain text values with the line of every one, so that a mistake can be pointed at.

Every scalar stays the text that was written: `02:00`, `no` and `1.10` mean what they say, and the form decides what
is a number. A key without a value counts as not written. Aliases (their expansion can be exponential) and tags are
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from rules.checks import duplicate_key, not_yaml
from rules.errors import Problem

Place = tuple[str | int, ...]
DEEPEST = 32
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's; with it the regimes that ship are read in 0.05 s rather than 0.31 s."""


class Document(NamedTuple):
    """One file: its values (mappings, lists, texts), the line of each by place, and what is wrong with its YAML."""

    file: str
    value: Any
    lines: dict[Place, int]
    problems: list[Problem]

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest one around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, check: str, message: str, hint: str = "", *, warning: bool = False) -> Problem:
        """A mistake at a place of this file."""
        return Problem(self.file, self.line(place), message, hint, check, warning)

    def items(self, *place: str) -> Iterator[tuple[Place, dict[str, Any]]]:
        """The mappings in the list at a place, each with its own place; whatever else is there is passed over."""
        found = self.value
        for key in place:
            found = found.get(key) if isinstance(found, dict) else None
        for number, item in enumerate(found if isinstance(found, list) else ()):
            if isinstance(item, dict):
                yield (*place, number), item


def read(file: str, text: str) -> Document:
    """The document in ``text``. Never raises."""
    document = Document(file, {}, {}, [])
    try:
        _refuse_aliases_and_depth(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.count("\n")) + 1 if mark else 1  # the end of the text is on its last line
        document.problems.append(not_yaml.problem(file, line, str(error.problem or error.context)))
        return document
    except (yaml.YAMLError, UnicodeEncodeError) as error:  # the latter: half of a surrogate pair
        document.problems.append(not_yaml.problem(file, 1, str(error).splitlines()[0]))
        return document
    if root is None:
        return document
    return document._replace(value=_value(root, (), document))


def _refuse_aliases_and_depth(text: str) -> None:
    """Raises before anything recursive sees the text."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases (*name) are not supported", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _refused(f"nested deeper than {DEEPEST}", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refused(what: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark
    return yaml.MarkedYAMLError(problem=what, problem_mark=mark)


def _value(node: yaml.Node, place: Place, document: Document) -> Any:
    document.lines.setdefault(place, node.start_mark.line + 1)
    if not node.tag.startswith("tag:yaml.org,2002:"):
        message = f"tags are not supported: {node.tag}"
        document.problems.append(not_yaml.problem(document.file, node.start_mark.line + 1, message))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, number), document) for number, item in enumerate(node.value)]
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _mapping(node: yaml.MappingNode, place: Place, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(not_yaml.problem(document.file, line, "a key must be a word"))
            continue
        key = key_node.value
        first = document.lines.get((*place, key))
        if first is not None:
            document.problems.append(duplicate_key.problem(document.file, line, key, first))
            continue
        document.lines[(*place, key)] = line
        value = _value(value_node, (*place, key), document)
        if value is not None:
            values[key] = value
    return values
