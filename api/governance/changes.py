"""Proposed changes of the catalogue as a patch of its YAML files, which `git apply` and `patch -p1` take."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from api.files import written
from engine.response_views import CatalogueChange
from engine.signals import Millis
from topology.patching import Change, patched

YAML = frozenset({".yaml", ".yml"})


class ChangesOf(msgspec.Struct, kw_only=True):
    """The proposed changes of the catalogue after an incident; ``patchable``: the ids of those that the patch has,
    ``unplaced`` of those whose entity stands in no YAML file here, so that somebody writes them by hand."""

    incident: str
    at: Millis
    items: tuple[CatalogueChange, ...]
    patchable: tuple[str, ...]
    unplaced: tuple[str, ...]


def changes_of(incident: str, at: Millis, items: Iterable[CatalogueChange], folder: Path) -> ChangesOf:
    """With where each goes."""
    items = tuple(items)
    wanted = [one for one in items if one.state != "refused"]
    _, left = patched(_texts(folder), map(_change, wanted))
    unplaced = tuple(one.id for one in wanted if _change(one) in left)
    patchable = tuple(one.id for one in wanted if one.id not in unplaced)
    return ChangesOf(incident=incident, at=at, items=items, patchable=patchable, unplaced=unplaced)


def patch_of(items: Iterable[CatalogueChange], folder: Path) -> str:
    """A unified diff of the files in the folder, with every change that was not refused."""
    before = _texts(folder)
    after, _ = patched(before, [_change(one) for one in items if one.state != "refused"])
    return "".join(line for name in sorted(after) for line in _diff(name, before[name], after[name]))


def _diff(name: str, before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _texts(folder: Path) -> dict[str, str]:
    if not folder.exists():
        return {}
    found = {}
    for path in written(folder, YAML)[0]:
        try:
            found[path.relative_to(folder).as_posix()] = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _change(one: CatalogueChange) -> Change:
    return Change(one.entity, one.field, one.after)
