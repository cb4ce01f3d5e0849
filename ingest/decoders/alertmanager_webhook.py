"""Alertmanager webhook, version 4: one notification of a group of alerts.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config . The status of each alert decides (the
notification's own where an alert has none); a firing alert ends at Go's zero time, which is none. Alerts that the
sender withheld (``truncatedAlerts``, set by ``max_alerts``) are a reject, so that somebody sees it. Operators may
template the body: only ``alerts`` and their ``labels`` are needed.
"""

from __future__ import annotations

from functools import partial

import msgspec

from engine.ports import Decoded
from engine.signals import AlertEvent
from ingest.errors import Undecodable
from ingest.jsontext import MALFORMED, elements, mistake, plain, too_deep, untyped
from ingest.limits import MAX_ALERTS
from ingest.prometheus_alert import Alert, event, mistakes
from ingest.rejects import Rejects, reject

_WITHHELD = "{} alerts were withheld by the sender (truncatedAlerts); raise max_alerts of its webhook_config"
_FIRING = {"firing": True, "resolved": False}


class _Webhook(msgspec.Struct, gc=False, rename={"truncated": "truncatedAlerts"}):
    alerts: msgspec.Raw
    status: str | None = None
    truncated: int = 0


class _Notification(msgspec.Struct, gc=False, rename={"truncated": "truncatedAlerts"}):
    alerts: list[Alert]
    status: str | None = None
    truncated: int = 0


_notification = msgspec.json.Decoder(_Notification)
_webhook = msgspec.json.Decoder(_Webhook)
_alert = msgspec.json.Decoder(Alert)


def decode(body: bytes) -> Decoded:
    """Alert events in the body's order. The rejects' raw bytes are bodies of this format."""
    try:
        found = _notification.decode(body)
        if not found.truncated and len(found.alerts) <= MAX_ALERTS:
            events = [_made(alert, found.status) for alert in found.alerts]
            objects = 1 + 2 * len(events) + sum([len(event.annotations) > 2 for event in events])
            if plain(body, objects, len(events)):
                return Decoded(tuple(events))
    except (*MALFORMED, Undecodable):
        pass  # which of them it was is found out below, one by one
    return _one_by_one(body)


def _made(alert: Alert, status: str | None) -> AlertEvent:
    word = alert.status or status or "firing"
    firing = _FIRING.get(word)
    if firing is None:
        raise Undecodable(("/status", f"expected 'firing' or 'resolved', got {word[:40]!r}"))
    return event(alert, firing=firing, resent=False)


def _one_by_one(body: bytes) -> Decoded:
    try:
        if too_deep(body, 0):
            untyped(body)  # says so
        webhook = _webhook.decode(body)
        parts = elements(bytes(webhook.alerts))
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    except MALFORMED as error:
        return Decoded((), (reject("", [mistake(error)], body),))
    events: list[AlertEvent] = []
    rejects = Rejects(body)
    for index, raw in enumerate(parts):
        try:
            found = mistakes(untyped(raw), raw, lambda alert: _made(alert, webhook.status))
        except Undecodable as error:
            found = list(error.mistakes)
        if found:
            rejects.add(f"/alerts/{index}", found, partial(_alone, webhook.status, raw))
        else:
            events.append(_made(_alert.decode(raw), webhook.status))
    if webhook.truncated > 0:
        rejects.add("", [("/truncatedAlerts", _WITHHELD.format(webhook.truncated))], lambda: body)
    return Decoded(tuple(events), rejects.all())


def _alone(status: str | None, raw: bytes) -> bytes:
    return msgspec.json.encode({"status": status, "alerts": [msgspec.Raw(raw)]})
