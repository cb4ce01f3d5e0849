"""Topologies as CSV (RFC 4180): one file of entities, one of dependencies. Read row by row, for large ones.

nodes: ``id`` and any of the entity's fields; ``site`` and columns that begin with ``fact.`` are facts.
edges: ``source`` (consumer), ``target`` (provider), ``kind`` (semantics), ``group``, ``need``, ``capacity``,
``weight``, ``buffer``, ``factor``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from topology.draft import At, Draft
from topology.errors import did_you_mean
from topology.rows import EDGE, ENTITY, FACT, add_edge, add_entity

NODE_COLUMNS = {"id", "site", *ENTITY}
EDGE_COLUMNS = {"source", "target", "kind", *(EDGE.keys() - {"semantics"})}


def draft_nodes(draft: Draft, file: str, lines: Iterable[str]) -> None:
    """Add a file of entities to a draft."""
    for at, row in _rows(draft, file, lines, NODE_COLUMNS, ("id",)):
        add_entity(draft, row.pop("id"), row, at)


def draft_edges(draft: Draft, file: str, lines: Iterable[str]) -> None:
    """Add a file of dependencies to a draft."""
    for at, row in _rows(draft, file, lines, EDGE_COLUMNS, ("source", "target")):
        row["semantics"] = row.pop("kind", "")
        add_edge(draft, row.pop("source"), row.pop("target"), row, at)


def _rows(
    draft: Draft, file: str, lines: Iterable[str], columns: set[str], required: tuple[str, ...]
) -> Iterator[tuple[At, dict[str, str]]]:
    """The rows below the header, as far as they can be read."""
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            draft.wrong(At(file, max(1, reader.line_num)), f"not CSV: {error}")
            return
        if cells is None:
            break
        if not any(cells):
            continue
        at = At(file, reader.line_num)
        if header is None:
            header = [cell.strip() for cell in cells]
            if not _header(draft, at, header, columns, required):
                return
        elif len(cells) != len(header):
            draft.wrong(at, f"{len(cells)} cells under {len(header)} columns")
        else:
            yield at, dict(zip(header, map(str.strip, cells), strict=True))
    if header is None:
        draft.wrong(At(file, 1), f"the header is missing: {', '.join(required)}, …")


def _header(draft: Draft, at: At, header: list[str], columns: set[str], required: tuple[str, ...]) -> bool:
    good = True
    for place, name in enumerate(header):
        if name in header[:place]:
            draft.wrong(at, f"the column {name[:80]!r} is repeated")
        elif name not in columns and not (name.startswith(FACT) and "id" in columns and name != FACT):
            draft.wrong(at, f"unknown column {name[:80]!r}", did_you_mean(name, sorted(columns)))
        else:
            continue
        good = False
    for name in required:
        if name not in header:
            draft.wrong(at, f"the column {name!r} is missing")
            good = False
    return good
