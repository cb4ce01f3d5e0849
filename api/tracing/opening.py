"""Tracing put together from its settings, where it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from api.findings import Finding, Wrong
from api.sinks.declared import World
from api.tracing_settings import Traces
from api.version import installed
from engine.ports import Source, Store
from engine.sending import Sink

if TYPE_CHECKING:
    from api.tracing.spans import Tracing
    from engine.ports import Source, Store
    from engine.sending import Sink

QUEUE, BATCH, EVERY = 4096, 512, 1000
"""Spans that may wait, spans of one call, milliseconds between two calls."""
MISSING = "OpenTelemetry's SDK is not installed"
MEND = "pip install --require-hashes -r requirements-traces.txt, or leave traces out"


def opened(
    settings: Traces | None,
    world: World,
    nanos: Callable[[], int],
    registry: CollectorRegistry,
    follow: tuple[Source, Store, Sequence[Sink]] | None = None,
) -> Tracing | None:
    """None: none are wanted. What waits is sent when ``world`` is closed. Raises `Wrong` without the library.

    ``follow`` is an engine of this process: what it takes, stores and tells belongs to the traces, too.
    """
    if settings is None:
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        from api.tracing.exporting import Exporter
        from api.tracing.spans import Tracing
    except ImportError:
        raise Wrong([Finding("traces", 0, MISSING, MEND)]) from None
    exporter = Exporter(_post(settings, world), settings.token, registry)
    provider = TracerProvider(
        ParentBased(TraceIdRatioBased(settings.sample)),
        Resource({"service.name": "headwater", "service.version": installed()}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(
            exporter,
            max_queue_size=QUEUE,
            max_export_batch_size=BATCH,
            schedule_delay_millis=EVERY,
            export_timeout_millis=settings.timeout * 1000,
        )
    )

    def close() -> None:
        exporter.ending = True
        provider.shutdown()

    world.stack.callback(close)
    tracing = Tracing(provider.get_tracer("headwater", installed()), nanos)
    if follow is not None:
        tracing.follow(*follow)
    return tracing


def _post(settings: Traces, world: World) -> Callable[[bytes, Mapping[str, str]], int]:
    """Raises what the egress guard raises, as RuntimeError."""
    mine = replace(world, timeout=settings.timeout, deadline=settings.timeout)
    egress = mine.egress(settings.endpoint, allow_private=settings.allow_private)

    def post(body: bytes, headers: Mapping[str, str]) -> int:
        try:
            return egress.post(settings.endpoint, body, headers).status
        except Exception as error:
            raise RuntimeError(f"{type(error).__name__}: {error}") from None

    return post
