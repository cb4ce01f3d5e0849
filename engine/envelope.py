"""Envelopes: the signals that stage 1 made of one input for one shard, as the input log of the shard holds them.

The format's name is ``shard``. msgpack: [runs, rejects], a run being [number of the kind, its signals in order].
A table of samples is its labels and three columns as bytes (little-endian, typecodes q, q, d).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from engine.ports import Decoded, Reject
from engine.signals import (
    Activation,
    AlertEvent,
    Answer,
    Change,
    Command,
    Fetched,
    Handover,
    Heartbeat,
    Labels,
    LogRecord,
    Samples,
    SampleTable,
    Signal,
    Span,
    TicketEvent,
)

FORMAT = "shard"


class _Table(msgspec.Struct, array_like=True):
    labels: tuple[Labels, ...]
    series: bytes
    times: bytes
    values: bytes


class _Run(msgspec.Struct, array_like=True):
    kind: int
    signals: msgspec.Raw


class _Envelope(msgspec.Struct, array_like=True):
    runs: list[_Run]
    rejects: list[tuple[str, str, bytes]]


_KINDS: tuple[type, ...] = (
    AlertEvent, Samples, SampleTable, LogRecord, Span, Change, Heartbeat, Command, TicketEvent, Answer, Fetched,
    Activation, Handover,
)  # fmt: skip
_NUMBER = {kind: number for number, kind in enumerate(_KINDS)}


def _outward(value: Any) -> Any:
    if isinstance(value, Labels):
        return value.raw
    raise NotImplementedError(type(value))


_known: dict[bytes, Labels] = {}
"""Label sets seen before, by their bytes: the same ones come for hours. Forgetting them changes no answer."""
_MOST_KNOWN = 200_000


def _inward(kind: type, value: Any) -> Any:
    if kind is not Labels:
        raise NotImplementedError(kind)
    raw = bytes(value)
    found = _known.get(raw)
    if found is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        found = _known[raw] = Labels(raw)
    return found


_encoder = msgspec.msgpack.Encoder(enc_hook=_outward)
_decoder = msgspec.msgpack.Decoder(_Envelope)
_decoders = [
    msgspec.msgpack.Decoder(list[_Table] if kind is SampleTable else list[kind], dec_hook=_inward)  # type: ignore[valid-type]
    for kind in _KINDS
]


def encode(signals: Sequence[Signal], rejects: Sequence[Reject] = ()) -> bytes:
    """The body of an envelope."""
    runs = []
    for kind, of_kind in groupby(signals, type):
        content: list[Any] = list(of_kind)
        if kind is SampleTable:
            content = [_Table(t.labels, t.series.tobytes(), t.times.tobytes(), t.values.tobytes()) for t in content]
        runs.append(_Run(_NUMBER[kind], msgspec.Raw(_encoder.encode(content))))
    return _encoder.encode(_Envelope(runs, [(one.pointer, one.reason, one.raw) for one in rejects]))


def decode(body: bytes) -> Decoded:
    """Never raises: a body that is no envelope is one reject."""
    try:
        found = _decoder.decode(body)
        signals: list[Signal] = []
        for run in found.runs:
            content = _decoders[run.kind].decode(run.signals)
            signals += [_table(one) for one in content] if _KINDS[run.kind] is SampleTable else content
    except (msgspec.DecodeError, IndexError, ValueError) as error:
        return Decoded((), (Reject("", f"this is no envelope: {error}", body),))
    return Decoded(tuple(signals), tuple(Reject(*one) for one in found.rejects))


def _table(told: _Table) -> SampleTable:
    series, times, values = array("q"), array("q"), array("d")
    for column, content in ((series, told.series), (times, told.times), (values, told.values)):
        column.frombytes(content)
    return SampleTable(told.labels, series, times, values)
