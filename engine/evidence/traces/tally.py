"""Counts of one minute that can be taken back: spans, failures, and a histogram of times with fixed bins.

A bin is half an octave of microseconds: bin ``2·e`` holds ``2^e … 1.5·2^e``, bin ``2·e + 1`` the rest up to
``2^(e+1)``. Everything is a sum of integers, so the order in which spans came does not matter, what was counted
provisionally is taken back exactly, and tallies merge. (HdrHistogram and DDSketch do the same with finer bins;
http://www.vldb.org/pvldb/vol12/p2195-masson.pdf.)
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

Micros = int
"""A duration in microseconds, or a time in microseconds since 1970."""

WIDEST = 80
"""Bin of everything from 2^40 µs (two weeks) on."""


class Tally(msgspec.Struct, array_like=True):
    """``spans`` counted, ``failed`` of them, ``origin`` those that failed without a failed child; ``total`` is the sum
    of the times that ``bins`` count."""

    spans: int = 0
    failed: int = 0
    origin: int = 0
    total: Micros = 0
    bins: dict[int, int] = {}

    @property
    def measured(self) -> int:
        """How many times the bins count."""
        return sum(self.bins.values())

    def measure(self, time: Micros, sign: int) -> None:
        """Count a time (``sign`` 1), or take it back (-1)."""
        self.total += sign * time
        place = bin_of(time)
        count = self.bins.get(place, 0) + sign
        if count:
            self.bins[place] = count
        else:
            del self.bins[place]

    def merge(self, other: Tally) -> None:
        """Add another tally."""
        self.spans += other.spans
        self.failed += other.failed
        self.origin += other.origin
        self.total += other.total
        bins = self.bins
        for place, count in other.bins.items():
            bins[place] = bins.get(place, 0) + count

    def above(self, place: int) -> int:
        """How many times lie in higher bins."""
        return sum(count for other, count in self.bins.items() if other > place)

    def below(self, place: int) -> int:
        """How many times lie in lower bins."""
        return sum(count for other, count in self.bins.items() if other < place)


def merged(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole


def bin_of(time: Micros) -> int:
    """The bin of a time.

    >>> [bin_of(t) for t in (0, 1, 2, 3, 4, 6, 1000, 10**18)]
    [0, 0, 2, 3, 4, 5, 19, 80]
    """
    if time <= 1:
        return 0
    exponent = time.bit_length() - 1
    return min(2 * exponent + (time >> (exponent - 1) & 1), WIDEST)


def upper(place: int) -> Micros:
    """The end of a bin."""
    exponent, half = divmod(place, 2)
    return (2 << exponent) if half else (3 << exponent) >> 1
