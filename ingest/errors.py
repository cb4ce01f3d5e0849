"""Errors of ingest. Whose fault each is stands in its docstring.

IngestError
├── Undecodable         the sender's input cannot be used: every mistake with a JSON pointer or byte offset
├── BadEncoding         the sender's content encoding is broken or not supported
├── TooLarge            the sender's input is over a limit
├── Overloaded          ours: the engine does not keep up; the sender tries again after ``retry_after`` seconds
└── MissingDependency   the operator's installation lacks a package
"""

from __future__ import annotations

Mistake = tuple[str, str]
"""(JSON pointer relative to the element, what was expected)."""


class IngestError(Exception):
    """An input could not be taken."""


class Undecodable(IngestError):
    """The input cannot be used; ``mistakes`` names everything that is wrong with it."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(f"{pointer}: {reason}" if pointer else reason for pointer, reason in mistakes))
        self.mistakes = mistakes


class BadEncoding(IngestError):
    """The content encoding of the request is broken or not supported."""


class TooLarge(IngestError):
    """The input is over a limit."""


class Overloaded(IngestError):
    """The engine does not keep up; nothing was taken. Try again after ``retry_after`` seconds.

    ``busy``: because too much was sent, not because the engine cannot write.
    """

    def __init__(self, reason: str, retry_after: float, *, busy: bool = False) -> None:
        super().__init__(reason)
        self.retry_after, self.busy = retry_after, busy


class MissingDependency(IngestError):
    """A package that this source needs is not installed."""
