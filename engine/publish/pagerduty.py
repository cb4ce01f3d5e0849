"""PagerDuty by its Events API v2: one alert per generation of an incident.

https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ (fields, their lengths, what ``dedup_key`` does),
https://developer.pagerduty.com/docs/events-api-v2/overview/ (202, 400, 429, 5xx; payloads of at most 512 KB).

The ``dedup_key`` names the incident and its generation, so that an event may be sent any number of times while the
alert is open. A trigger that comes after its resolve would open a new alert and call somebody out of bed: what belongs
to a generation that has ended is not sent any more. A reopened incident is a new generation and a new alert.
The API only says that it took an event: nothing flows back on this way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.ports import Clock
from engine.publish.egress import Answer, Egress
from engine.publish.texts import business, comment, plain, technical
from engine.publish.ticketing.api import Api, Reply
from engine.publish.ticketing.clean import clean
from engine.publish.webhook import judge
from engine.sending import OutboxRow, Receipt

EVENTS = "https://events.pagerduty.com"
KEY = 255
SUMMARY = 1024
LINE = 255
TEXT = 60_000
"""Characters, at most four bytes each and twice in a payload: below 512 KB."""

ENDED = frozenset({"resolved", "reviewed", "merged", "dismissed"})
ENDING = frozenset({"resolve", "merge"})
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")
BUSY = 60.0
"""Seconds to wait where PagerDuty does not say how long; it asks for "a few minutes" at most."""

SEVERITIES: Mapping[str, str] = {
    "SEV1": "critical",
    "SEV2": "critical",
    "SEV3": "error",
    "SEV4": "warning",
    "SEV5": "info",
}


class PagerDuty:
    """A sink. ``routing_key``: the integration key of a service, a secret. ``severities``: level -> PagerDuty's word;
    levels without one are an ``error``. ``console``: the address of our console, for a link in the alert."""

    idempotent = True

    def __init__(
        self, name: str, egress: Egress, clock: Clock, audiences: frozenset[str], routing_key: str, *,
        url: str = EVENTS, severities: Mapping[str, str] | None = None, console: str = "",
    ) -> None:  # fmt: skip
        self.name, self.audiences = name, audiences
        self._api, self._clock = Api(egress, url, {}, clock), clock
        self._routing_key, self._console = routing_key, console.rstrip("/")
        self._severities = {**SEVERITIES, **(severities or {})}

    def send(self, row: OutboxRow) -> Receipt:
        """Trigger, acknowledge or resolve. Raises `SinkError`: what PagerDuty calls invalid is permanent."""
        publication = row.publication
        key = dedup_key(publication)
        action = _action(publication)
        if action != "resolve" and _is_over(row):
            return Receipt(key, keeps="closed")
        body: dict[str, object] = {"routing_key": self._routing_key, "event_action": action, "dedup_key": key}
        if action == "trigger":
            body |= self._alert(publication)
        reply = self._api.ask("POST", "/v2/enqueue", body=body, accept=(400, 413, 429))
        if reply.status != 202:
            raise _refusal(reply, self._clock())
        return Receipt(key, keeps="closed" if action == "resolve" else "open")

    def close(self) -> None:
        """Nothing is kept open between two publications."""

    def _alert(self, publication: Publication) -> dict[str, object]:
        text = (business if publication.audience == "stakeholders" else technical)(publication)
        incident = publication.body.get("incident") or {}
        cause = plain(str(incident.get("cause") or ""), LINE)
        details = {
            "incident": plain(publication.incident, LINE),
            "revision": publication.revision,
            "news": clean(comment(publication), TEXT),
            "text": clean(text.body, TEXT),
        }
        payload: dict[str, object] = {
            "summary": plain(text.title, SUMMARY) or "Incident",
            "source": cause or "headwater",
            "severity": self._severities.get(_level(incident), "error"),
            "timestamp": _time(publication.created_at),
            "class": "incident",
            "custom_details": details,
            **({"component": cause} if cause else {}),
        }
        found: dict[str, object] = {"payload": payload, "client": "Headwater"}
        if self._console:
            address = f"{self._console}/incidents/{quote(plain(publication.incident, LINE), safe='')}"
            found |= {"client_url": address, "links": [{"href": address, "text": "The incident in Headwater"}]}
        return found


def dedup_key(publication: Publication) -> str:
    """The incident and its generation, as they are where that is short and plain, else as a digest.

    >>> from engine.outcomes import Publication
    >>> dedup_key(Publication(key="k", incident="INC-7", revision=1, generation=2, action="open", audience="engineers",
    ...     not_before=0, created_at=0, body={}))
    'headwater/INC-7.2'
    """
    named = f"{publication.incident}.{publication.generation}"
    if not SAFE.fullmatch(named):
        named = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()
    return f"headwater/{named}"[:KEY]


def _action(publication: Publication) -> str:
    if publication.action in ENDING:
        return "resolve"
    return "acknowledge" if publication.action == "acknowledge" else "trigger"


def _is_over(row: OutboxRow) -> bool:
    """Has this generation ended, as the incident says or as we told PagerDuty before?"""
    publication, link = row.publication, row.link
    told = link is not None and link.state == "closed" and link.generation >= publication.generation
    state = (publication.body.get("incident") or {}).get("state")
    return told or state in ENDED


def _level(incident: Mapping[str, Any]) -> str:
    severity = incident.get("severity")
    return str(severity.get("level", "")) if isinstance(severity, dict) else ""


def _time(at: int) -> str:
    try:
        return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="milliseconds")


class _Said(msgspec.Struct):
    message: str = ""
    errors: tuple[str, ...] = ()


def _refusal(reply: Reply, now: int) -> SinkError:
    """429 says when, or not; 400 says what is wrong with the event; 413 is not documented, and no cure either."""
    if reply.status == 429:
        judged = judge(Answer(reply.status, reply.headers, b""), now)
        return SinkError("PagerDuty takes no more events now (429)", after=judged.after or BUSY)
    try:
        said = msgspec.convert(reply.value, type=_Said)
    except msgspec.ValidationError:
        said = _Said()
    words = plain("; ".join(filter(None, (said.message, *said.errors))), 300)
    return SinkError(f"PagerDuty refuses the event ({reply.status}): {words or 'it does not say why'}", permanent=True)
