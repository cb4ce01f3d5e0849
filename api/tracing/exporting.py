"""Spans on their way out: OTLP/HTTP in protobuf (opentelemetry.io/docs/specs/otlp), through the egress guard.

It runs in the SDK's own thread, so a collector that hangs or is away costs spans and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry, Counter

log = logging.getLogger(__name__)

Post = Callable[[bytes, Mapping[str, str]], int]
"""Sends a body with headers to the collector and answers with the status. Raises RuntimeError where there is none."""


class Exporter(SpanExporter):
    """Sends by ``post``. What a collector does not take at once is lost, and counted."""

    def __init__(self, post: Post, token: str, registry: CollectorRegistry) -> None:
        self._post = post
        self._headers = {"Content-Type": "application/x-protobuf"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._spans = Counter("headwater_trace_spans", "Spans sent, and spans lost.", ("result",), registry=registry)
        self._away = self.ending = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """One batch."""
        said = "the process ends" if self.ending and self._away else self._sent(spans)
        self._spans.labels("lost" if said else "sent").inc(len(spans))
        if bool(said) != self._away:
            log.warning("traces: %s", f"spans are lost: {said}" if said else "the collector takes spans again")
        self._away = bool(said)
        return SpanExportResult.FAILURE if said else SpanExportResult.SUCCESS

    def _sent(self, spans: Sequence[ReadableSpan]) -> str:
        """Why it was not taken; empty when it was."""
        try:
            status = self._post(encode_spans(spans).SerializeToString(), self._headers)
        except RuntimeError as error:
            return str(error)
        return "" if 200 <= status < 300 else f"the collector answers {status}"

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return True

    def shutdown(self) -> None:
        """Nothing is open here."""
