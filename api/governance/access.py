"""The ledger of access: every grant of an incident, and whether the access system has confirmed what it was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.continuity.granting import ACCESS
from engine.errors import StoreUnavailable
from engine.outcomes import IncidentView
from engine.ports import Reader
from engine.response_views import Grant
from engine.signals import Millis

UNFINISHED = ("new", "claimed", "sent", "ambiguous", "dead")
BY_HAND = "by_hand"
PAGE = 500


class Told(msgspec.Struct, kw_only=True, frozen=True):
    """What an access system was told: grant or revoke, under ``key``. ``state`` is that of the outbox: confirmed only
    when it has answered so; ``error`` is what it said last."""

    sink: str
    action: str
    key: str
    state: str
    attempts: int
    at: Millis
    error: str = ""


class AccessRow(msgspec.Struct, kw_only=True, frozen=True):
    """A grant with its ledger. ``revocation``: "" while it is not over; confirmed; unconfirmed; or by_hand, where no
    access system was told of it, so that a person has to see to it."""

    incident: str
    grant: Grant
    told: tuple[Told, ...]
    revocation: str


class AccessOf(msgspec.Struct, kw_only=True):
    """The ledger; ``unconfirmed`` counts revocations that no access system has confirmed yet."""

    items: list[AccessRow]
    unconfirmed: int
    next: str = ""


def ledger(reader: Reader, incidents: Iterable[IncidentView]) -> AccessOf:
    """Of these incidents. Raises `engine.errors.StoreUnavailable`."""
    rows = [_row(reader, view.id, grant) for view in incidents for grant in view.response.grants]
    return AccessOf(items=rows, unconfirmed=sum(row.revocation == "unconfirmed" for row in rows))


def _row(reader: Reader, incident: str, grant: Grant) -> AccessRow:
    id = grant.id if "/" in grant.id else f"{incident}/{grant.id}"
    keys = {f"{id}.grant", f"{id}.revoke"}
    said = [_told(row) for row in _outbox(reader, incident=id.split("/", 1)[0]) if row["key"] in keys]
    over = grant.granted_at is not None and grant.ended_at is not None
    revoked = [one.state for one in said if one.action == "revoke"]
    state = "confirmed" if all(one == "confirmed" for one in revoked) else "unconfirmed"
    revocation = "" if not over else state if revoked else BY_HAND
    told = tuple(sorted(said, key=lambda one: (one.at, one.action, one.sink)))
    return AccessRow(incident=incident, grant=grant, told=told, revocation=revocation)


def _told(row: dict[str, Any]) -> Told:
    """A row for each sink."""
    return Told(
        sink=row["sink"],
        action=row["action"],
        key=row["key"],
        state=row["state"],
        attempts=row["attempts"],
        at=row["created_at"],
        error=row["error"],
    )


def _outbox(reader: Reader, incident: str = "", state: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = reader.outbox(incident=incident, state=state, cursor=cursor, limit=PAGE)
        yield from (one for one in map(msgspec.to_builtins, page.items) if one["audience"] == ACCESS)
        cursor = page.next
        if not cursor:
            return


class AccessGauge(Collector):
    """Registers itself; looks at the outbox for each scrape."""

    def __init__(self, reader: Reader, registry: CollectorRegistry) -> None:
        self._reader = reader
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Without looking."""
        return [_family(0)]

    def collect(self) -> Iterator[Metric]:
        """Revocations that wait or were given up; nothing while the store cannot be read."""
        try:
            yield _family(sum(one["action"] == "revoke" for one in _outbox(self._reader, state=UNFINISHED)))
        except StoreUnavailable:
            return


def _family(count: float) -> Metric:
    text = "Revocations of access that the access system has not confirmed."
    return GaugeMetricFamily("headwater_access_revocations_unconfirmed", text, count)
