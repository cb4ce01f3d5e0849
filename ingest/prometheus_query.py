"""Ranges of samples from a Prometheus: `query_range` of its HTTP API, in pieces that it accepts, never silently empty.

https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries. A server refuses more than 11,000 points per
series; a longer range is asked for in pieces. What is missing is said: a piece that failed, warnings of the server, a
limit that was reached, values that are no numbers. Where nothing could be had, `QueryFailed` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from urllib.parse import urlencode

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.signals import Labels, Millis
from ingest.probes.found import harmless
from ingest.probes.network import Refused, Unreachable

MOST_POINTS = 11_000
"""Points of one series that a Prometheus gives at once."""
MOST_PIECES = 64
MOST_SERIES = 1000
LONGEST = 10_000
"""Characters of an expression."""
SAID = 5


class QueryFailed(Exception):
    """No samples could be had; the text says why."""


class NoAnswer(QueryFailed):
    """The server itself could not be reached, or not in time."""


class Fetched(msgspec.Struct, frozen=True):
    """An HTTP answer; ``cut``: it was longer than what is read."""

    status: int
    body: bytes
    cut: bool = False


Fetch = Callable[[str, bytes], Fetched]
"""(URL, form) -> answer to a POST. Raises `Refused` and `Unreachable`."""


class SeriesOf(msgspec.Struct, frozen=True):
    """One series: ``times`` (int64, milliseconds, rising) and ``values`` (float64, finite), of one length."""

    labels: Labels
    times: NDArray[np.int64]
    values: NDArray[np.float64]


class Ranged(msgspec.Struct, frozen=True):
    """The series of one expression, by their labels; none where the server knows none. ``partial`` says what is missing
    or doubtful, ``left_out`` counts values that are no numbers."""

    series: tuple[SeriesOf, ...]
    partial: tuple[str, ...] = ()
    left_out: int = 0


class _Row(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []
    histograms: list[msgspec.Raw] = []


class _Data(msgspec.Struct):
    resultType: str = ""  # noqa: N815 - the API's own name
    result: list[_Row] = []


class _Body(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""
    errorType: str = ""  # noqa: N815 - the API's own name
    warnings: list[str] = []


_decoder = msgspec.json.Decoder(_Body)
_REASONS = {
    400: "refuses the query",
    401: "wants a token",
    403: "refuses the token",
    404: "has no query API there",
    422: "cannot evaluate the query",
    429: "has too many queries",
    503: "is too busy or too slow for the query",
}


class RangeClient:
    """A client of the server ``name`` at ``url``, its root. Thread-safe as far as ``fetch`` is."""

    def __init__(self, name: str, url: str, fetch: Fetch) -> None:
        self._name, self._url, self._fetch = name, f"{url.rstrip('/')}/api/v1/query_range", fetch

    def range(self, expression: str, since: Millis, until: Millis, step: Millis) -> Ranged:
        """The samples of an expression from ``since`` to ``until``, both included, ``step`` milliseconds apart.

        Raises `QueryFailed`, ValueError for a range that is none.
        """
        if not expression or len(expression) > LONGEST:
            raise ValueError(f"an expression has 1 to {LONGEST} characters")
        pieces = list(_pieces(since, until, step))
        partial: list[str] = []
        found: dict[Labels, list[tuple[float, str]]] = {}
        failed: list[QueryFailed] = []
        for begin, end in pieces:
            try:
                self._add(found, self._piece(expression, begin, end, step), partial)
            except QueryFailed as error:
                failed.append(error)
                partial.append(f"{begin}–{end} is missing: {error}")
        if len(failed) == len(pieces):
            raise failed[0]
        return _ranged(found, partial)

    def _add(self, found: dict[Labels, list[tuple[float, str]]], body: _Body, partial: list[str]) -> None:
        partial += [f"{self._name} warns: {harmless(one)}" for one in body.warnings[:SAID]]
        assert body.data is not None  # noqa: S101 - `_piece` looked
        if any(row.histograms for row in body.data.result):
            partial.append("native histograms are left out: ask for a quantile or a rate of them")
        for row in body.data.result:
            labels = Labels.of(row.metric)
            if labels not in found and len(found) >= MOST_SERIES:
                partial.append(f"more than {MOST_SERIES} series: the others are left out")
                break
            found.setdefault(labels, []).extend(row.values)

    def _piece(self, expression: str, since: Millis, until: Millis, step: Millis) -> _Body:
        form = {"query": expression, "start": _seconds(since), "end": _seconds(until), "step": _seconds(step)}
        try:
            answer = self._fetch(self._url, urlencode(form).encode())
        except (Refused, Unreachable) as error:
            raise NoAnswer(f"{self._name} does not answer: {harmless(str(error))}") from None
        if answer.cut:
            raise QueryFailed(f"the answer of {self._name} is too long: ask for fewer series, or a longer step")
        return self._read(answer)

    def _read(self, answer: Fetched) -> _Body:
        try:
            body = _decoder.decode(answer.body)
        except msgspec.DecodeError as error:
            why = _REASONS.get(answer.status) or f"answers {answer.status}, and not as a Prometheus does"
            detail = "" if answer.status in _REASONS else f": {harmless(str(error), 100)}"
            raise QueryFailed(f"{self._name} {why}{detail}") from None
        if body.status != "success" or answer.status != 200:
            why = _REASONS.get(answer.status, f"answers {answer.status}")
            said = harmless(f"{body.errorType}: {body.error}".strip(": "))
            raise QueryFailed(f"{self._name} {why}" + (f": {said}" if said else ""))
        if body.data is None or body.data.resultType != "matrix":
            raise QueryFailed(f"{self._name} answers with something else than a range of samples")
        return body


def _pieces(since: Millis, until: Millis, step: Millis) -> Iterator[tuple[Millis, Millis]]:
    """The range in pieces of at most `MOST_POINTS` steps. ValueError."""
    if step < 1 or until < since:
        raise ValueError("a range has a step of at least 1 ms, and does not end before it begins")
    if (until - since) // step >= MOST_POINTS * MOST_PIECES:
        raise ValueError(f"a range has at most {MOST_POINTS * MOST_PIECES} points: take a longer step")
    width = (MOST_POINTS - 1) * step
    begin = since
    while begin <= until:
        yield begin, min(begin + width, until)
        begin += width + step


def _seconds(at: Millis) -> str:
    return f"{at // 1000}.{at % 1000:03}"


def _ranged(found: Mapping[Labels, list[tuple[float, str]]], partial: list[str]) -> Ranged:
    series, left_out = [], 0
    for labels in sorted(found, key=lambda one: one.raw):
        points: dict[Millis, float] = {}
        for at, text in found[labels]:
            value = _number(text)
            if isfinite(value) and isfinite(at):
                points[round(at * 1000)] = value
            else:
                left_out += 1
        times = np.array(sorted(points), np.int64)
        values = np.array([points[at] for at in times.tolist()], np.float64)
        series.append(SeriesOf(labels, times, values))
    return Ranged(tuple(series), tuple(dict.fromkeys(partial)), left_out)


def _number(text: str) -> float:
    """A value as Prometheus writes it: NaN, +Inf and -Inf among them."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
