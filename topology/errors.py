"""What can be wrong with the files of a catalogue. Problems are values: loading collects them all."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class Problem(NamedTuple):
    """One mistake. ``line`` starts at 1; ``hint`` says how to mend it, where that is known."""

    file: str
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


SHOWN = 1000
"""So many mistakes are listed; of the others only the number."""


class Mistakes:
    """Collects problems up to a cap, and counts the rest."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._more = 0

    def add(self, file: str, line: int, message: str, hint: str = "") -> None:
        """Note one mistake."""
        if len(self._problems) < SHOWN:
            self._problems.append(Problem(file, line, message, hint))
        else:
            self._more += 1

    def __bool__(self) -> bool:
        return bool(self._problems)

    @property
    def full(self) -> bool:
        """Whether all others are only counted: their hints need not be searched for."""
        return len(self._problems) >= SHOWN

    def listed(self) -> list[Problem]:
        """All of them by file and line, the last one telling how many more there are."""
        problems = sorted(self._problems)
        if self._more:
            problems.append(Problem(problems[-1].file, problems[-1].line, f"and {self._more} more mistakes"))
        return problems


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known word, or none."""
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else ""
