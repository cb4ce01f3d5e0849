"""Examples for the OpenAPI document: one outage, seen from every route."""

from __future__ import annotations

from typing import Any

_HARM: dict[str, Any] = {
    "users": {"low": 1200, "high": 1200, "method": "count"},
    "total": [40000, 52000],
    "share": [23, 30],
    "transactions": {"low": 90000, "high": 90000, "method": "count"},
    "tier": 1,
    "regions": ["DE", "FR"],
    "member_states": 2,
    "critical": ["checkout"],
    "business_services": ["checkout"],
    "down": 2,
    "since": 1767225600000,
    "down_since": 1767225600000,
    "business_down_since": 1767225600000,
    "critical_down_since": 1767225600000,
    "exposure": [
        {
            "entity": "orders-db",
            "kind": "database",
            "down": True,
            "exposed": "cannot_exclude",
            "forgets": "no",
            "rpo": 60,
            "loss_low": 0,
            "loss_high": 3600,
            "backup": 3600,
            "missing": ["replication_lag", "backup_age"],
        }
    ],
    "rto_missed": False,
    "assumptions": [
        {
            "entity": "card-payments",
            "id": "acquirer-answers",
            "on": "acquirer",
            "state": "at_stake",
            "low": 0,
            "high": 0,
            "since": 1767225600000,
            "text": "the acquirer is back within an hour",
            "agreed_by": "head of payments",
            "allowed": 3600,
            "said_by": "contract",
            "contract": "C-2024-017",
            "due": 1767229200000,
            "consumers": ["checkout"],
            "consumers_total": 1,
        }
    ],
}

_ESCALATION: dict[str, Any] = {
    "level": "management",
    "since": 1767225601250,
    "due": 1767227401250,
    "reach": [
        {"role": "duty_manager", "names": ["duty desk"], "why": "rules major", "due": 1767227401250},
        {"role": "owners_of_cause", "names": ["team-orders"], "why": "rules major", "due": 1767227401250},
    ],
    "fired": [
        {
            "id": "major",
            "level": "management",
            "because": {"severity": "SEV2"},
            "since": 1767225601250,
            "due": 1767227401250,
            "reach": ["owners_of_cause", "owners_of_business", "duty_manager"],
        }
    ],
}

INCIDENT: dict[str, Any] = {
    "id": "12-0",
    "revision": 3,
    "state": "declared",
    "domain": "checkout",
    "title": "orders-db: 3 entities hit",
    "why": "orders-db explains 4 of 4 symptoms and was first",
    "onset": 1767225600000,
    "opened_at": 1767225601250,
    "updated_at": 1767225640000,
    "declared_at": 1767225640000,
    "resolved_at": None,
    "told": True,
    "cause": "orders-db",
    "abstained": "",
    "candidates": [
        {
            "entity": "orders-db",
            "score": 0.91,
            "silent": False,
            "terms": {"anomaly": 0.95, "explained": 1.0},
            "path": ["orders-db", "checkout"],
            "explained": 4,
            "unexplained": 0,
            "counterfactual": "were orders-db healthy, 0 of 4 symptoms would remain unexplained",
        }
    ],
    "severity": {
        "level": "SEV2",
        "user_impact": "yes",
        "data_loss": "cannot_exclude",
        "regulatory": "no",
        "fired": [{"id": "tier1-down", "level": "SEV2", "because": {"tier": 1, "down": 1}}],
        "missing": ["data_loss"],
        "computed": "SEV2",
        "override": None,
        "open": [{"id": "data-loss-top-tier", "level": "SEV1", "missing": {"data_loss": [0, 1]}}],
    },
    "impact": [
        {
            "entity": "checkout",
            "name": "Checkout",
            "kind": "service",
            "low": 0,
            "high": 0,
            "path": ["orders-db", "checkout"],
            "via": "hard",
            "at": 1767225600000,
            "observed": True,
            "tier": 1,
            "users": 1200,
        }
    ],
    "impact_total": 1,
    "users": [1200, 1200],
    "harm": _HARM,
    "escalation": _ESCALATION,
    "obligations": [],
    "entities": ["checkout", "orders-db"],
    "alerts": 4,
    "firing": 4,
    "events": 6,
    "confirmed": 2,
    "assigned": "",
    "acknowledged_by": "",
    "acknowledged_at": None,
    "called": [
        {
            "role": "owners_of_cause",
            "names": ["team-orders"],
            "level": "management",
            "at": 1767225640000,
            "why": "rules major",
        }
    ],
    "declaration": {
        "at": 1767225640000,
        "by": "",
        "why": "the group wait is over and it still fires",
        "severity": "SEV2",
        "team": [],
        "team_at": None,
    },
    "status": {"text": "A disk is being replaced", "by": "grace", "at": 1767226540000},
    "next_update_at": 1767230140000,
    "update_overdue": False,
    "merged_into": "",
    "split_from": "",
    "generation": 1,
    "versions": {"topology": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"},
}

SEVERITY = {
    "incident": INCIDENT["id"],
    "revision": INCIDENT["revision"],
    "severity": INCIDENT["severity"],
    "harm": _HARM,
    "obligations": [],
    "escalation": _ESCALATION,
    "history": [
        {
            "incident": INCIDENT["id"],
            "at": 1767225601250,
            "kind": "severity",
            "text": "Severity SEV3 → SEV2: tier1-down fired (tier unknown → 1, down 0 → 1)",
            "actor": "",
            "facts": {"before": "SEV3", "after": "SEV2", "changed": {"tier": ["unknown", 1], "down": [0, 1]}},
        }
    ],
    "versions": {"topology": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"},
}

TICKET = {
    "sink": "desk",
    "remote": "4711",
    "url": "https://desk.example/Ticket/Display.html?id=4711",
    "state": "open",
    "generation": 1,
    "created_at": 1767225641000,
    "changed_at": 1767225641000,
}

TIMELINE = {
    "incident": "12-0",
    "at": 1767225601250,
    "kind": "opened",
    "text": "opened by DatabaseDown on orders-db",
    "actor": "",
    "facts": {},
}

ALERT = {
    "no": 1,
    "fingerprint": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "labels": {"alertname": "DatabaseDown", "service": "orders-db", "severity": "critical"},
    "annotations": {"summary": "orders-db does not answer"},
    "name": "DatabaseDown",
    "entity": "orders-db",
    "mapped": True,
    "domain": "checkout",
    "severity": "critical",
    "state": "firing",
    "disposition": "opened",
    "reason": "new_trouble",
    "rule": "",
    "incident": "12-0",
    "verdict": "confirmed",
    "terms": [],
    "first_event": "12-0",
    "last_event": "12-0",
    "starts_at": 1767225600000,
    "ends_at": None,
    "held_until": None,
    "url": "",
}

STEP = {"at": 1767225601250, "disposition": "opened", "reason": "new_trouble", "incident": "12-0", "rule": ""}

WHY = {"event": "12-0", "alert": ALERT, "current": STEP, "history": [STEP]}

COMMAND: dict[str, Any] = {"action": "acknowledge", "target": "12-0", "reason": "on it", "facts": {}}

SILENCE: dict[str, Any] = {
    "matchers": 'alertname="DiskFilling",service="orders-db"',
    "until": "2026-01-01T06:00:00Z",
    "reason": "disk is being replaced",
}

INGEST: dict[str, object] = {
    "alertmanager-v2": [
        {
            "labels": {"alertname": "DatabaseDown", "service": "orders-db", "severity": "critical"},
            "annotations": {"summary": "orders-db does not answer"},
            "startsAt": "2026-01-01T00:00:00Z",
        }
    ],
    "alertmanager-webhook": {
        "version": "4",
        "groupKey": "{}:{}",
        "status": "firing",
        "receiver": "headwater",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "DatabaseDown", "service": "orders-db"},
                "annotations": {},
                "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": "c6eadffa33fcdf37",
            }
        ],
    },
    "json": [
        {"kind": "alert", "t": 1767225600, "id": "a1", "status": "firing", "name": "Down", "service": "orders-db"},
        {"kind": "metric", "t": 1767225600, "service": "orders-db", "metric": "connections", "value": 50},
    ],
}
