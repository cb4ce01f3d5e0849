"""The samples at the ends of known ``TimeSeries`` messages, read all at once, and the table that they make.

A sample as Go's generated code writes it is ``12 10 09 <value, 8 bytes> 10 <time>``, or ``12 07 10 <time>`` when its
value is zero; a time from 1990 to 2100 in milliseconds is a varint of six bytes. What is written otherwise is handed
back, to be taken field by field.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.signals import Labels, Millis, SampleTable
from ingest.limits import EARLIEST, LATEST

STALE = b"\x02\x00\x00\x00\x00\x00\xf0\x7f"
"""The value, as it stands on the wire, that ends a series."""
_STALE = np.frombuffer(STALE, np.uint64)[0]
_INFINITE = np.uint64(0x7FF << 52)
_LONG = 18
_TAIL = np.dtype(
    {"names": ["head", "value", "time"], "formats": ["<u4", "<u8", "<u8"], "offsets": [0, 3, 10], "itemsize": _LONG}
)
"""The last 18 bytes of a series; the eight bytes of ``time`` begin two before the varint."""
_HEAD, _HEAD_BITS = np.uint32(0x09_10_12), np.uint32(0xFF_FF_FF)
_VARINT, _VARINT_BITS = np.uint64(0x00_80_80_80_80_80_10_00), np.uint64(0x80_80_80_80_80_80_FF_00)
_ZERO_HEAD, _ZERO_AT = np.uint64(0x07_12), np.uint64(48)


class Known(NamedTuple):
    """Adjoining series of known labels: where each ends, and which of them (in ``zeros``) leave out their value."""

    labels: list[Labels]
    ends: list[int]
    zeros: list[int]


class Rows:
    """The rows of one body."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.labels: list[Labels] = []
        self.series, self.times, self.values = array("q"), array("q"), array("d")

    def append(self, labels: Labels, samples: list[tuple[Millis, float]]) -> None:
        """Samples of one series."""
        if samples:
            self.series.extend([len(self.labels)] * len(samples))
            self.times.extend(at for at, _ in samples)
            self.values.extend(value for _, value in samples)
            self.labels.append(labels)

    def add(self, known: Known, first: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """Take the samples of series of which the first starts at ``first``. Yields, in its turn, (which, (start, end))
        of each that is written otherwise: whoever asks takes it."""
        if not known.ends:
            return
        times, values, usable = self._read(known)
        done = 0
        for other in np.flatnonzero(~usable).tolist():
            self._extend(known.labels, times, values, done, other)
            begin = known.ends[other - 1] if other else first
            yield other, (begin + (2 if self.data[begin + 1] < 128 else 3), known.ends[other])
            done = other + 1
        self._extend(known.labels, times, values, done, len(known.ends))

    def table(self) -> SampleTable:
        """All of them."""
        return SampleTable(tuple(self.labels), self.series, self.times, self.values)

    def _read(self, known: Known) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """(times, values, whether the row is written as expected)."""
        data = self.data
        windows = np.ndarray((len(data) - _LONG + 1,), _TAIL, data, strides=(1,))
        tails = windows[np.array(known.ends) - _LONG]
        bits, ends = tails["value"].copy(), tails["time"].copy()
        usable = tails["head"] & _HEAD_BITS == _HEAD
        if known.zeros:
            usable[known.zeros] = bits[known.zeros] >> _ZERO_AT == _ZERO_HEAD
            bits[known.zeros] = 0
        times = np.zeros(len(ends), np.int64)
        for byte in range(6):
            times |= (ends >> np.uint64(16 + byte) & np.uint64(0x7F << 7 * byte)).view(np.int64)
        usable &= ends & _VARINT_BITS == _VARINT
        usable &= (times >= EARLIEST) & (times <= LATEST)
        values = bits.view(np.float64)
        odd = bits & _INFINITE == _INFINITE
        if odd.any():
            values[odd] = np.where(bits[odd] == _STALE, np.nan, np.inf)
        return times, values, usable

    def _extend(
        self, labels: list[Labels], times: NDArray[np.int64], values: NDArray[np.float64], begin: int, end: int
    ) -> None:
        """Take rows as they were read; infinite ones are none."""
        told = np.flatnonzero(values[begin:end] != np.inf)
        if len(told):
            self.series.frombytes((told + len(self.labels)).tobytes())
            self.times.frombytes(times[begin:end][told].tobytes())
            self.values.frombytes(values[begin:end][told].tobytes())
            self.labels += labels[begin:end]
