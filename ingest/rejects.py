"""Rejects: one per bad element, bounded in number, so that a body of nothing but rubbish stays cheap."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.ports import Reject
from ingest.errors import Mistake
from ingest.limits import MAX_MISTAKES, MAX_REJECTS


def reject(base: str, mistakes: Sequence[Mistake], raw: bytes) -> Reject:
    """One bad element as one reject: the first mistake's pointer, and all mistakes in the reason."""
    (pointer, reason), *others = mistakes
    named = [f"{base}{where}: {why}" for where, why in others[: MAX_MISTAKES - 1]]
    if len(others) >= MAX_MISTAKES:
        named.append(f"and {len(others) - MAX_MISTAKES + 1} more")
    return Reject(base + pointer, "; ".join([reason, *named]), raw)


class Rejects:
    """The rejects of one body. Behind `MAX_REJECTS` they are counted, and one reject keeps the whole body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._found: list[Reject] = []
        self._more = 0

    def add(self, base: str, mistakes: Sequence[Mistake], raw: Callable[[], bytes]) -> None:
        """One more bad element; ``raw`` is asked for its bytes only when they are kept."""
        if len(self._found) < MAX_REJECTS:
            self._found.append(reject(base, mistakes, raw()))
        else:
            self._more += 1

    def all(self) -> tuple[Reject, ...]:
        """In the order of the body."""
        if self._more:
            reason = f"{self._more} more elements were bad; this is the whole body"
            return (*self._found, Reject("", reason, self._body))
        return tuple(self._found)
