"""Samples from remote_write into the baselines, beside the same requests through generated protobuf objects.

Requests of 2,000 series with 10 labels each (240 bytes a sample), one sample per series, a quarter of them zero, from
100,000 series that send every 30 s; series that were seen before. ``decoding`` ends at the table, ``into baselines`` at
the columns; the peer only walks the objects to (labels, time, value). CPU seconds.
"""

from __future__ import annotations

import random
import statistics
import struct
import time
from collections.abc import Iterator
from typing import Any

import cramjam
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from engine.core import Core
from engine.library import Library
from ingest.decoders import decode
from ingest.protowire import delimited

SERIES = 100_000
BATCH = 2_000
EVERY = 30_000
START = 1_795_332_750_000
SEEN, MEASURED = 3, 4
OF_PEER = 5
PER_ENTITY = 20
Rows = dict[str, dict[str, list[float]]]


def measure(repetitions: int) -> Rows:
    """Row -> who -> samples per CPU second, per repetition."""
    found: Rows = {"decoding": {"headwater": [], "objects": []}, "into baselines": {"headwater": [], "objects": []}}
    labels = [series_labels(number) for number in range(SERIES)]
    walk = _peer()
    for _ in range(repetitions):
        core = Core(Library())
        decoding = handling = 0.0
        for turn in range(SEEN + MEASURED):
            for position, body in enumerate(requests(labels, turn)):
                begun = time.process_time()
                decoded = decode("remote-write", body)
                between = time.process_time()
                core.handle(turn * SERIES + position + 1, decoded.signals, START + turn * EVERY + 5_000)
                if turn >= SEEN:
                    decoding += between - begun
                    handling += time.process_time() - between
        assert core.state.telemetry.count == SERIES
        begun = time.process_time()
        for _, body in zip(range(OF_PEER), requests(labels, 0), strict=False):
            assert len(walk(body)) == BATCH
        peer = OF_PEER * BATCH / (time.process_time() - begun)
        found["decoding"]["headwater"].append(SERIES * MEASURED / decoding)
        found["into baselines"]["headwater"].append(SERIES * MEASURED / (decoding + handling))
        for row in found.values():
            row["objects"].append(peer)
    return found


def table(rows: Rows) -> str:
    """The figures as Markdown."""
    lines = ["| samples per CPU s | Headwater | generated objects | Headwater : objects |", "|---|---|---|---|"]
    for row, by_who in rows.items():
        ours, theirs = by_who["headwater"], by_who["objects"]
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        ratio = f"{statistics.median(ratios):.3g} ({min(ratios):.3g} … {max(ratios):.3g})"
        lines.append(f"| {row} | {_cell(ours)} | {_cell(theirs)} | {ratio} |")
    return "\n".join(lines)


def series_labels(number: int) -> bytes:
    """The labels of a series as they stand in a request."""
    entity = number // PER_ENTITY
    values = {
        "__name__": f"metric_{number % PER_ENTITY}",
        "cluster": "eu-central-1",
        "container": "app",
        "env": "production",
        "instance": f"10.{entity >> 16}.{entity >> 8 & 255}.{entity & 255}:9100",
        "job": "kubernetes-pods",
        "namespace": f"team-{entity % 50}",
        "node": f"node-{entity % 300}",
        "pod": f"svc-{entity}-abcde-{entity:05}",
        "service": f"svc-{entity}",
    }
    pairs = (delimited(1, name.encode()) + delimited(2, value.encode()) for name, value in values.items())
    return b"".join(delimited(1, pair) for pair in pairs)


def requests(labels: list[bytes], turn: int) -> Iterator[bytes]:
    """Compressed requests with one sample of every series."""
    draw = random.Random(turn)
    at = _varint(START + turn * EVERY)
    for begin in range(0, SERIES, BATCH):
        parts = []
        for number in range(begin, begin + BATCH):
            value = b"\x09" + struct.pack("<d", draw.random()) if number % 4 else b""
            parts.append(delimited(1, labels[number] + delimited(2, value + b"\x10" + at)))
        yield bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _varint(value: int) -> bytes:
    return bytes([value >> shift & 127 | 128 for shift in range(0, 35, 7)]) + bytes([value >> 35])


def _peer() -> Any:
    """Decompress, parse with generated classes of the parts of ``WriteRequest`` that matter, walk to tuples."""
    file = FileDescriptorProto(name="rw.proto", package="rw", syntax="proto3")
    kinds = FieldDescriptorProto
    shapes: dict[str, list[tuple[str, int, int, str]]] = {
        "Label": [("name", kinds.TYPE_STRING, 1, ""), ("value", kinds.TYPE_STRING, 1, "")],
        "Sample": [("value", kinds.TYPE_DOUBLE, 1, ""), ("timestamp", kinds.TYPE_INT64, 1, "")],
        "TimeSeries": [
            ("labels", kinds.TYPE_MESSAGE, 3, ".rw.Label"),
            ("samples", kinds.TYPE_MESSAGE, 3, ".rw.Sample"),
        ],
        "WriteRequest": [("timeseries", kinds.TYPE_MESSAGE, 3, ".rw.TimeSeries")],
    }
    for name, fields in shapes.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, label, of) in enumerate(fields, start=1):
            message.field.add(name=field, number=number, type=kind, label=label, type_name=of or None)  # type: ignore[arg-type]
    pool = DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    request: Any = GetMessageClass(pool.FindMessageTypeByName("rw.WriteRequest"))  # type: ignore[no-untyped-call]

    def walk(body: bytes) -> list[tuple[tuple[tuple[str, str], ...], int, float]]:
        parsed = request.FromString(bytes(cramjam.snappy.decompress_raw(body)))
        return [
            (tuple((label.name, label.value) for label in series.labels), sample.timestamp, sample.value)
            for series in parsed.timeseries
            for sample in series.samples
        ]

    return walk


def _cell(values: list[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:,.0f} ±{(max(values) - min(values)) / middle:.0%}" if len(values) > 1 else f"{middle:,.0f}"
