"""OTLP metrics: ``ExportMetricsServiceRequest``, protobuf or JSON; one sample per data point and derived series.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/ . Gauges and sums keep their name; histograms, also
exponential ones, become ``_count`` and ``_sum``; summaries these and one series per quantile (label ``quantile``).
Dots in names become underscores. Labels are the resource's entity labels, ``instance`` (service.instance.id: two
processes must not share a cumulative series) and the point's attributes; one that collides with the resource's is named
``exported_…``, as Prometheus does. A point flagged as "no recorded value" ends the series (``stale``). Values that are
no finite number are left out. Delta and cumulative values are passed on as they are sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags, Metric, NumberDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from engine.ports import Decoded
from engine.signals import Samples
from ingest import otlp_json, otlp_request
from ingest.errors import Undecodable
from ingest.labelcache import checked
from ingest.otlp_values import attributes, entity_labels, label_name, text
from ingest.timestamps import unix_nanos

_KEYS = {
    "gauge": "gauge",
    "sum": "sum",
    "histogram": "histogram",
    "exponential_histogram": "exponentialHistogram",
    "summary": "summary",
}


def _whose(resource: Resource) -> dict[str, str]:
    found = entity_labels(resource)
    for attribute in resource.attributes:
        if attribute.key == "service.instance.id":
            found["instance"] = text(attribute.value)
    return found


def _signals(shared: dict[str, str], metric: Metric) -> Iterator[Samples | Undecodable]:
    if not metric.name:
        raise Undecodable(("/name", "expected the metric's name"))
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    for index, point in enumerate(getattr(metric, kind).data_points):
        try:
            yield from _point(shared, label_name(metric.name), point)
        except Undecodable as error:
            place = f"/{_KEYS[kind]}/dataPoints/{index}"
            yield Undecodable(*((place + pointer, reason) for pointer, reason in error.mistakes))


def _point(shared: dict[str, str], name: str, point: Any) -> Iterator[Samples]:
    try:
        at = unix_nanos(point.time_unix_nano)
    except Undecodable as error:
        raise Undecodable(("/timeUnixNano", error.mistakes[0][1])) from None
    if at is None:
        raise Undecodable(("/timeUnixNano", "expected the time of the sample"))
    labels = dict(shared)
    for key, value in attributes(point.attributes).items():
        labels[f"exported_{key}" if key in shared or key == "__name__" else key] = value
    stale = bool(point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)
    for suffix, extra, number in _values(point):
        if stale or math.isfinite(number):
            series = checked({**labels, **extra, "__name__": name + suffix})
            yield Samples(series, (at,), () if stale else (number,), stale)


def _values(point: Any) -> Iterator[tuple[str, dict[str, str], float]]:
    """(suffix of the name, further labels, value) of each series that a data point stands for."""
    if isinstance(point, NumberDataPoint):
        yield "", {}, float(point.as_int) if point.WhichOneof("value") == "as_int" else point.as_double
        return
    yield "_count", {}, float(point.count)
    if not hasattr(point, "quantile_values"):
        if point.HasField("sum"):
            yield "_sum", {}, point.sum
        return
    yield "_sum", {}, point.sum
    for quantile in point.quantile_values:
        yield "", {"quantile": f"{quantile.quantile:g}"}, quantile.value


_SHAPE = otlp_request.Shape(
    ExportMetricsServiceRequest,
    Metric,
    ("resource_metrics", "scope_metrics", "metrics"),
    ("resourceMetrics", "scopeMetrics", "metrics"),
    _whose,
    _signals,
)


def decode(body: bytes) -> Decoded:
    """Samples of a protobuf request, in its order."""
    return otlp_request.decode(body, _SHAPE)


def decode_json(body: bytes) -> Decoded:
    """Samples of a JSON request, in its order."""
    return otlp_json.decode(body, _SHAPE)
