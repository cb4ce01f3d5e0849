"""Cells of a block of plain text -> numbers, all rows at once: no Python string is made of a cell seen before.

A cell is taken as 64-bit words, padded with zeros, and looked up in an open-addressed table (linear probing) of the
words known; words are compared, so that a number stands for exactly one text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Words = NDArray[np.uint64]

Number = Callable[[list[str]], Sequence[int]]

WORD = 8
LONGEST_CELL = 256
"""Bytes. Longer cells are not plain."""
_EMPTY = -1
_FIRST_SIZE = 1 << 10
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)  # 2^64 / golden ratio
_KEEP = np.array([(1 << (WORD * used)) - 1 for used in range(WORD + 1)], dtype=np.uint64)


class NotPlainError(ValueError):
    """The block has something that is read exactly, row by row."""


class Cells:
    """Where the cells of a block lie. `NotPlainError` unless it is lines of so many unquoted cells."""

    def __init__(self, block: bytes, columns: int) -> None:
        if b'"' in block or b"\r" in block or b"\0" in block:
            raise NotPlainError
        text = np.frombuffer(block, dtype=np.uint8)
        breaks = text == ord("\n")
        ends = np.flatnonzero(breaks | (text == ord(",")))
        self.rows, over = divmod(len(ends), columns)
        self._ends = ends[: self.rows * columns].reshape(self.rows, columns)
        if over or np.count_nonzero(breaks) != self.rows or not breaks[self._ends[:, -1]].all():
            raise NotPlainError
        self.block = block

    def span(self, first: int, last: int) -> tuple[Places, Places]:
        """Where the cells from one column to another begin and end, in every row."""
        if first:
            return self._ends[:, first - 1] + 1, self._ends[:, last]
        return np.concatenate([[0], self._ends[:-1, -1] + 1]), self._ends[:, last]


class Texts:
    """Numbers texts by ``number``, which is called once for each, many at a time, and may raise ValueError."""

    def __init__(self, number: Number) -> None:
        self._number = number
        self._tables: dict[int, _Table] = {}

    def numbers(self, block: bytes, begin: Places, end: Places) -> Ints:
        """The numbers of the cells ``block[begin:end]``. ValueError when one is no good; others may be known then."""
        length = end - begin
        if length.max(initial=0) > LONGEST_CELL:
            raise NotPlainError
        words_at = np.ndarray(len(block) + 1, dtype="<u8", buffer=block + bytes(WORD), strides=(1,))
        width = np.maximum((length + WORD - 1) // WORD, 1)
        found = np.empty(len(begin), dtype=np.int32)
        for words in np.flatnonzero(np.bincount(width)).tolist():
            rows = np.flatnonzero(width == words)
            cells = words_at[begin[rows, None] + np.arange(0, words * WORD, WORD)]
            cells[:, -1] &= _KEEP[length[rows] - (words - 1) * WORD]
            table = self._tables.setdefault(words, _Table(words))
            found[rows] = table.numbers(cells, self._number)
        return found


class Tails:
    """Numbers what rows say beside their keys: columns beside each other are one text, of which there are few."""

    def __init__(self, header: list[str], keys: Collection[str]) -> None:
        self._header = header
        places = [place for place, name in enumerate(header) if name not in keys]
        runs = [list(run) for _, run in groupby(places, lambda place: place - places.index(place))]
        self._spans = [(run[0], run[-1]) for run in runs]
        self._said: list[list[str]] = [[] for _ in runs]
        self._texts = [Texts(partial(_appended, said)) for said in self._said]
        self._known: dict[tuple[int, ...], int] = {}

    def numbers(self, cells: Cells, number: Callable[[dict[str, str], int], int]) -> Ints:
        """``number`` is asked for each new tail, with the first row that has it, and may raise ValueError."""
        codes = [
            texts.numbers(cells.block, *cells.span(*span)) for texts, span in zip(self._texts, self._spans, strict=True)
        ]
        tails = np.zeros(cells.rows, dtype=np.int64)
        for code, said in zip(codes, self._said, strict=True):
            tails = tails * len(said) + code
        of, first = _distinct(tails)
        found = []
        for row in first.tolist():
            key = tuple(int(code[row]) for code in codes)
            if key not in self._known:
                self._known[key] = number(self._row(key), row)
            found.append(self._known[key])
        return np.array(found, dtype=np.int32)[of]

    def _row(self, key: tuple[int, ...]) -> dict[str, str]:
        return {
            name: cell.strip()
            for (first, last), said, code in zip(self._spans, self._said, key, strict=True)
            for name, cell in zip(self._header[first : last + 1], said[code].split(","), strict=True)
        }


def _appended(texts: list[str], more: list[str]) -> range:
    texts += more
    return range(len(texts) - len(more), len(texts))


def _distinct(values: Places) -> tuple[Ints, Places]:
    """(value -> its number, first row of each number), numbered by first row."""
    if values.max(initial=0) <= len(values):  # small numbers are counted, others sorted
        first = np.full(values.max(initial=0) + 1, len(values), dtype=np.int64)
        first[values[::-1]] = np.arange(len(values) - 1, -1, -1)
        rank = np.cumsum(first < len(values)) - 1
        first, of = first[first < len(values)], rank[values]
    else:
        _, first, of = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order))
    return place[of], first[order]


class _Table:
    """Texts of one width, in words."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._count = 0
        self._slots = np.full(_FIRST_SIZE, _EMPTY, dtype=np.int32)
        self._known: Words = np.empty((_FIRST_SIZE // 2, width), dtype=np.uint64)
        self._numbers = np.empty(_FIRST_SIZE // 2, dtype=np.int32)

    def numbers(self, cells: Words, number: Number) -> Ints:
        hashes = _hashes(cells)
        found = self._find(cells, hashes)
        new = np.flatnonzero(found == _EMPTY)
        if len(new):
            self._add(cells[new], hashes[new], number)
            found[new] = self._find(cells[new], hashes[new])
        numbers: Ints = self._numbers[found]
        return numbers

    def _find(self, cells: Words, hashes: Words) -> Ints:
        """Text -> its place among those known."""
        found = np.full(len(cells), _EMPTY, dtype=np.int32)
        mask = len(self._slots) - 1
        at = (hashes & np.uint64(mask)).astype(np.int64)
        rows = np.arange(len(cells))
        while len(rows):
            place = self._slots[at]
            taken = place != _EMPTY
            same = taken
            for column in range(self._width):
                same = same & (self._known[place, column] == cells[rows, column])
            found[rows[same]] = place[same]
            further = taken & ~same
            rows, at = rows[further], (at[further] + 1) & mask
        return found

    def _add(self, cells: Words, hashes: Words, number: Number) -> None:
        _, first, of = np.unique(hashes, return_index=True, return_inverse=True)
        if (cells[first][of] != cells).any():  # two texts with one hash: rare, so left to the exact way
            raise NotPlainError
        first.sort()
        cells = np.ascontiguousarray(cells[first])
        texts: list[bytes] = cells.view(f"S{self._width * WORD}").ravel().tolist()
        numbers = number([text.decode() for text in texts])
        begin, self._count = self._count, self._count + len(numbers)
        if self._count > len(self._known):
            size = 1 << (2 * self._count - 1).bit_length()
            self._known = np.resize(self._known, (size, self._width))
            self._numbers = np.resize(self._numbers, size)
        self._known[begin : self._count] = cells
        self._numbers[begin : self._count] = numbers
        if 2 * self._count > len(self._slots):
            self._slots = np.full(1 << (4 * self._count - 1).bit_length(), _EMPTY, dtype=np.int32)
            self._enter(0, _hashes(self._known[: self._count]))
        else:
            self._enter(begin, hashes[first])

    def _enter(self, begin: int, hashes: Words) -> None:
        """Give the texts from ``begin`` on their slots."""
        mask = len(self._slots) - 1
        at = (hashes & np.uint64(mask)).astype(np.int64)
        places = np.arange(begin, begin + len(hashes), dtype=np.int32)
        while len(places):
            free = self._slots[at] == _EMPTY
            self._slots[at[free]] = places[free]
            late = self._slots[at] != places
            places, at = places[late], (at[late] + 1) & mask


def _hashes(cells: Words) -> Words:
    mixed = np.zeros(len(cells), dtype=np.uint64)
    for column in range(cells.shape[1]):
        mixed = (mixed ^ cells[:, column]) * _MIX
        mixed ^= mixed >> _SHIFT
    return mixed
