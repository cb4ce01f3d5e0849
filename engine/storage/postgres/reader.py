"""Reading the database: what the API shows, and the record of decisions, over all shards."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.chain import ChainRow, Head
from engine.outcomes import AlertView, Decision, IncidentView, TimelineEntry
from engine.ports import DeadLetter, Entry, Page, Snapshot, Standing, Version
from engine.shards import Shard
from engine.signals import Millis
from engine.storage import listed, paging
from engine.storage.codec import alert_of, slots, unpack, unpack_alert
from engine.storage.counting import Count
from engine.storage.postgres import ledger, snapshots
from engine.storage.postgres.address import Address
from engine.storage.postgres.pool import ReadPool
from engine.storage.postgres.queries import SQL
from engine.storage.totals import totals

_BATCH = 256  # rows per read; no read transaction stays open between batches
_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1

_incident = msgspec.json.Decoder(IncidentView)
_timeline = msgspec.json.Decoder(TimelineEntry)
_data = msgspec.json.Decoder(dict[str, object])


class PostgresReader:
    """Implements `engine.ports.Reader` and the reading half of `engine.chain.Audit`; safe to call from any thread.

    Reads a database that an engine has set up, while engines write to it. Lists have no total. Cursors that
    are none raise ValueError. The newest alert is the one that came last to any shard.
    """

    def __init__(self, dsn: str) -> None:
        self._pool = ReadPool(Address(dsn))
        self._counted: dict[int, Count] = {}
        self._counting = threading.Lock()

    def incidents(  # noqa: PLR0913 - one parameter per filter
        self, *, state: Sequence[str] = (), severity: Sequence[str] = (), entity: str = "", domain: str = "",
        text: str = "", since: Millis | None = None, clocks: bool = False, drill: bool | None = None,
        cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Latest revisions, newest first; ``since`` looks at the last update, ``entity`` at members and cause,
        ``clocks`` takes those with a deadline that nobody has ended, ``drill`` those of drills or real ones."""
        values = {
            "states": list(state), "severities": list(severity), "entity": entity, "domain": domain,
            "text": text.casefold(), "since": since, "clocks": clocks,
            "drill": drill, "before": paging.before(cursor), "limit": paging.size(limit) + 1,
        }  # fmt: skip
        with self._pool.reading() as rows:
            found = rows.execute(SQL["incidents"], values).fetchall()
        return listed.page([(no, _incident.decode(unpack(doc))) for no, doc in found], limit)

    def incident(self, id: str) -> IncidentView | None:
        """The latest revision."""
        with self._pool.reading() as rows:
            row = rows.execute(SQL["incident"], {"id": id}).fetchone()
        return _incident.decode(unpack(row[0])) if row else None

    def revisions(self, id: str) -> list[IncidentView]:
        """All revisions, oldest first."""
        return [_incident.decode(unpack(doc)) for _, doc in self._listed("revisions", id=id, **paging.WHOLE)]

    def timeline(self, id: str) -> list[TimelineEntry]:
        """Oldest first."""
        return [_timeline.decode(unpack(doc)) for _, doc in self._listed("timeline", id=id, **paging.WHOLE)]

    def revisions_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `revisions`, page by page."""
        rows = self._listed("revisions", id=id, **paging.upwards(cursor, limit))
        return listed.page([(no, _incident.decode(unpack(doc))) for no, doc in rows], limit)

    def timeline_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `timeline`, page by page."""
        rows = self._listed("timeline", id=id, **paging.upwards(cursor, limit))
        return listed.page([(seq, _timeline.decode(unpack(doc))) for seq, doc in rows], limit)

    def alerts(
        self, *, disposition: Sequence[str] = (), state: Sequence[str] = (), entity: str = "", incident: str = "",
        verdict: Sequence[str] = (), name: str = "", cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Current alerts, newest first."""
        values = {
            "dispositions": list(disposition), "states": list(state), "verdicts": list(verdict), "entity": entity,
            "incident": incident, "name": name, "before": paging.before(cursor), "limit": paging.size(limit) + 1,
        }  # fmt: skip
        with self._pool.reading() as rows:
            found = rows.execute(SQL["alerts_of_incident" if incident else "alerts"], values).fetchall()
        blocks = {block: slots(docs) for block, docs in {row[1]: row[3] for row in found}.items()}
        return listed.page([(place, alert_of(blocks[block], slot)) for place, block, slot, _ in found], limit)

    def alert(self, id: str) -> AlertView | None:
        """By number, fingerprint, or the id of one of its events (``position-index``)."""
        kind, key = paging.alert(id)
        with self._pool.at_one_moment() as rows:
            if kind == "event":
                found = ledger.first(rows, key)
                no = found[1].alert if found else None
            elif kind == "number":
                no = int(key)
            else:
                row = rows.execute(SQL["number_by_fingerprint"], {"fingerprint": key}).fetchone()
                no = row[0] if row else None
            row = rows.execute(SQL["alert_by_number"], {"no": no}).fetchone()
        return unpack_alert(row[1], row[0]) if row else None

    def why(self, event: str) -> list[dict[str, object]]:
        """The dispositions of one alert event, oldest first, the last is current; empty if unknown.

        Keys: event, alert (number), at, disposition, reason, incident, rule, enforced.
        """
        with self._pool.at_one_moment() as rows:
            return ledger.why(rows, event)

    def outbox(self, incident: str = "", state: Sequence[str] = (), cursor: str = "", limit: int = 50) -> Page:
        """Publications with their state, newest first, one item per sink: the publication's fields and id, sink,
        state, ambiguous, attempts, due, changed_at, remote, error.
        """
        values = {
            "incident": incident, "states": list(state), "before": paging.before(cursor),
            "limit": paging.size(limit) + 1,
        }  # fmt: skip
        with self._pool.reading() as rows:
            found = rows.execute(SQL["outbox_of_incident" if incident else "outbox_rows"], values).fetchall()
        return listed.page([(row[0], listed.publication(row)) for row in found], limit)

    def standings(self) -> list[Standing]:
        """How each sink fares that anything was ever put out for, by name."""
        with self._pool.reading() as rows:
            found = rows.execute(SQL["standings"]).fetchall()
            errors = {sink: rows.execute(SQL["latest_error"], {"sink": sink}).fetchone() for sink, *_ in found}
        return [
            Standing(
                sink=sink, waiting=waiting, dead=dead, last_success=success, last_failure=failure,
                error=error[0] if (error := errors[sink]) else "",
            )
            for sink, waiting, dead, success, failure in found
        ]  # fmt: skip

    def dead_letters(self, state: str = "open", cursor: str = "", limit: int = 50) -> Page:
        """Newest first; an empty state means all."""
        values = {"state": state, "before": paging.before(cursor), "limit": paging.size(limit) + 1}
        with self._pool.reading() as rows:
            found = rows.execute(SQL["dead_letters"], values).fetchall()
        return listed.page([(row[0], listed.letter(row)) for row in found], limit)

    def dead_letter(self, id: int) -> DeadLetter | None:
        """One dead letter."""
        with self._pool.reading() as rows:
            row = rows.execute(SQL["dead_letter"], {"id": id}).fetchone()
        return listed.letter(row) if row else None

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""
        with self._pool.reading() as rows:
            row = rows.execute(SQL["version"], {"kind": kind, "id": id}).fetchone()
        return Version(row[0], row[1], row[2], unpack(row[3]), row[4]) if row else None

    def versions(self, kind: str = "") -> list[Version]:
        """Newest first, without content."""
        return [listed.version(row) for row in self._listed("versions", kind=kind, **paging.WHOLE)]

    def versions_page(self, kind: str = "", cursor: str = "", limit: int = 50) -> Page:
        """As `versions`, page by page."""
        rows = self._listed("versions", kind=kind, before=paging.before(cursor), limit=paging.size(limit) + 1)
        return listed.page([(row[0], listed.version(row)) for row in rows], limit)

    def feed(self, after: int, limit: int = 500) -> list[tuple[int, str, dict[str, object]]]:
        """Revisions (``incident``) and timeline entries (``timeline``) behind sequence number ``after``."""
        with self._pool.reading() as rows:
            found = rows.execute(SQL["feed"], {"after": after, "limit": paging.size(limit)}).fetchall()
        return [(seq, event, _data.decode(unpack(doc))) for seq, event, doc in found]

    def totals(self) -> dict[str, int]:
        """``received`` by the cores, each disposition as counted in the ledger's rows, ``unaccounted`` between them."""
        received, counts = 0, Counter[str]()
        with self._counting, self._pool.at_one_moment() as rows:
            stored = ledger.stored_counts(rows)
            for shard, _, _, noted in rows.execute(SQL["all_progress"]).fetchall():
                since = self._counted.get(shard) or stored.get(shard) or Count(Shard(shard).base, Shard(shard).base)
                self._counted[shard] = found = ledger.count(rows, shard, since)
                received += msgspec.json.decode(noted, type=dict[str, int]).get("received", 0)
                counts.update(found.counts)
        return totals(received, counts)

    def entries(self, after: int, until: int | None = None) -> Iterator[Entry]:
        """The input logs behind ``after``, in order of position, up to and including ``until``."""
        last = paging.NEWEST if until is None else until
        while True:
            values = {"after": after, "until": last, "limit": _BATCH}
            with self._pool.reading() as rows:
                found = rows.execute(SQL["input_after"], values).fetchall()
            for position, source, partition, offset, format, arrival, body, poison in found:
                yield Entry(position, source, partition, offset, format, arrival, unpack(body), poison)
            if len(found) < _BATCH:
                return
            after = found[-1][0]

    def reach(self) -> tuple[int, int, Millis]:
        """The first and the last position of the input log (1 and 0: it is empty), and until when timers have fired."""
        with self._pool.at_one_moment() as rows:
            row = rows.execute(SQL["first_input"], {"after": _LOWEST, "until": _HIGHEST}).fetchone()
            progress = rows.execute(SQL["all_progress"]).fetchall()
        last = max((position for _, position, _, _ in progress), default=0)
        first = last + 1 if row is None or row[0] is None else row[0]
        return first, last, max((ticked for _, _, ticked, _ in progress), default=0)

    def snapshots(self) -> list[Snapshot]:
        """The undamaged snapshots of the cores, newest first."""
        with self._pool.at_one_moment() as rows:
            return list(snapshots.readable(rows))

    def decisions(self, after: int) -> Iterator[Decision]:
        """The decisions at positions > ``after``, shard by shard, as they were made; erased ones with an empty
        payload."""
        with self._pool.reading() as rows:
            known = [shard for shard, *_ in rows.execute(SQL["all_progress"])]
        for shard in known:
            yield from self._decisions(after, shard)

    def _decisions(self, after: int, shard: int) -> Iterator[Decision]:
        until, base = Shard(shard).end, Shard(shard).base
        bounds = {"after": max(after, base), "until": until}
        with self._pool.reading() as rows:
            row = rows.execute(SQL["first_decision_after"], bounds).fetchone()
        first = row[0] if row else None
        last = -1 if first is None else first - 1
        while first is not None:
            with self._pool.reading() as rows:
                found = rows.execute(SQL["decisions_after"], {"id": last, "limit": _BATCH, **bounds}).fetchall()
            for _, domain, position, at, payload in found:
                yield Decision(domain, position, at, b"" if payload is None else unpack(payload))
            if len(found) < _BATCH:
                return
            last = found[-1][0]

    def _listed(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._pool.reading() as rows:
            return rows.execute(SQL[query], values).fetchall()

    def domains(self) -> list[str]:
        """All domains that have a chain, sorted."""
        with self._pool.reading() as rows:
            return [domain for (domain,) in rows.execute(SQL["domains"])]

    def chain(self, domain: str) -> Iterator[ChainRow]:
        """The records of a domain, in their order."""
        after = _LOWEST  # also a sequence number that nobody should have written is shown to the verifier
        while True:
            with self._pool.reading() as rows:
                values = {"domain": domain, "after": after, "limit": _BATCH}
                found = rows.execute(SQL["chain_after"], values).fetchall()
            for name, seq, position, at, content, link, salt, payload in found:
                opened = None if payload is None else unpack(payload)
                yield ChainRow(name, seq, position, at, content, link, salt, opened)
            if len(found) < _BATCH:
                return
            after = found[-1][1]

    def heads(self) -> list[Head]:
        """The stored end of every chain, by domain; export it to have an anchor."""
        with self._pool.reading() as rows:
            return [Head(*row) for row in rows.execute(SQL["heads"])]

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
