"""Topologies as CSV (RFC 4180): one file of entities, one of dependencies.

nodes: ``id`` and any of the entity's fields; ``site`` and columns that begin with ``fact.`` are facts.
edges: ``source`` (consumer), ``target`` (provider), ``kind`` (semantics), ``group``, ``need``, ``capacity``,
``weight``, ``buffer``, ``factor``, ``timeout``, ``discovered``.

Files are read in blocks of lines. A block that is plain and without mistakes is taken as a whole (`topology.texts`);
any other is read row by row, which tells what is wrong and where.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np

from topology.draft import At, Draft
from topology.errors import did_you_mean
from topology.model import Dependency
from topology.rows import EDGE, ENTITY, FACT, add_edge, add_entity, edge_fields, entity_fields, group_fields
from topology.texts import Cells, Ints, Places, Tails

NODE_COLUMNS = {"id", "site", *ENTITY}
EDGE_COLUMNS = {"source", "target", "kind", *(EDGE.keys() - {"semantics"})}
BLOCK = 1 << 20
"""Bytes of lines that are taken at a time."""

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BOM = b"\xef\xbb\xbf"


def draft_nodes(draft: Draft, file: str, content: bytes) -> None:
    """Add a file of entities to a draft."""
    _Nodes(draft, file, content).read()


def draft_edges(draft: Draft, file: str, content: bytes) -> None:
    """Add a file of dependencies to a draft."""
    _Edges(draft, file, content).read()


class _File:
    """One file. ``keys`` are the columns with ids; the rest of a row is its tail, of which there are few."""

    keys: tuple[str, ...]
    columns: set[str]

    def __init__(self, draft: Draft, file: str, content: bytes) -> None:
        self.draft, self.file = draft, file
        self._content = content
        self._position = len(_BOM) if content.startswith(_BOM) else 0
        self._line = 0  # lines before the position
        self._header: list[str] = []
        self.fates: list[tuple[str, At]] = []  # that tails of this block name

    def add(self, row: dict[str, str], at: At) -> None:
        """One row, and what is wrong with it."""
        raise NotImplementedError

    def tail(self, row: dict[str, str], at: At) -> int:
        """The number of what a row first says at ``at`` beside its keys. ValueError when something is wrong with it."""
        raise NotImplementedError

    def take(self, ids: list[Ints], tails: Ints, places: Places) -> None:
        """Rows without mistakes."""
        raise NotImplementedError

    def read(self) -> None:
        """All rows. After what is not CSV or not UTF-8 nothing more is read."""
        try:
            if self._read_header():
                self._read_rows()
        except csv.Error as error:
            self.draft.wrong(At(self.file, max(1, self._line)), f"not CSV: {error}")
        except UnicodeDecodeError:
            self.draft.wrong(At(self.file, self._line), "not UTF-8")

    def _read_header(self) -> bool:
        for at, cells in self._exactly(len(self._content)):
            self._header = [cell.strip() for cell in cells]
            return _sound(self.draft, at, self._header, self.columns, self.keys)
        self.draft.wrong(At(self.file, 1), f"the header is missing: {', '.join(self.keys)}, …")
        return False

    def _read_rows(self) -> None:
        content = self._content
        tails = Tails(self._header, self.keys)
        while (begin := self._position) < len(content):
            end = content.rfind(b"\n", begin, begin + BLOCK) + 1 or content.find(b"\n", begin) + 1 or len(content)
            try:
                self._at_once(tails, content[begin:end])
            except ValueError:  # also what is not UTF-8
                self.fates.clear()
                for at, cells in self._exactly(end):
                    if len(cells) == len(self._header):
                        self.add(dict(zip(self._header, map(str.strip, cells), strict=True)), at)
                    else:
                        self.draft.wrong(at, f"{len(cells)} cells under {len(self._header)} columns")

    def _at_once(self, tails: Tails, block: bytes) -> None:
        """A block of rows. ValueError, with nothing taken, unless it is plain and all is well."""
        size = len(block)
        block = block if block.endswith(b"\n") else block + b"\n"
        cells = Cells(block, len(self._header))
        columns = [self._header.index(key) for key in self.keys]
        ids = [self.draft.ids.numbers(block, *cells.span(column, column)) for column in columns]
        numbers = tails.numbers(cells, lambda row, place: self.tail(row, At(self.file, self._line + 1 + place)))
        first = self.draft.place(At(self.file, self._line + 1))
        self.take(ids, numbers, first + np.arange(cells.rows))
        for fate, at in self.fates:
            self.draft.fate(fate, {}, at)
        self.fates.clear()
        self._line += cells.rows
        self._position += size

    def _exactly(self, end: int) -> Iterator[tuple[At, list[str]]]:
        """The rows up to ``end``, or to the end of the row that reaches beyond it."""
        reader = csv.reader(self._lines(), strict=True)
        while self._position < end and (cells := next(reader, None)) is not None:
            if any(cells):
                yield At(self.file, self._line), cells

    def _lines(self) -> Iterator[str]:
        for found in _LINE.finditer(self._content, self._position):
            self._line += 1
            self._position = found.end()
            yield found[0].decode()


class _Nodes(_File):
    keys = ("id",)
    columns = NODE_COLUMNS

    def add(self, row: dict[str, str], at: At) -> None:
        add_entity(self.draft, row.pop("id"), row, at)

    def tail(self, row: dict[str, str], at: At) -> int:
        fields, faults = entity_fields(row)
        if faults:
            raise ValueError(faults)
        self.fates += [(fate, at) for fate in fields.get("fates", ())]
        return self.draft.say(fields)

    def take(self, ids: list[Ints], tails: Ints, places: Places) -> None:
        self.draft.entities.extend(*ids, tails, places)


class _Edges(_File):
    keys = ("source", "target")
    columns = EDGE_COLUMNS

    def __init__(self, draft: Draft, file: str, content: bytes) -> None:
        super().__init__(draft, file, content)
        self._templates: list[int] = []
        self._groups: list[int] = []  # -1: none

    def add(self, row: dict[str, str], at: At) -> None:
        row["semantics"] = row.pop("kind", "")
        add_edge(self.draft, row.pop("source"), row.pop("target"), row, at)

    def tail(self, row: dict[str, str], at: At) -> int:
        row["semantics"] = row.pop("kind", "")
        fields, faults = edge_fields(row)
        if faults:
            raise ValueError(faults)
        group, said = group_fields(fields)
        self._groups.append(self.draft.say_group(group, said) if group else -1)
        self._templates.append(self.draft.dependencies.template(Dependency(consumer="", provider="", **fields)))
        return len(self._templates) - 1

    def take(self, ids: list[Ints], tails: Ints, places: Places) -> None:
        templates, groups = np.array(self._templates, dtype=np.int32), np.array(self._groups, dtype=np.int32)
        self.draft.dependencies.rows.extend(*ids, templates[tails], places)
        grouped = np.flatnonzero(groups[tails] >= 0)
        self.draft.groups.extend(ids[0][grouped], groups[tails[grouped]], places[grouped])


def _sound(draft: Draft, at: At, header: list[str], columns: set[str], required: tuple[str, ...]) -> bool:
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
