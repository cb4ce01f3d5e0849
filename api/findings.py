"""What is wrong with something an operator wrote: settings, catalogue, rules, environment. Values, never exceptions."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One mistake. ``line`` starts at 1; 0 means the file (or variable, or option) as a whole."""

    file: str
    line: int
    message: str
    hint: str = ""
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        kind = "warning: " if self.warning else ""
        return f"{place}: {kind}{self.message}" + (f" ({self.hint})" if self.hint else "")


class Wrong(Exception):
    """What an operator wrote cannot be used: every mistake, one per line."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings
