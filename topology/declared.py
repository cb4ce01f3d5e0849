"""Which of the names in a draft are entities, and where that is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topology.columns import Ints
from topology.draft import At, Draft, file_of
from topology.errors import did_you_mean

SEARCHED_FOR_HINTS = 20_000
"""Above so many entities no similar id is looked for; it would take longer than loading."""
SEARCHED_IN_ALL = 500_000
"""After so many comparisons no more are made."""


class Declared:
    """The entities of a draft; that a file declares one twice is told, and the second time does not count.

    Rows, as files say them: ``entity``, ``said`` (number of fields), ``place``. By number of a name: ``known``, whether
    it is an entity, and ``times``, how many rows speak of it.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.names = list(draft.numbers)
        self.entity, self.said, self.place = draft.entities.columns()
        in_file = self.entity * np.int64(len(draft.files) + 1) + file_of(self.place)
        if repeated := repetitions(in_file):
            for row, first in repeated:
                what = f"the entity {self.names[self.entity[row]]!r} is declared twice"
                draft.wrong(draft.at(self.place[row]), f"{what}; first at {draft.at(self.place[first])}")
            rows = [row for row, _ in repeated]
            self.entity, self.said, self.place = (np.delete(c, rows) for c in (self.entity, self.said, self.place))
        self.times = np.bincount(self.entity, minlength=len(self.names))
        self.known: NDArray[np.bool_] = self.times > 0
        self._first = np.zeros(len(self.names), dtype=np.int64)
        self._first[self.entity[::-1]] = np.arange(len(self.entity) - 1, -1, -1)
        self._hints: dict[str, str] = {}
        self._searched = 0

    def has(self, name: str) -> bool:
        """Whether a name is an entity's."""
        number = self._draft.numbers.get(name)
        return number is not None and bool(self.known[number])

    def at(self, name: str) -> At:
        """Where an entity is first spoken of."""
        return self._draft.at(self.place[self._first[self._draft.numbers[name]]])

    def by_row(self) -> Ints:
        """The entities in the order in which they are first spoken of."""
        found: Ints = self.entity[np.sort(self._first[self.known])]
        return found

    def missing(self, at: At, id: str, what: str) -> None:
        """Note that something names what is no entity, unless its entry was only refused."""
        if id not in self._draft.refused:
            hint = "" if self._draft.mistakes.full else self._hint(id)
            self._draft.wrong(at, f"{what} {id!r}, which is no entity", hint)

    def _hint(self, id: str) -> str:
        if (known := self._hints.get(id)) is not None:
            return known
        size = int(np.count_nonzero(self.known))
        if size > SEARCHED_FOR_HINTS or self._searched + size > SEARCHED_IN_ALL:
            return ""
        self._searched += size
        self._hints[id] = did_you_mean(id, [self.names[number] for number in self.by_row().tolist()])
        return self._hints[id]


def repetitions(keys: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(row, first row with the same key) of all rows that are not the first with theirs."""
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return []
    _, first, of = np.unique(keys, return_index=True, return_inverse=True)
    rows = np.flatnonzero(first[of] != np.arange(len(keys)))
    return list(zip(rows.tolist(), first[of[rows]].tolist(), strict=True))
