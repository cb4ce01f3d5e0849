"""Real monitoring components and a real Headwater as child processes on loopback, each ended by its own id."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], T], what: str, seconds: float = 60.0) -> T:
    """The first truthy answer; an AssertionError with the last answer when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s; last seen {answer!r}")
        time.sleep(0.1)


class Child:
    """A child process that answers 200 on ``ready`` before the constructor returns."""

    def __init__(
        self, command: Sequence[str], ready: str, log: Path, env: Mapping[str, str] | None = None, seconds: float = 60.0
    ) -> None:
        self.log = log
        self._out = log.open("wb")
        self._command, self._ready, self._env, self._seconds = command, ready, {**os.environ, **(env or {})}, seconds
        self.start()

    def start(self) -> None:
        """Start it, at first and after `kill`; returns when it answers."""
        command, ready, seconds = self._command, self._ready, self._seconds
        self._process = subprocess.Popen(command, stdout=self._out, stderr=subprocess.STDOUT, env=self._env)
        try:
            eventually(lambda: self._answers(ready), f"{Path(command[0]).name} is ready", seconds)
        except BaseException:
            self.stop()
            print(self.log.read_text(errors="replace")[-4000:])
            raise

    def _answers(self, url: str) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"ended with {self._process.returncode}")
        try:
            return httpx.get(url, timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As a crash does."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """Asked first, then made to."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._out.close()


class Headwater(Child):
    """``headwater serve`` with a catalogue, on its embedded defaults but for a group wait of a second, further
    settings and variables."""

    def __init__(
        self,
        folder: Path,
        catalogue: str,
        extra: str = "",
        env: Mapping[str, str] | None = None,
        seconds: float = 60.0,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "catalogue").mkdir(parents=True)
        (folder / "rules").mkdir()
        (folder / "catalogue" / "catalogue.yaml").write_text(catalogue, encoding="utf-8")
        (folder / "rules" / "rules.yaml").write_text("correlation: {group_wait: 1s}\n", encoding="utf-8")
        config = folder / "headwater.yaml"
        config.write_text(f"data: data\ncatalogue: catalogue\nrules: rules\n{extra}", encoding="utf-8")
        program = str(Path(sys.executable).parent / "headwater")
        command = [program, "serve", "--config", str(config), "--port", str(self.port)]
        super().__init__(command, f"{self.url}/readyz", folder / "log", env, seconds)

    def get(self, path: str) -> Any:
        """The JSON behind a path of the API."""
        answer = httpx.get(f"{self.url}{path}", timeout=5)
        answer.raise_for_status()
        return answer.json()

    def incidents(self) -> list[dict[str, Any]]:
        """Incidents, newest first, without those merged into others."""
        return [found for found in self.get("/api/v1/incidents")["items"] if not found.get("merged_into")]

    def alerts(self) -> dict[str, dict[str, Any]]:
        """All alerts by fingerprint."""
        return {alert["fingerprint"]: alert for alert in self.get("/api/v1/alerts?limit=500")["items"]}

    def metric(self, name: str, **labels: str) -> float:
        """The value of one of its own metrics, 0 when it is not there yet."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in httpx.get(f"{self.url}/metrics", timeout=5).text.splitlines():
            series, _, value = line.rpartition(" ")
            head, _, rest = series.partition("{")
            if head == name and wanted <= set(rest.rstrip("}").split(",")):
                return float(value)
        return 0.0


class Exporter:
    """Targets for Prometheus to scrape, each under a path of its own: well, failing (an error ratio), or down."""

    def __init__(self, targets: Sequence[str]) -> None:
        self.errors = dict.fromkeys(targets, 0.0)
        self.down: set[str] = set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target = self.path.strip("/")
                if target not in exporter.errors or target in exporter.down:
                    self.send_error(503)
                    return
                body = f"# TYPE error_ratio gauge\nerror_ratio {exporter.errors[target]}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return Handler

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


ALERTMANAGER = """
global: {{resolve_timeout: 10s}}
route: {{receiver: hook, group_by: [alertname, service], group_wait: 1s, group_interval: 1s, repeat_interval: 1m}}
receivers:
  - name: hook
    webhook_configs: [{{url: '{url}/api/v1/webhook/alertmanager', send_resolved: true}}]
"""


def alertmanager(folder: Path, headwater: Headwater) -> tuple[Child, int]:
    """A real Alertmanager whose only receiver is that Headwater; and its port."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program is not None
    folder.mkdir()
    (folder / "alertmanager.yml").write_text(ALERTMANAGER.format(url=headwater.url), encoding="utf-8")
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return Child(command, f"http://127.0.0.1:{port}/-/ready", folder / "log"), port


PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {{cluster: itest}}}}
rule_files: ['{rules}']
alerting:
  alertmanagers:
    - static_configs: [{{targets: ['127.0.0.1:{headwater}']}}]
    - static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]
scrape_configs:
{jobs}
remote_write:
  - url: http://127.0.0.1:{headwater}/api/v1/write
    queue_config: {{max_samples_per_send: 500, batch_send_deadline: 1s}}
"""
JOB = """
  - job_name: {name}
    metrics_path: /{name}
    static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{service: {name}}}}}]
"""


def prometheus(folder: Path, exporter: Exporter, rules: str, headwater: Headwater, alertmanager_port: int) -> Child:
    """A real Prometheus with alerting rules, which knows Headwater and the Alertmanager as its Alertmanagers."""
    program = shutil.which("prometheus")
    assert program is not None
    folder.mkdir()
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    jobs = "".join(JOB.format(name=name, port=exporter.port) for name in exporter.errors)
    config = PROMETHEUS.format(
        rules=folder / "rules.yml", headwater=headwater.port, alertmanager=alertmanager_port, jobs=jobs
    )
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=5s",
    ]
    return Child(command, f"http://127.0.0.1:{port}/-/ready", folder / "log")
