"""PagerDuty's Events API v2: validation, limits, and what events do to alerts.

https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ and .../overview/.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.publish.vendors.vendor import Asked, Refuse, Said, Vendor, parsed

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
FIELDS = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
SEVERITIES = {"critical", "error", "warning", "info"}
BUSY = Said(429, {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."})


def invalid(*errors: str) -> Said:
    return Said(400, {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)})


class PagerDutyService(Vendor):
    """``alerts``: [dedup key, state, severities], oldest first; one key may have several, one after the other.
    ``dropped``: events that meet no open alert."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: list[dict[str, Any]] = []
        self.dropped: list[str] = []

    def carry_out(self, asked: Asked) -> Said:
        if (asked.method, asked.path) != ("POST", "/v2/enqueue"):
            raise Refuse(Said(404, b"<html>Not Found</html>", {"Content-Type": "text/html"}))
        if len(asked.body) > 512_000:
            raise Refuse(Said(413, b"Payload too large", {"Content-Type": "text/plain"}))
        event = parsed(asked, Said(400, {"status": "invalid event", "message": "JSON is invalid", "errors": []}))
        errors = list(_errors(event))
        if asked.headers.get("content-type") != "application/json" or errors:
            raise Refuse(invalid(*errors))
        key = event["dedup_key"]
        alert = next((one for one in self.alerts if one["key"] == key and one["state"] != "resolved"), None)
        if event["event_action"] == "trigger":
            if alert is None:
                alert = {"key": key, "state": "triggered", "severities": []}
                self.alerts.append(alert)
            alert["severities"].append(event["payload"]["severity"])
        elif alert is None:
            self.dropped.append(key)
        else:
            alert["state"] = {"acknowledge": "acknowledged", "resolve": "resolved"}[event["event_action"]]
        return Said(202, {"status": "success", "message": "Event processed", "dedup_key": key})


def _errors(event: dict[str, Any]) -> Any:
    action, payload = event.get("event_action"), event.get("payload", {})
    yield from (f"'{name}' is not a field of an event" for name in sorted(set(event) - FIELDS))
    if len(event.get("routing_key", "")) != 32:
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    elif event["routing_key"] != ROUTING_KEY:
        yield "'routing_key' is not the key of an integration"
    if action not in ("trigger", "acknowledge", "resolve"):
        yield "'event_action' is missing or invalid"
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        yield "Length of 'dedup_key' is incorrect"
    if action == "trigger":
        yield from _payload_errors(payload)
    yield from (
        "'links' need an 'href'" for link in event.get("links", ()) if not link.get("href", "").startswith("http")
    )


def _payload_errors(payload: dict[str, Any]) -> Any:
    yield from (f"'payload.{name}' is not a field" for name in sorted(set(payload) - PAYLOAD))
    if not 0 < len(payload.get("summary", "")) <= 1024:
        yield "'payload.summary' is missing, blank or too long"
    if not payload.get("source", "").strip():
        yield "'payload.source' is missing or blank"
    if payload.get("severity") not in SEVERITIES:
        yield "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
    datetime.fromisoformat(payload["timestamp"])
    if not isinstance(payload.get("custom_details", {}), dict):
        yield "'payload.custom_details' is not an object"
