"""What can be wrong with a file an operator wrote. Problems are values: parsing collects them all."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One mistake. ``line`` starts at 1; ``check`` is the id of the check, and of its page in `docs/rules`.

    A ``warning`` does not keep the rules from coming into force.
    """

    file: str
    line: int
    message: str
    hint: str = ""
    check: str = ""
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Flaw(ValueError):
    """A value that a check refuses, without its place in a file."""

    def __init__(self, check: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.check = check
        self.message = message
        self.hint = hint
