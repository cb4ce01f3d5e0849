"""Signals: everything that may change the state of the core.

A signal never carries the time of its arrival: that belongs to the input log's entry it came in, and is
handed to the core as ``now``. Times are integer milliseconds since the Unix epoch (`Millis`). Strings are
a stranger's text: data, never code, markup, a destination, a metric label or a file path.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import groupby

import msgspec
import xxhash

Millis = int
"""Milliseconds since 1970-01-01T00:00:00Z."""

_strings = msgspec.json.Decoder(dict[str, str])
_sorted = msgspec.json.Encoder(order="sorted")


class Labels:
    """An interned label set: canonical JSON bytes (keys sorted) and a fingerprint of them.

    The fingerprint is the 128-bit xxh3 of the canonical bytes, in hexadecimal; it does not depend on the
    order in which a sender wrote the labels, nor on the sender.
    """

    __slots__ = ("fingerprint", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.fingerprint = xxhash.xxh3_128_hexdigest(raw)

    @classmethod
    def of(cls, values: dict[str, str]) -> Labels:
        """Labels of a mapping; empty values are left out, as Prometheus does."""
        return cls(_sorted.encode({k: v for k, v in values.items() if v}))

    def as_dict(self) -> dict[str, str]:
        """The label set as a new dictionary."""
        return _strings.decode(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labels) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Labels({self.raw!r})"


class AlertEvent(msgspec.Struct, frozen=True, gc=False):
    """One notification of an alert.

    ``starts_at``/``ends_at`` are None where the sender gave none. For a firing event ``ends_at`` is the time
    at which it expires unless it is sent again; for a resolved one it is the end. ``resent`` is True where the
    sender repeats firing alerts, so that its silence ends them (a firing event without ``ends_at`` then expires
    after the resolve timeout, one whose ``ends_at`` has passed is a resolution). ``annotations`` is a JSON object
    as bytes. ``key`` is the sender's own id of this notification, if it has one.
    """

    labels: Labels
    firing: bool = True
    starts_at: Millis | None = None
    ends_at: Millis | None = None
    annotations: bytes = b"{}"
    url: str = ""
    value: float | None = None
    key: str = ""
    resent: bool = False


class Samples(msgspec.Struct, frozen=True, gc=False):
    """Samples of one series, in the sender's order; ``stale`` marks a series that has ended.

    ``labels`` holds the metric's name under ``__name__``. ``values`` are finite.
    """

    labels: Labels
    times: tuple[Millis, ...]
    values: tuple[float, ...]
    stale: bool = False


class SampleTable(msgspec.Struct, frozen=True, gc=False):
    """Samples of many series in columns, in the sender's order: the same as `Samples`, for a fraction of the cost.

    Row i is of ``labels[series[i]]``, at ``times[i]`` (milliseconds); typecodes q, q, d. A value that is NaN is no
    sample: it marks the end of its series, as ``stale`` does; all others are finite.
    """

    labels: tuple[Labels, ...]
    series: array[int]
    times: array[int]
    values: array[float]

    def __len__(self) -> int:
        return len(self.series)

    def one_by_one(self, begin: int = 0, end: int | None = None) -> Iterator[Samples]:
        """The rows from ``begin`` to before ``end`` as samples of one series each."""
        rows = range(begin, len(self) if end is None else end)
        for (number, ended), run in groupby(rows, lambda row: (self.series[row], not _is(self.values[row]))):
            of_one = list(run)
            times = tuple(self.times[row] for row in of_one)
            if ended:
                yield from (Samples(self.labels[number], (at,), (), stale=True) for at in times)
            else:
                yield Samples(self.labels[number], times, tuple(self.values[row] for row in of_one))


def _is(value: float) -> bool:
    return value == value  # noqa: PLR0124 - what is no NaN is a sample


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """One log record. ``level`` is one of trace, debug, info, warning, error, critical, or empty."""

    labels: Labels
    at: Millis | None
    level: str
    message: str


class Span(msgspec.Struct, frozen=True, gc=False):
    """One span; ``start`` and ``end`` in milliseconds; ``parent`` empty at the root.

    ``kind`` is client, server, producer, consumer, internal, or empty where the sender does not say. ``start_us`` and
    ``duration_us`` are microseconds, None where only milliseconds are known.
    """

    labels: Labels
    trace: str
    span: str
    parent: str
    operation: str
    start: Millis
    end: Millis
    failed: bool = False
    kind: str = ""
    start_us: int | None = None
    duration_us: int | None = None


class Change(msgspec.Struct, frozen=True, gc=False):
    """A change to an entity: ``what`` is deploy, flag, config, infrastructure, or the sender's own word."""

    labels: Labels
    at: Millis | None
    what: str
    detail: str = ""
    key: str = ""


class Heartbeat(msgspec.Struct, frozen=True, gc=False):
    """A sign of life of a source; silence of more than ``every`` milliseconds (None: as learned) is a loss. ``of`` are
    the labels that name the source: alerts that have them all come from it."""

    source: str
    every: Millis | None
    at: Millis | None = None
    of: dict[str, str] = {}


class Command(msgspec.Struct, frozen=True, gc=False):
    """What a person asks of the engine: ``action`` on ``target``, by ``actor``, because of ``reason``.

    Every command went through `api.auth.policy.allowed`; ``facts`` are the action's own parameters.
    """

    actor: str
    action: str
    target: str
    reason: str = ""
    facts: dict[str, str] = {}


class SilenceElsewhere(msgspec.Struct, frozen=True):
    """A silence of an Alertmanager, its matchers in Alertmanager's notation; it is in the facts of a command."""

    id: str
    matchers: str
    starts_at: Millis
    ends_at: Millis
    changed_at: Millis
    by: str = ""
    comment: str = ""


class TicketEvent(msgspec.Struct, frozen=True, gc=False):
    """What somebody changed in the ticket ``remote`` of an incident, as read back from the ticketing system ``sink``.

    ``field`` is state, assignee, priority, resolution or note, and ``value`` what it is now (of a note: its text);
    ``state`` is ``open`` or ``closed``, the others are the system's own words. ``key`` tells this change from every
    other of the ticket: a change that is read twice has the same key.
    """

    sink: str
    remote: str
    incident: str
    field: str
    value: str
    key: str
    author: str = ""
    at: Millis | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a probe or a data check of ``entity`` found at ``at``, when it was begun.

    ``passed`` is yes, no, or unknown where it could not be made. ``kind`` is as declared in the rules. ``value`` is
    what was found, in ``unit`` (days, rows, s, or empty); ``duration`` is in milliseconds; ``detail`` is one harmless
    line.
    """

    probe: str
    entity: str
    kind: str
    at: Millis
    passed: str
    duration: Millis
    value: float | None = None
    unit: str = ""
    detail: str = ""


class Fetched(msgspec.Struct, frozen=True, gc=False):
    """What a Prometheus gave for a declared ``indicator`` of an ``incident``: samples from ``start`` to ``end``,
    ``step`` milliseconds apart, as far as there are any.

    ``occasion`` is past_week (so many ``weeks`` before), before_onset or after. ``said`` is one harmless line: why
    there is nothing, or what is doubtful.
    """

    incident: str
    indicator: str
    occasion: str
    start: Millis
    end: Millis
    step: Millis
    weeks: int = 0
    times: tuple[Millis, ...] = ()
    values: tuple[float, ...] = ()
    said: str = ""


class Downtime(msgspec.Struct, frozen=True, gc=False):
    """The engine itself was down from ``since`` to ``until``: absence in between proves nothing."""

    since: Millis
    until: Millis


class Activation(msgspec.Struct, frozen=True, gc=False):
    """A version of the topology or of the rules (``kind``: topology, rules) comes into force.

    The core looks the content up in the library that the shell gave it; unknown versions are an error of
    the shell. Where several shards hear of it, ``number`` grows with each activation of either kind: what comes
    again is known by it. 0: there is one shard.
    """

    kind: str
    version: str
    number: int = 0


class Handover(msgspec.Struct, frozen=True, gc=False):
    """A part of what another shard no longer decides: the ``number``th one of shard ``source``. The parts up to the
    ``last`` one are one `engine.handover.parcel.Parcel`."""

    source: int
    number: int
    last: bool
    body: bytes


Telemetry = Samples | SampleTable | LogRecord | Span | Change
Signal = (
    AlertEvent | Telemetry | Heartbeat | Command | TicketEvent | Answer | Fetched | Downtime | Activation | Handover
)
