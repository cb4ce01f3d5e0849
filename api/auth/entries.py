"""Every route and the action that it takes: closed by default. A route that is not in the table is refused.

`OPEN` needs no credential. The guard matches a path against the table as Starlette matches it against the routes;
once the application has chosen its route, `api.app` checks that both chose the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

OPEN = "open"
"""The action of a route that anybody may call."""

INGEST_PATHS = (
    "/api/v2/alerts",
    "/api/v1/webhook/alertmanager",
    "/api/v1/write",
    "/v1/logs",
    "/v1/metrics",
    "/v1/traces",
    "/api/v1/signals",
)
PROBES = ("/-/healthy", "/-/ready", "/api/v2/status")
HOOKS = "/api/v1/tickets/"
"""Where ticketing systems call back, each at its sink's name: as a sender, or with the sink's own secret."""
SIGNED = "/api/v1/hooks/"
"""Where senders post that sign what they send, each at its own name."""

READS = (
    "/",
    "/alerts",
    "/alerts.csv",
    "/alerts/preview",
    "/alerts/{id}",
    "/api/v1/alerts",
    "/api/v1/alerts/{id}",
    "/api/v1/alerts/{id}/why",
    "/api/v1/catalogue",
    "/api/v1/catalogue/audit",
    "/api/v1/clocks",
    "/api/v1/continuity/access",
    "/api/v1/continuity/assumptions",
    "/api/v1/continuity/duty",
    "/api/v1/continuity/priorities",
    "/api/v1/continuity/readiness",
    "/api/v1/continuity/scope",
    "/api/v1/continuity/tabletop/{entity}",
    "/api/v1/data-checks",
    "/api/v1/entities/{id}/logs/templates",
    "/api/v1/evidence/calibration",
    "/api/v1/evidence/model",
    "/api/v1/evidence/promotions",
    "/api/v1/incidents",
    "/api/v1/incidents/{id}",
    "/api/v1/incidents/{id}/alerts",
    "/api/v1/incidents/{id}/bundles",
    "/api/v1/incidents/{id}/catalogue",
    "/api/v1/incidents/{id}/catalogue.patch",
    "/api/v1/incidents/{id}/clocks",
    "/api/v1/incidents/{id}/explanation",
    "/api/v1/incidents/{id}/impact",
    "/api/v1/incidents/{id}/proposals",
    "/api/v1/incidents/{id}/proposals/{commit}/patch",
    "/api/v1/incidents/{id}/recovery",
    "/api/v1/incidents/{id}/recovery/windows",
    "/api/v1/incidents/{id}/recovery/{place}.svg",
    "/api/v1/incidents/{id}/report",
    "/api/v1/incidents/{id}/response",
    "/api/v1/incidents/{id}/restoration",
    "/api/v1/incidents/{id}/revisions",
    "/api/v1/incidents/{id}/severity",
    "/api/v1/incidents/{id}/timeline",
    "/api/v1/incidents/{id}/undetected",
    "/api/v1/load",
    "/api/v1/outbox",
    "/api/v1/playbooks",
    "/api/v1/playbooks/{id}",
    "/api/v1/probes",
    "/api/v1/readiness",
    "/api/v1/readiness.csv",
    "/api/v1/regimes/{regime}/together",
    "/api/v1/risk",
    "/api/v1/risk/next",
    "/api/v1/risk/single-points",
    "/api/v1/rules/{id}/promotion",
    "/api/v1/scenarios",
    "/api/v1/silences",
    "/api/v1/sinks",
    "/api/v1/stream",
    "/api/v1/suppressed",
    "/api/v1/suppressed/audit",
    "/api/v1/topology",
    "/api/v1/topology/diff",
    "/api/v1/topology/observed",
    "/api/v1/topology/{entity}",
    "/api/v1/totals",
    "/api/v1/versions",
    "/console/{name}",
    "/continuity",
    "/continuity/playbooks/{id}",
    "/incidents",
    "/incidents.csv",
    "/incidents/{id}",
    "/incidents/{id}/map",
    "/incidents/{id}/print",
    "/incidents/{id}/restoration",
    "/metrics",
    "/openapi.json",
    "/readiness",
    "/topology",
    "/topology/entity/{id:path}",
    "/topology/map",
)

ENTRIES: Mapping[str, str] = MappingProxyType(
    {
        "GET /healthz": OPEN,
        "GET /readyz": OPEN,
        **{f"GET {path}": "enter" for path in PROBES},
        **{f"POST {path}": "ingest" for path in INGEST_PATHS},
        f"POST {HOOKS}{{sink}}": "ingest",
        f"POST {SIGNED}{{name}}": "ingest",
        **{f"GET {path}": "read" for path in READS},
        "GET /api/v1/impact/{entity}": "impact",
        "GET /api/v1/restoration": "impact",
        "POST /api/v1/whatif": "impact",
        **{f"GET /api/v1/governance{kind}": "governance" for kind in ("", ".html", ".pdf", ".csv")},
        "GET /api/v1/dead-letters": "raw_input",
        "POST /api/v1/commands": "command",
        "POST /api/v1/incidents/{id}/bundles": "export_bundle",
        "POST /api/v1/incidents/{id}/{action}": "command",
        "POST /api/v1/incidents/{id}/steps/{task}/run": "run_task",
        "POST /api/v1/incidents/{id}/steps/{task}/dry-run": "dry_run",
        "POST /api/v1/incidents/{id}/proposals/{playbook}": "propose_playbook",
        "POST /api/v1/playbooks/fetch": "fetch_playbooks",
        "POST /api/v1/silences": "silence",
        "POST /api/v1/silences/{id}/expire": "unsilence",
        "POST /api/v1/dead-letters/{id}/redrive": "redrive",
        "POST /api/v1/dead-letters/{id}/drop": "drop",
        "POST /api/v1/outbox/{id}/redrive": "redrive",
        "POST /api/v1/sinks/{name}/test": "test_sink",
        "POST /api/v1/probes/{id}/run": "probe",
        "POST /api/v1/data-checks/{id}/run": "probe",
        "POST /api/v1/scenarios/run": "rehearse",
        "POST /api/v1/reload": "reload",
        "GET /login": OPEN,
        "POST /login": OPEN,
        "POST /login/first": OPEN,
        "GET /login/provider": OPEN,
        "GET /login/callback": OPEN,
        "GET /login.css": OPEN,
        "POST /logout": "enter",
        "GET /api/v1/me": "enter",
        "POST /api/v1/me/password": "enter",
        "GET /api/v1/access/keys": "access",
        "POST /api/v1/access/keys": "access",
        "POST /api/v1/access/keys/{id}/revoke": "access",
        "GET /api/v1/access/users": "access",
        "POST /api/v1/access/users": "access",
        "POST /api/v1/access/users/{name}": "access",
        "GET /api/v1/access/sessions": "access",
        "POST /api/v1/access/sessions/{id}/end": "access",
        "GET /api/v1/access/trail": "trail",
    }
)
"""``METHOD template`` -> action."""


class Entry(NamedTuple):
    """One line of the table."""

    method: str
    template: str
    action: str


class Entries:
    """The table, looked up by method and path. ``prefix``: ingest paths and probes are also served below it."""

    def __init__(self, table: Mapping[str, str] = ENTRIES, prefix: str = "") -> None:
        self._exact: dict[tuple[str, str], Entry] = {}
        self._patterns: list[tuple[re.Pattern[str], Entry]] = []
        for line, action in table.items():
            method, _, template = line.partition(" ")
            entry = Entry(method, template, action)
            if "{" in template:
                self._patterns.append((_pattern(template), entry))
            else:
                self._exact[method, template] = entry
                if prefix and template in (*INGEST_PATHS, *PROBES):
                    self._exact[method, prefix + template] = entry

    def find(self, method: str, path: str) -> Entry | None:
        """The line for a request, None where there is none. HEAD is as GET."""
        method = "GET" if method == "HEAD" else method
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        return next((entry for entry in self._matching(path) if entry.method == method), None)

    def methods(self, path: str) -> list[str]:
        """The methods that the path takes."""
        return sorted(
            {method for method, known in self._exact if known == path} | {one.method for one in self._matching(path)}
        )

    def _matching(self, path: str) -> Iterable[Entry]:
        return (entry for pattern, entry in self._patterns if pattern.fullmatch(path))


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+(?::path)?\})", template)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".*" if part.endswith(":path}") else "[^/]+"
