"""A plant with trouble in it for the console: incidents with clocks, telemetry, logs, changes, and a ticketing desk."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.api.live import Live, live
from tests.publish import hostile
from tests.real.components import eventually

CATALOGUE = """\
entities:
  - {id: bank, kind: business_service, name: Online banking, owner: retail, tier: 1, rto: 2h, rpo: 5m, users: 120000,
     obligations: [dora-major], depends_on: [web, cards]}
  - {id: cards, kind: business_service, name: Card payments, owner: cards-team, tier: 0, rto: 1h, users: 80000,
     depends_on: [{on: ledger, semantics: async, buffer: 30m}]}
  - {id: web, name: Web front, owner: team-web, tier: 1, rto: 30m, depends_on: [accounts, {on: mail, semantics: soft}]}
  - {id: accounts, name: Accounts, owner: team-core, tier: 1, rto: 20m, depends_on: [ledger-db]}
  - {id: ledger, name: Ledger, owner: team-core, tier: 1, rto: 30m, depends_on: [ledger-db]}
  - {id: ledger-db, kind: database, name: Ledger database, owner: team-data, tier: 1, rto: 15m, rpo: 1m}
  - {id: mail, name: Mail, owner: team-web}
  - {id: intranet, name: Intranet, depends_on: [mail]}
  - {id: batch, kind: service, name: Nightly batch}
"""
RULES = """\
correlation: {group_wait: 1s, group_interval: 1s, lateness: 5s}
regimes:
  dora: {entity_type: credit_institution}
obligations:
  - {id: dora-major, name: Major ICT-related incident, regime: dora}
"""
MARKED = "headwater-was-here"
"""What every hostile script would leave behind."""
SCRIPTS = [
    f"<script>document.title='{MARKED}';alert(1)</script>",
    f"<img src=x onerror=\"document.title='{MARKED}';alert(1)\">",
    f"<svg/onload=alert('{MARKED}')>",
    f"\"><iframe srcdoc=\"<script>parent.document.title='{MARKED}'</script>\">",
    f"'onmouseover='document.title=\"{MARKED}\"'",
    f"javascript:document.title='{MARKED}'",
    "<style>*{display:none}</style>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example/>",
    "</textarea></title></script><b>bold</b>",
    "{{7*7}}", "{% raw %}", "${7*7}", "<!--", "]]>", "&lt;b&gt;&#60;b&#62;",
]  # fmt: skip
BIDI = ["user\u202egnp.exe", "\u2066\u2067abc\u2069", "abc\u200f\u200e", "\u061cx", "a\u0300" * 60, "\u05d0\u05d1 ltr"]
ANSI = ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b[2J\x1b[H", "\x00nul", "\x7fdel", "bell\x07", "\x9b31m"]
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://evil","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
]
HUGE = ["x" * 4_000, "w " * 2_000, "<b>" * 1_300, "\U0001f525" * 1_000, "𝕏" * 1_000]
"""As long as a label may be."""


def labels() -> list[str]:
    """About a hundred."""
    return [*SCRIPTS, *BIDI, *ANSI, *FORMULAS, *HUGE, *hostile.MARKUP, *hostile.QUERIES]


class Desk(http.server.BaseHTTPRequestHandler):
    """A ticketing system that gives its tickets hostile ids and states."""

    tickets: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.tickets.append(f"T-{len(self.tickets)}{SCRIPTS[1]}")
        self._answer({"id": self.tickets[-1]})

    def do_GET(self) -> None:
        one = {"id": self.tickets[-1] if self.tickets else "", "status": SCRIPTS[0], "title": ANSI[0]}
        self._answer({"items": []} if "key=" in self.path else one)

    def _answer(self, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def desk() -> Iterator[str]:
    """A running one; its URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def sinks(url: str) -> str:
    """The settings of the desk."""
    return f"""\
sinks:
  rest:
    - name: desk
      url: {url}
      user: headwater
      allow_private: true
      create: {{method: POST, path: /t, body: {{key: '{{key}}', title: '{{title}}'}}}}
      find: {{method: GET, path: /t, query: {{key: '{{key}}'}}}}
      found: /items
      read: {{method: GET, path: '/t/{{id}}'}}
      comment: {{method: POST, path: '/t/{{id}}/c', body: {{text: '{{text}}'}}}}
      change:
        close: {{method: POST, path: '/t/{{id}}/close', body: {{x: y}}}}
        reopen: {{method: POST, path: '/t/{{id}}/reopen', body: {{x: y}}}}
      closed: [done]
      web: {url}/t/{{id}}
"""


@contextmanager
def plant(folder: Path, extra: str = "", catalogue: str = CATALOGUE) -> Iterator[Live]:
    """A server with the catalogue, not yet in trouble."""
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "console.yaml").write_text(RULES, encoding="utf-8")
    with live(folder, extra, catalogue=catalogue) as world:
        yield world


def post(world: Live, *events: dict[str, Any]) -> None:
    """Events in Headwater's own format."""
    world.client.post("/api/v1/signals", json=list(events)).raise_for_status()


def trouble(world: Live, now: float) -> str:
    """A database loses its connections after a deployment; the id of the incident that it leads to."""
    usual: list[dict[str, Any]] = []
    for minute in range(-40, -2):
        at = now + minute * 60
        usual.append(_sample(at, "ledger-db", "pool_wait_seconds", 0.02 + 0.002 * (minute % 3)))
        usual.append(_sample(at, "accounts", "http_request_duration_seconds", 0.18 + 0.01 * (minute % 4)))
        usual.append(
            {"t": at, "kind": "log", "service": "ledger-db", "level": "info", "message": f"checkpoint {minute}"}
        )
    post(world, *usual)
    change = {"t": now - 130, "kind": "change", "service": "ledger-db", "change": "deploy", "detail": "release 42"}
    later = [
        one
        for second in range(-120, 1, 20)
        for one in (
            _sample(now + second, "ledger-db", "pool_wait_seconds", 2.5),
            {"t": now + second, "kind": "log", "service": "ledger-db", "level": "error", "message": "too many clients"},
        )
    ]
    post(world, change, *later)
    post(
        world,
        _alert(now - 30, "PoolExhausted", "ledger-db"),
        _alert(now - 20, "HighLatency", "accounts"),
        _alert(now - 10, "ErrorRate", "web", "error"),
    )
    return str(world.incident_of("ledger-db")["id"])


def lesser(world: Live, now: float) -> str:
    """Another trouble, of less weight."""
    post(world, _alert(now - 5, "QueueLong", "mail", "warning"))
    return str(world.incident_of("mail")["id"])


def declared(world: Live, id: str) -> None:
    """Wait until it is."""
    eventually(lambda: world.get(f"/api/v1/incidents/{id}")["incident"]["declared_at"], f"{id} is declared")


def _sample(at: float, service: str, name: str, value: float) -> dict[str, Any]:
    return {"t": at, "kind": "metric", "service": service, "metric": name, "value": value}


def _alert(at: float, name: str, service: str, severity: str = "critical") -> dict[str, Any]:
    return {"t": at, "kind": "alert", "status": "firing", "name": name, "service": service, "severity": severity}
