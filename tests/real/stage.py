"""A small service on a clock that is set by hand, a real Prometheus that scrapes it, and Headwater on the same clock.

Two hours must pass in half a minute, and Prometheus has the machine's clock. So the service stamps its samples one
second apart while half a minute passes, up to ten minutes ahead, which is what Prometheus accepts; and on their way to
Headwater its remote_write and its alerts go through a `Relay` that puts the times of our clock in the place of those
and changes nothing else. Nothing waits for a fixed time: the clock goes on once what was scraped before has arrived.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import random
import shutil
import struct
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import snappy

from api import bootstrap
from engine.signals import Millis
from tests.ingest.test_remote_write import field, varint
from tests.real.components import Child, eventually, free_port
from tests.scenarios.world import MIDNIGHT

STEP: Millis = 30_000
STAMP: Millis = 1_000
NOISE = 0.02
BEHIND: Millis = 3 * 3_600_000
"""So far behind the machine's clock is ours: what Prometheus says of its own time then counts as now."""
FASTER = 600
"""Our time passes at most so much faster."""
LAG = 2
"""Samples that may be on their way."""


class Stage:
    """The clock, and the service: a latency about ``level`` milliseconds, and the requests that it answers."""

    def __init__(self) -> None:
        self.level, self.rate = 100.0, 50.0
        self._base = bootstrap.now()
        self._went = [self._base]
        self._step = self._scraped = self.arrived = 0
        self._dice = random.Random(7)
        self._page = 0, b""
        self._measure()

    def clock(self) -> Millis:
        """What time it is."""
        return MIDNIGHT + self._step * STEP

    def go(self, steps: int) -> None:
        """Let so many half minutes pass."""
        for _ in range(steps):
            eventually(self._settled, "what is measured is scraped and arrives")
            self._step += 1
            self._went.append(bootstrap.now())
            self._measure()

    def until(self, look: Callable[[], Any], what: str, most: int) -> Any:
        """Let time pass until something holds; the answer."""
        for _ in range(most):
            if found := look():
                return found
            self.go(1)
        return eventually(look, what, 5)

    def stretched(self, at: Millis) -> Millis:
        """The time of a sample by our clock; what has arrived is known from here."""
        step = (at - self._base) // STAMP
        self.arrived = max(self.arrived, step)
        return MIDNIGHT + step * STEP

    def at(self, machine: Millis) -> Millis:
        """Our time at a time of the machine; what is to come lies ahead as time passes faster here."""
        step = bisect_right(self._went, machine) - 1
        return MIDNIGHT + max(0, step) * STEP + max(0, machine - bootstrap.now()) * FASTER

    def page(self) -> tuple[int, bytes]:
        """What is scraped, and which step it is."""
        return self._page

    def scraped(self, step: int) -> None:
        """A step was scraped."""
        self._scraped = max(self._scraped, step)

    def _settled(self) -> bool:
        return self._scraped == self._step and self.arrived >= self._step - LAG

    def _measure(self) -> None:
        at = self._base + self._step * STAMP
        latency, rate = (level * (1 + self._dice.gauss(0, NOISE)) for level in (self.level, self.rate))
        body = (
            "# TYPE request_latency_ms gauge\n# TYPE requests_per_second gauge\n"
            f"request_latency_ms {latency:.3f} {at}\nrequests_per_second {rate:.3f} {at}\n"
        )
        self._page = self._step, body.encode()


class Relay:
    """The service's page, and what passes remote_write on to Headwater."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.to = stage, ""
        self._client = httpx.Client(timeout=10)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()

    def pass_on(self, body: bytes, headers: dict[str, str]) -> int:
        """Headwater's answer to the body with its times stretched."""
        stretched = b"".join(_series(one, self.stage.stretched) for one in _fields(snappy.uncompress(body)))
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
        packed = snappy.compress(stretched)
        return self._client.post(f"{self.to}/api/v1/write", content=packed, headers=kept).status_code

    def alert(self, body: bytes) -> int:
        """Headwater's answer to alerts with the times of our clock."""
        alerts = json.loads(body)
        for alert in alerts:
            for name in ("startsAt", "endsAt"):
                machine = datetime.fromisoformat(alert[name]).timestamp() * 1000
                alert[name] = datetime.fromtimestamp(self.stage.at(round(machine)) / 1000, UTC).isoformat()
        return self._client.post(f"{self.to}/api/v2/alerts", json=alerts).status_code

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                step, body = relay.stage.page()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(ConnectionError):  # Prometheus waits 50 ms, and asks again
                    self.end_headers()
                    self.wfile.write(body)
                    relay.stage.scraped(step)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                alerts = self.path.endswith("/alerts")
                self.send_response(relay.alert(body) if alerts else relay.pass_on(body, dict(self.headers)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return Handler


def _series(part: tuple[int, bytes], stretched: Callable[[Millis], Millis]) -> bytes:
    """A field of a WriteRequest with its samples' times changed (prompb/remote.proto, types.proto)."""
    number, content = part
    if number != 1:
        return field(number, content)
    inner = (
        field(2, _sample(row, stretched)) if inside == 2 else field(inside, row) for inside, row in _fields(content)
    )
    return field(1, b"".join(inner))


def _sample(row: bytes, stretched: Callable[[Millis], Millis]) -> bytes:
    value, place = (row[:9], 9) if row[:1] == b"\x09" else (b"", 0)
    assert row[place : place + 1] == b"\x10", "a sample is a double and a varint"
    at, _ = _varint(row, place + 1)
    if value and struct.unpack("<d", value[1:])[0] != struct.unpack("<d", value[1:])[0]:
        return row  # a stale marker: Prometheus has ended
    return value + b"\x10" + varint(stretched(at))


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Length-delimited fields, in order."""
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        assert tag & 7 == 2, "remote_write's messages hold messages"
        length, place = _varint(content, place)
        yield tag >> 3, content[place : place + length]
        place += length


def _varint(content: bytes, place: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = content[place]
        found, shift, place = found | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return found, place


RULES = """
groups:
  - name: stage
    interval: 200ms
    rules:
      - {alert: LatencyHigh, expr: 'request_latency_ms offset -10m > 135', labels: {severity: warning}}
      - {alert: LatencyVeryHigh, expr: 'request_latency_ms offset -10m > 300', labels: {severity: critical}}
"""
CONFIG = """
global: {{scrape_interval: 50ms, scrape_timeout: 50ms}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{relay}']}}]}}]}}
scrape_configs:
  - {{job_name: stage, static_configs: [{{targets: ['127.0.0.1:{relay}'], labels: {{service: cart}}}}]}}
remote_write:
  - url: http://127.0.0.1:{relay}/write
    write_relabel_configs: [{{source_labels: [__name__], regex: request.*, action: keep}}]
    queue_config: {{batch_send_deadline: 20ms, max_shards: 1}}
    metadata_config: {{send: false}}
"""


def watching(folder: Path, relay: Relay) -> Child:
    """A real Prometheus that scrapes the service, and writes and alerts through the relay."""
    program = shutil.which("prometheus")
    assert program is not None
    folder.mkdir()
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    (folder / "prometheus.yml").write_text(CONFIG.format(relay=relay.port), encoding="utf-8")
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=1s",
        "--query.lookback-delta=15m",
    ]
    return Child(command, f"http://127.0.0.1:{port}/-/ready", folder / "log")
