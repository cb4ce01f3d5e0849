"""Rendered alerts as a Prometheus server sends them: 9 labels, 3 annotations, 615 bytes each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

SERVICES = 500
SERVICES_EACH = 10
"""Services that share one database: fifty troubles when all of them alert."""
SIZE = 615
_ALERT = (
    '{{"labels":{{"alertname":"{name}","cluster":"eu-central-1","env":"production","instance":"{instance}",'
    '"job":"node-exporter","namespace":"payments","pod":"{pod}","service":"{service}","severity":"warning"{more}}},'
    '"annotations":{{"description":"{pad}","runbook_url":"https://runbooks.example.org/{name}",'
    '"summary":"{service} is above its objective"}},"startsAt":"{start}","endsAt":"{end}",'
    '"generatorURL":"http://prometheus.example.org:9090/graph?g0.expr=errors"}}'
)


def service(number: int) -> str:
    """The service that alert ``number`` is on."""
    return f"svc-{number % SERVICES:03}"


def alert(number: int, start: float, *, minutes: float = 60, probe: str = "", on: str = "", name: str = "") -> str:
    """Alert ``number``; the same number is the same alert. ``start`` in unix seconds; ends ``minutes`` from now."""
    fields = {
        "name": name or f"HighErrorRate{number // SERVICES % 40}",
        "instance": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:9100",
        "pod": f"pod-{number:07}",
        "service": on or service(number),
        "more": f',"probe":"{probe}"' if probe else "",
        "start": _text(start),
        "end": _text(time.time() + 60 * minutes),
    }
    return _ALERT.format(**fields, pad="x" * max(1, SIZE - len(_ALERT.format(**fields, pad=""))))


def bodies(
    numbers: Iterable[int], batch: int, start: float, minutes: float = 60, joined: bool = False
) -> Iterator[bytes]:
    """Request bodies of ``batch`` alerts each; ``joined``: on the services that are one domain."""
    held: list[str] = []
    for number in numbers:
        held.append(alert(number, start, minutes=minutes, on=f"joined-{service(number)}" if joined else ""))
        if len(held) == batch:
            yield f"[{','.join(held)}]".encode()
            held = []
    if held:
        yield f"[{','.join(held)}]".encode()


def request(path: str, body: bytes, port: int) -> bytes:
    """The whole HTTP/1.1 request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _text(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03}Z"
