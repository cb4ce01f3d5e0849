"""Limits on a stranger's input. Each has the source of its number; where there is none, it is our choice.

What is over a limit is refused with a reason, not cut; only texts for people (log messages, links) are shortened.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

MAX_ALERTS = 10_000
"""Alerts or events in one body. Prometheus sends at most 256 per request (``--alertmanager.max-batch-size``) since
version 3 and 64 before; the rest is room for other senders."""

MAX_LABELS = 64
"""Labels in a set. Grafana Mimir's ``max_label_names_per_series`` is 30, OpenTelemetry's attribute count limit 128."""

MAX_LABEL_NAME = KIB
"""Bytes of a label's name: Grafana Mimir's ``max_label_name_length``."""

MAX_LABEL_VALUE = 4 * KIB
"""Bytes of a label's value: twice Grafana Mimir's ``max_label_value_length``."""

MAX_ANNOTATIONS = 64 * KIB
"""Bytes of an alert's annotations as JSON; they hold prose."""

MAX_URL = 8 * KIB
"""Bytes of a link; a longer one is left out, the alert is kept. RFC 9110 §4.1 recommends support of 8000 octets."""

MAX_MESSAGE = 8 * KIB
"""Characters of a log message that are looked at; the input log keeps all of it."""

MAX_DEPTH = 32
"""Nesting of JSON values and of OTLP's AnyValue. No format here needs more than 6."""

MAX_MISTAKES = 20
"""Mistakes named for one bad element; the others are counted."""

MAX_REJECTS = 1_000
"""Bad elements of one body that are kept one by one."""

MAX_BRACKETS = 1_000_000
"""Objects and arrays in one OTLP JSON body: each costs Python some 60 bytes, whatever it holds."""

MAX_DECOMPRESSED = 8 * MIB
"""Bytes of a request after its content encoding is undone, unless the caller says otherwise."""

MAX_GZIP_RATIO = 100
"""Output per input byte once the output is over `GZIP_RATIO_FROM`. Alert batches reach 20-40, deflate's limit is 1032
(zlib Technical Details, "Maximum Compression Factor")."""

GZIP_RATIO_FROM = MIB

MAX_GZIP_MEMBERS = 64
"""Members of one gzip stream (RFC 1952 §2.2 sets none); each costs a copy of what is left."""

MAX_SNAPPY = 64 * MIB
"""Bytes of a remote_write body after decompression; Prometheus sends 2,000 samples, some 0.5 MiB, per request."""

MAX_SNAPPY_RATIO = 22
"""No snappy stream can expand more: the densest element makes 64 bytes of 3 (format_description.txt §2.2)."""

EARLIEST = 631_152_000_000
"""1990-01-01T00:00:00Z in ms. Seconds taken for milliseconds land in January 1970 and are caught."""

LATEST = 4_102_444_800_000
"""2100-01-01T00:00:00Z in ms, a fixed date: decoding is pure and knows no arrival time. Milliseconds taken for seconds
are caught; what is merely in the future is the core's to clamp."""
