"""One decoder per wire format: bytes to signals, pure and deterministic. A further format is one file and one row here.

A decoder takes a whole body and never loses a good element because of a bad neighbour: each bad one is a `Reject` with
its JSON pointer (``@offset`` in malformed binary), what was expected, and its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.ports import Decoded, Reject
from ingest.decoders import (
    alertmanager_v2,
    alertmanager_webhook,
    cloudevents,
    envelope,
    otlp_logs,
    otlp_metrics,
    otlp_traces,
    oversized,
    plain_json,
    remote_write,
)

Decoder = Callable[[bytes], Decoded]

_PLAIN: dict[str, Decoder] = {
    "alertmanager-v2": alertmanager_v2.decode,
    "alertmanager-webhook": alertmanager_webhook.decode,
    "remote-write": remote_write.decode,
    "otlp-logs": otlp_logs.decode,
    "otlp-logs-json": otlp_logs.decode_json,
    "otlp-metrics": otlp_metrics.decode,
    "otlp-metrics-json": otlp_metrics.decode_json,
    "otlp-traces": otlp_traces.decode,
    "otlp-traces-json": otlp_traces.decode_json,
    "json": plain_json.decode,
}


def _inner(format: str, body: bytes) -> Decoded:
    """What is inside an envelope; an envelope in an envelope is none."""
    return _decode(_PLAIN, format, body)


DECODERS: dict[str, Decoder] = {
    **_PLAIN,
    cloudevents.FORMAT: cloudevents.of_one(_inner),
    cloudevents.BATCH: cloudevents.of_batch(_inner),
    envelope.FORMAT: envelope.of_text(_inner),
    envelope.MSGPACK: envelope.of_packed(_inner),
    oversized.FORMAT: oversized.decode,
}
"""Format name, as it stands in the input log -> decoder. The engine's own signals are not among them: no sender may
write those."""


UNKNOWN = "unknown:"
"""What stands before the name of a format that a sender gave and that is none."""


def by_now(format: str) -> str:
    """The format by which a body that had an unknown one can be read by now, else the same: for a second try only, a
    replay reads what the first run read."""
    name = format.removeprefix(UNKNOWN)
    return name if name in DECODERS else format


def decode(format: str, body: bytes) -> Decoded:
    """What a body says. Never raises: an unknown format or an error of a decoder is one reject of the whole body."""
    return _decode(DECODERS, format, body)


def _decode(decoders: Mapping[str, Decoder], format: str, body: bytes) -> Decoded:
    decoder = decoders.get(format)
    if decoder is None:
        known = ", ".join(sorted(decoders))
        return Decoded((), (Reject("", f"unknown format {format[:40]!r}; expected one of {known}", body),))
    try:
        return decoder(body)
    except Exception as error:  # a decoder's bug must not stop the engine; the body is kept and can be re-driven
        return Decoded((), (Reject("", f"the decoder failed: {type(error).__name__}: {error}", body),))
