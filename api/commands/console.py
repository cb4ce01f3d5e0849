"""How commands speak: plain text on standard output, progress and troubles on standard error."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from api.findings import Wrong

DONE, WRONG, USAGE, UNAVAILABLE, DEFECT = 0, 1, 2, 3, 70
"""Exit codes: done; what you gave is wrong; the command line is wrong; something needed is not there; our defect."""


class Failed(Exception):
    """A command that cannot be carried out: one line, and how to mend it."""

    def __init__(self, message: str, mend: str = "", code: int = WRONG) -> None:
        super().__init__(message + (f"; {mend}" if mend else ""))
        self.code = code


def say(text: str = "") -> None:
    """A line of the answer. A stranger's control characters do not reach the terminal."""
    typer.echo(safe(text))


def warn(text: str) -> None:
    """A line about the way there."""
    typer.echo(safe(text), err=True)


def safe(text: str) -> str:
    """The text without control and direction-changing characters, which a terminal would obey."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)


def failure(error: Exception) -> int:
    """Say what went wrong in as few lines as it takes; returns the exit code."""
    from api import settings  # noqa: PLC0415 - only failures pay for it
    from engine.errors import EngineError  # noqa: PLC0415

    if settings.traceback_wanted():
        traceback.print_exception(error)
    if isinstance(error, Wrong):
        for finding in error.findings:
            warn(str(finding))
        return WRONG
    if isinstance(error, Failed):
        warn(f"headwater: {error}")
        return error.code
    if isinstance(error, EngineError | OSError):
        warn(f"headwater: {error}")
        return UNAVAILABLE
    name = f"{type(error).__name__}: {error}".splitlines()[0]
    warn(f"headwater: a defect of Headwater: {name}; HEADWATER_TRACEBACK=1 shows where, please report it")
    return DEFECT


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, nothing elsewhere. Yields a function that takes how far it is."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda done: bars.update(bar, completed=done)
