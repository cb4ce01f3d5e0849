"""Changes of entities as edits of the YAML they are written in: layout and comments stay as people made them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import yaml

DEPENDS = "depends_on"
FACTS = "facts."
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_NUMBER = re.compile(r"[0-9]+[smhdw]?")


class Change(NamedTuple):
    """``field`` of ``entity`` becomes ``value``; with ``depends_on`` the value is one more provider, of which nobody
    said yet how its failure is felt."""

    entity: str
    field: str
    value: str


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def patched(files: Mapping[str, str], changes: Iterable[Change]) -> tuple[dict[str, str], list[Change]]:
    """The files that change, whole, and the changes that no file has a place for (the entity is in none of them, or is
    written by means of anchors or of another form). Raises nothing for files that are not YAML: they have no place."""
    now, left = dict(files), []
    for change in changes:
        for name in sorted(now):
            text = _edited(now[name], change)
            if text is not None:
                now[name] = text
                break
        else:
            left.append(change)
    return {name: text for name, text in now.items() if text != files[name]}, left


def _edited(text: str, change: Change) -> str | None:
    """The text with the change; None where the entity is not in it."""
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    entity = next(_entities(document, change.entity), None)
    if entity is None or not entity.value:
        return None
    edit = _edit(text, entity, change)
    return None if edit is None else text[: edit.start] + edit.text + text[edit.end :]


def _entities(document: yaml.Node | None, id: str) -> Iterator[yaml.MappingNode]:
    listed = _under(document, "entities")
    for one in listed.value if isinstance(listed, yaml.SequenceNode) else ():
        named = _under(one, "id")
        if isinstance(named, yaml.ScalarNode) and named.value == id:
            yield one


def _under(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _edit(text: str, entity: yaml.MappingNode, change: Change) -> _Edit | None:
    field, value = change.field, scalar(change.value, change.field)
    if field == DEPENDS:
        value = f"{{on: {value}, discovered: true}}"
        return _item(text, entity, field, value)
    if field.startswith(FACTS):
        field, key = "facts", scalar(field.removeprefix(FACTS), "")
        inner = _under(entity, field)
        if isinstance(inner, yaml.MappingNode) and inner.value:
            return _entry(text, inner, key, value)
        return None if inner is not None else _entry(text, entity, field, f"{{{key}: {value}}}")
    return _entry(text, entity, field, value)


def _entry(text: str, mapping: yaml.MappingNode, key: str, value: str) -> _Edit | None:
    """Set a key of a mapping."""
    old = _under(mapping, key)
    if isinstance(old, yaml.ScalarNode):
        return _Edit(old.start_mark.index, old.end_mark.index, value)
    if old is not None:
        return None
    return _after(text, mapping, [value_ for _, value_ in mapping.value], f"{key}: {value}", mapping.value[0][0])


def _item(text: str, entity: yaml.MappingNode, key: str, value: str) -> _Edit | None:
    """One more in a list."""
    old = _under(entity, key)
    if old is None:
        return _entry(text, entity, key, f"[{value}]")
    if not isinstance(old, yaml.SequenceNode) or not old.value:
        return None
    return _after(text, old, old.value, value, old.value[0], "- ")


def _after(
    text: str, around: yaml.CollectionNode, parts: Sequence[yaml.Node], new: str, first: yaml.Node, dash: str = ""
) -> _Edit | None:
    """Behind the last part: on the same line in flow style, on a line of its own in block style."""
    if around.flow_style:
        end = _end(parts[-1])
        return _Edit(end, end, f", {new}")
    end = _end(first if dash else around.value[0][1])
    if not dash and not isinstance(around.value[0][1], yaml.ScalarNode):
        return None
    newline = text.find("\n", end)
    at = len(text) if newline < 0 else newline
    return _Edit(at, at, f"\n{' ' * (first.start_mark.column - len(dash))}{dash}{new}")


def _end(node: yaml.Node) -> int:
    """Where a node ends; that of a block collection is where its last part does."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def scalar(text: str, field: str) -> str:
    """Text as a scalar of YAML, in quotes where it could be taken for something else.

    >>> scalar("team-data", "owner"), scalar("no", "owner"), scalar("30m", "rto"), scalar("a: b", "name")
    ('team-data', '"no"', '30m', '"a: b"')
    """
    number = _NUMBER.fullmatch(text) is not None and field not in ("owner", "name", DEPENDS, "")
    truth = field == "scope" and text in ("true", "false")
    if truth or (number and not field.startswith(FACTS)):
        return text
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
