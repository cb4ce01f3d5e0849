"""OTLP beyond what the recorded payloads hold: every kind of metric, levels, mistakes, and one bad string."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from engine.ports import Decoded
from engine.signals import LogRecord, Samples, Span
from ingest.decoders import decode

NANOS = 1_795_332_809_262_290_944
MILLIS = 1_795_332_809_262


def attribute(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


def logs(*records: dict[str, Any], service: str = "checkout") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    if service:
        group.resource.attributes.append(attribute("service.name", service))
    scope = group.scope_logs.add()
    for record in records:
        scope.log_records.add(**record)
    return request


def metric(kind: str, *points: dict[str, Any], name: str = "queue.depth", **resource: str) -> Decoded:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    for key, text in {"service_name": "checkout", **resource}.items():
        group.resource.attributes.append(attribute(key.replace("_", ".", 1), text))
    made = group.scope_metrics.add().metrics.add(name=name)
    for point in points:
        getattr(made, kind).data_points.add(**{"time_unix_nano": NANOS, **point})
    return decode("otlp-metrics", request.SerializeToString())


def series(decoded: Decoded) -> dict[str, tuple[float, ...]]:
    assert decoded.rejects == ()
    return {
        found["__name__"] + found.get("quantile", ""): samples.values
        for samples in decoded.signals
        if isinstance(samples, Samples)
        for found in [samples.labels.as_dict()]
    }


@pytest.mark.parametrize(
    ("number", "text", "level"),
    [
        (1, "", "trace"),
        (5, "", "debug"),
        (9, "ERROR", "info"),
        (14, "", "warning"),
        (17, "", "error"),
        (24, "", "critical"),
        (0, "Fatal", "critical"),
        (0, "WARN", "warning"),
        (0, "", ""),
        (99, "", ""),
    ],
)
def test_the_severity_number_decides_the_level_and_its_text_only_where_there_is_none(
    number: int, text: str, level: str
) -> None:
    request = logs({"time_unix_nano": NANOS, "severity_number": number, "severity_text": text})
    (log,) = decode("otlp-logs", request.SerializeToString()).signals
    assert isinstance(log, LogRecord)
    assert log.level == level


def test_a_log_without_a_time_has_the_time_at_which_it_was_observed_or_none() -> None:
    request = logs({"observed_time_unix_nano": NANOS}, {})
    observed, timeless = decode("otlp-logs", request.SerializeToString()).signals
    assert isinstance(observed, LogRecord)
    assert isinstance(timeless, LogRecord)
    assert (observed.at, timeless.at) == (MILLIS, None)


def test_a_structured_body_is_written_as_json() -> None:
    body = AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue(bool_value=True), AnyValue()]))
    (log,) = decode("otlp-logs", logs({"body": body}).SerializeToString()).signals
    assert isinstance(log, LogRecord)
    assert json.loads(log.message) == [1, True, None]


def test_a_very_long_message_is_cut() -> None:
    (log,) = decode("otlp-logs", logs({"body": AnyValue(string_value="x" * 100_000)}).SerializeToString()).signals
    assert isinstance(log, LogRecord)
    assert len(log.message) == 8192


def test_logs_of_nobody_are_one_reject_per_resource() -> None:
    decoded = decode(
        "otlp-logs", logs({"time_unix_nano": NANOS}, {"time_unix_nano": NANOS}, service="").SerializeToString()
    )
    assert decoded.signals == ()
    (reject,) = decoded.rejects
    assert reject.pointer == "/resourceLogs/0/resource"
    assert "service.name" in reject.reason


def test_one_string_that_is_not_utf8_costs_only_its_own_record() -> None:
    request = logs(*({"time_unix_nano": NANOS, "body": AnyValue(string_value=text)} for text in ("one", "BAD!", "two")))
    decoded = decode("otlp-logs", request.SerializeToString().replace(b"BAD!", b"\xff\xfe\xfd\xfc"))
    assert [log.message for log in decoded.signals if isinstance(log, LogRecord)] == ["one", "two"]
    assert {log.labels.raw for log in decoded.signals if isinstance(log, LogRecord)} == {b'{"service":"checkout"}'}
    (reject,) = decoded.rejects
    assert reject.pointer == "/resourceLogs/0/scopeLogs/0/logRecords/1"
    assert "UTF-8" in reject.reason


def test_a_rejected_record_can_be_sent_again_as_it_stands_in_the_reject() -> None:
    request = logs({"time_unix_nano": 5, "body": AnyValue(string_value="early")}, {"time_unix_nano": NANOS})
    decoded = decode("otlp-logs", request.SerializeToString())
    assert len(decoded.signals) == 1
    (reject,) = decoded.rejects
    assert reject.pointer == "/resourceLogs/0/scopeLogs/0/logRecords/0/timeUnixNano"
    single = ExportLogsServiceRequest.FromString(reject.raw)
    single.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano = NANOS
    (log,) = decode("otlp-logs", single.SerializeToString()).signals
    assert isinstance(log, LogRecord)
    assert (log.message, log.labels.as_dict()) == ("early", {"service": "checkout"})


def test_gauges_and_sums_keep_their_name() -> None:
    assert series(metric("gauge", {"as_double": 1.5})) == {"queue_depth": (1.5,)}
    assert series(metric("sum", {"as_int": 7})) == {"queue_depth": (7.0,)}


def test_histograms_become_a_count_and_a_sum() -> None:
    expected = {"queue_depth_count": (3.0,), "queue_depth_sum": (1283.0,)}
    assert series(metric("histogram", {"count": 3, "sum": 1283.0})) == expected
    assert series(metric("exponential_histogram", {"count": 3, "sum": 1283.0})) == expected
    assert series(metric("histogram", {"count": 3})) == {"queue_depth_count": (3.0,)}


def test_summaries_also_have_their_quantiles() -> None:
    quantiles = [{"quantile": 0.5, "value": 2.0}, {"quantile": 0.99, "value": 9.0}]
    assert series(metric("summary", {"count": 3, "sum": 8.0, "quantile_values": quantiles})) == {
        "queue_depth_count": (3.0,),
        "queue_depth_sum": (8.0,),
        "queue_depth0.5": (2.0,),
        "queue_depth0.99": (9.0,),
    }


def test_a_point_cannot_take_over_the_name_of_its_resource() -> None:
    decoded = metric("gauge", {"as_int": 1, "attributes": [attribute("service", "other"), attribute("code", "500")]})
    (samples,) = decoded.signals
    assert isinstance(samples, Samples)
    assert samples.labels.as_dict() == {
        "__name__": "queue_depth",
        "service": "checkout",
        "exported_service": "other",
        "code": "500",
    }


def test_values_that_are_no_number_are_left_out_and_missing_ones_end_the_series() -> None:
    assert series(metric("gauge", {"as_double": math.nan}, {"as_double": math.inf})) == {}
    (samples,) = metric("gauge", {"flags": 1}).signals
    assert isinstance(samples, Samples)
    assert (samples.values, samples.stale, samples.times) == ((), True, (MILLIS,))


def test_bad_points_of_a_metric_are_one_reject_and_the_good_ones_are_kept() -> None:
    decoded = metric("gauge", {"as_int": 1}, {"time_unix_nano": 0}, {"as_int": 2}, {"time_unix_nano": 17})
    assert [samples.values for samples in decoded.signals if isinstance(samples, Samples)] == [(1.0,), (2.0,)]
    (reject,) = decoded.rejects
    place = "/resourceMetrics/0/scopeMetrics/0/metrics/0"
    assert reject.pointer == f"{place}/gauge/dataPoints/1/timeUnixNano"
    assert f"{place}/gauge/dataPoints/3/timeUnixNano" in reject.reason


def test_a_span_that_lacks_ids_and_times_is_told_all_of_it() -> None:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.append(attribute("host.name", "web-1"))
    scope = group.scope_spans.add()
    scope.spans.add(trace_id=bytes(16), span_id=b"short", end_time_unix_nano=3)
    scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=NANOS, end_time_unix_nano=NANOS + 10**6)
    decoded = decode("otlp-traces", request.SerializeToString())
    (span,) = decoded.signals
    assert isinstance(span, Span)
    assert (span.parent, span.failed, span.end - span.start) == ("", False, 1)
    (reject,) = decoded.rejects
    assert reject.pointer.endswith("/spans/0/traceId")
    assert "/spanId" in reject.reason
    assert "/endTimeUnixNano" in reject.reason


def test_the_example_of_the_specification_decodes() -> None:
    body = (
        b'{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"billing"}}]},'
        b'"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","severityNumber":17,"severityText":"ERROR",'
        b'"traceId":"5b8efff798038103d269b633813fc60c","body":{"stringValue":"db timeout"}}]}]}]}'
    )
    assert decode("otlp-logs-json", body) == Decoded(
        decode(
            "json", b'{"kind":"log","service":"billing","t":1700000000,"level":"error","message":"db timeout"}'
        ).signals
    )


@pytest.mark.parametrize(
    ("record", "pointer"),
    [
        ({"traceId": "xyz"}, "/traceId"),
        ({"timeUnixNano": "soon"}, ""),
        ({"severityNumber": {}}, ""),
        (7, ""),
    ],
)
def test_a_bad_record_in_json_is_named_and_its_neighbours_are_kept(record: Any, pointer: str) -> None:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "billing"}}]}
    good = {"body": {"stringValue": "fine"}, "unknown": 1}
    request = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [good, record, good]}]}]}
    decoded = decode("otlp-logs-json", json.dumps(request).encode())
    assert len(decoded.signals) == 2
    (reject,) = decoded.rejects
    assert reject.pointer == f"/resourceLogs/0/scopeLogs/0/logRecords/1{pointer}"
    assert len(decode("otlp-logs-json", reject.raw).rejects) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"resourceLogs":3}', b'{"resourceLogs":[{"scopeLogs":[3]}]}'])
def test_json_that_is_no_request_is_refused_or_says_nothing(body: bytes) -> None:
    decoded = decode("otlp-logs-json", body)
    assert decoded.signals == ()
    assert len(decoded.rejects) == 1


def test_an_empty_request_is_no_mistake() -> None:
    for format in ("otlp-logs", "otlp-metrics", "otlp-traces"):
        assert decode(format, b"") == Decoded(())
        assert decode(f"{format}-json", b"{}") == Decoded(())


def test_values_nested_too_deeply_are_refused() -> None:
    value = AnyValue(string_value="x")
    for _ in range(40):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    decoded = decode("otlp-logs", logs({"body": value}, {"time_unix_nano": NANOS}).SerializeToString())
    assert len(decoded.signals) == len(decoded.rejects) == 1
