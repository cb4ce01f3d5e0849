"""The alert element of the Alertmanager formats, and what is wrong with one.

Prometheus' API v2 and Alertmanager's webhook carry the same element; the webhook adds ``status``. Labels alone are the
identity, so that one alert has one fingerprint on both ways.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.signals import AlertEvent
from ingest.errors import Mistake, Undecodable
from ingest.jsontext import type_mistakes
from ingest.labelcache import ANNOTATIONS, LABELS
from ingest.limits import MAX_URL
from ingest.timestamps import RFC3339

_NONE = msgspec.Raw(b"{}")


class Alert(msgspec.Struct, gc=False, rename={"starts_at": "startsAt", "ends_at": "endsAt", "url": "generatorURL"}):
    """One alert as senders write it; keys that are not named here are ignored."""

    labels: msgspec.Raw
    annotations: msgspec.Raw = _NONE
    starts_at: str | None = None
    ends_at: str | None = None
    url: str | None = None
    status: str | None = None


def event(alert: Alert, firing: bool, resent: bool) -> AlertEvent:
    """The signal of one alert. Raises `Undecodable` at the first mistake, without its place."""
    starts_at = RFC3339[alert.starts_at]
    ends_at = RFC3339[alert.ends_at]
    if ends_at is not None and starts_at is not None and ends_at < starts_at:
        raise Undecodable(("/endsAt", "expected an end that is not before startsAt"))
    url = alert.url or ""
    return AlertEvent(
        LABELS[bytes(alert.labels)],
        firing,
        starts_at,
        ends_at,
        ANNOTATIONS[bytes(alert.annotations)],
        url if len(url) <= MAX_URL else "",
        None,
        "",
        resent,
    )


def mistakes(value: object, raw: bytes, make: Callable[[Alert], AlertEvent]) -> list[Mistake]:
    """Everything that is wrong with one alert, given as plain value and as text; empty when nothing is."""
    found = type_mistakes(Alert, value)
    if not isinstance(value, dict):
        return found
    parts: list[tuple[str, Callable[[], object]]] = []
    alert = None
    try:
        alert = msgspec.json.decode(raw, type=Alert)
    except msgspec.ValidationError:  # its type mistakes are found already; the parts that have the right type go on
        for name in ("startsAt", "endsAt"):
            if isinstance(value.get(name), str):
                parts.append((f"/{name}", lambda text=value[name]: RFC3339[text]))  # type: ignore[misc]
        for name, interned in (("labels", LABELS), ("annotations", ANNOTATIONS)):
            if name in value:
                parts.append((f"/{name}", lambda part=value[name], of=interned: of[msgspec.json.encode(part)]))  # type: ignore[misc]
    else:
        parts = [
            ("/labels", lambda: LABELS[bytes(alert.labels)]),
            ("/annotations", lambda: ANNOTATIONS[bytes(alert.annotations)]),
            ("/startsAt", lambda: RFC3339[alert.starts_at]),
            ("/endsAt", lambda: RFC3339[alert.ends_at]),
        ]
    found += _tried(parts)
    if not found and alert is not None:
        found += _tried([("", lambda: make(alert))])
    return found


def _tried(parts: list[tuple[str, Callable[[], object]]]) -> list[Mistake]:
    found: list[Mistake] = []
    for place, attempt in parts:
        try:
            attempt()
        except Undecodable as error:
            found += [(place + pointer, reason) for pointer, reason in error.mistakes]
    return found
