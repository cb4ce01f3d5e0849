"""A source that keeps its own records, as a broker does: while there is no room it is not read, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.ports import Record, Source


class Held:
    """A `Source` that delivers nothing while ``closed()``."""

    def __init__(self, source: Source, closed: Callable[[], bool]) -> None:
        self.name = source.name
        self._source, self._closed = source, closed

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """As the source does."""
        self._source.resume(positions)

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """What the source has, unless it is held."""
        return () if self._closed() else self._source.poll(limit, timeout)

    def committed(self, records: Sequence[Record]) -> None:
        """As the source does."""
        self._source.committed(records)

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """As the source does."""
        self._source.failed(records, error)

    def close(self) -> None:
        """As the source does."""
        self._source.close()
