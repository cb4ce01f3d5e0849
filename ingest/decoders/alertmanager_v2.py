"""Alertmanager API v2, ``POST /api/v2/alerts``: an array of alerts, as Prometheus and amtool send it.

https://prometheus.io/docs/alerting/latest/alerts_api/ and ``api/v2/openapi.yaml`` of Alertmanager. There is no status:
whether an alert fires is told by ``endsAt`` against the time of arrival, which a decoder does not know. Every event is
therefore ``firing`` and ``resent``, with ``endsAt`` as its expiry: one whose end has passed on arrival is a resolution.
"""

from __future__ import annotations

from functools import partial

import msgspec

from engine.ports import Decoded
from engine.signals import AlertEvent
from ingest.errors import Undecodable
from ingest.jsontext import MALFORMED, elements, plain, untyped
from ingest.labelcache import ANNOTATIONS, LABELS, URLS
from ingest.limits import MAX_ALERTS, MAX_URL
from ingest.prometheus_alert import Alert, event, mistakes
from ingest.rejects import Rejects, reject
from ingest.timestamps import RFC3339

_alerts = msgspec.json.Decoder(list[Alert])
_alert = msgspec.json.Decoder(Alert)


def decode(body: bytes) -> Decoded:
    """Alert events in the body's order. The rejects' raw bytes are bodies of this format."""
    try:
        alerts = _alerts.decode(body)
        if len(alerts) <= MAX_ALERTS:
            events, objects = _events(alerts)
            if plain(body, objects, len(alerts)):
                return Decoded(tuple(events))
    except (*MALFORMED, Undecodable):
        pass  # which of them it was is found out below, one by one
    return _one_by_one(body)


def _events(alerts: list[Alert]) -> tuple[list[AlertEvent], int]:
    """The same as `event` for each, written out: the engine's hottest loop. Also how many objects they hold."""
    labels, annotations, urls, times = LABELS, ANNOTATIONS, URLS, RFC3339
    events = []
    objects = 2 * len(alerts)
    for alert in alerts:
        starts_at = times[alert.starts_at]
        ends_at = times[alert.ends_at]
        if ends_at is not None and starts_at is not None and ends_at < starts_at:
            raise Undecodable(("/endsAt", ""))
        notes = annotations[bytes(alert.annotations)]
        if len(notes) > 2:
            objects += 1
        url = urls[alert.url] if alert.url else ""
        events.append(
            AlertEvent(
                labels[bytes(alert.labels)],
                True,
                starts_at,
                ends_at,
                notes,
                url if len(url) <= MAX_URL else "",
                None,
                "",
                True,
            )
        )
    return events, objects


def _made(alert: Alert) -> AlertEvent:
    return event(alert, firing=True, resent=True)


def _one_by_one(body: bytes) -> Decoded:
    try:
        parts = elements(body)
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    events: list[AlertEvent] = []
    rejects = Rejects(body)
    for index, raw in enumerate(parts):
        try:
            found = mistakes(untyped(raw), raw, _made)
        except Undecodable as error:
            found = list(error.mistakes)
        if found:
            rejects.add(f"/{index}", found, partial(b"[%b]".__mod__, raw))
        else:
            events.append(_made(_alert.decode(raw)))
    return Decoded(tuple(events), rejects.all())
