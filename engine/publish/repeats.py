"""When to stop repeating what cannot be looked for: a receiver that is slow to answer would get it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import SinkError
from engine.sending import OutboxRow


@contextmanager
def at_most_twice(row: OutboxRow) -> Iterator[None]:
    """Around an attempt: an answer that is lost a second time is final, and left to a person."""
    try:
        yield
    except SinkError as error:
        if error.ambiguous and row.ambiguous:
            said = f"{error.detail}; unclear for the second time, so it is not sent again: look there"
            raise SinkError(said, permanent=True) from error
        raise
