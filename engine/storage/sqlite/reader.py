"""Reading the file: what the API shows, and the record of decisions. Several readers and one writer do not wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.chain import ChainRow, Head
from engine.outcomes import AlertView, Decision, IncidentView, TimelineEntry
from engine.ports import DeadLetter, Entry, Page, Snapshot, Standing, Version
from engine.signals import Millis
from engine.storage import listed, paging
from engine.storage.codec import alert_of, json, slots, unpack, unpack_alert
from engine.storage.counting import Count
from engine.storage.sqlite import ledger, snapshots
from engine.storage.sqlite.pool import ReadPool
from engine.storage.sqlite.queries import SQL
from engine.storage.totals import totals

_BATCH = 256  # rows per read; no read transaction stays open between batches

_incident = msgspec.json.Decoder(IncidentView)
_timeline = msgspec.json.Decoder(TimelineEntry)
_data = msgspec.json.Decoder(dict[str, object])


class SqliteReader:
    """Implements `engine.ports.Reader` and the reading half of `engine.chain.Audit`; safe to call from any thread.

    Opens an existing file, also while an engine writes to it, and takes no lock. Lists have no total. Cursors that
    are none raise ValueError.
    """

    def __init__(self, path: Path) -> None:
        self._pool = ReadPool(path)
        self._counted: Count | None = None
        self._counting = threading.Lock()

    def incidents(  # noqa: PLR0913 - one parameter per filter
        self, *, state: Sequence[str] = (), severity: Sequence[str] = (), entity: str = "", domain: str = "",
        text: str = "", since: Millis | None = None, clocks: bool = False, drill: bool | None = None,
        cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Latest revisions, newest first; ``since`` looks at the last update, ``entity`` at members and cause,
        ``clocks`` takes those with a deadline that nobody has ended, ``drill`` those of drills or real ones."""
        values = {
            "states": _list(state), "severities": _list(severity), "entity": entity, "domain": domain,
            "text": text.casefold(), "since": since, "clocks": clocks,
            "drill": drill, "before": paging.before(cursor), "limit": paging.size(limit) + 1,
        }  # fmt: skip
        with self._pool.reading() as connection:
            rows = connection.execute(SQL["incidents"], values).fetchall()
        return listed.page([(no, _incident.decode(unpack(doc))) for no, doc in rows], limit)

    def incident(self, id: str) -> IncidentView | None:
        """The latest revision."""
        with self._pool.reading() as connection:
            row = connection.execute(SQL["incident"], (id,)).fetchone()
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
            "dispositions": _list(disposition), "states": _list(state), "verdicts": _list(verdict), "entity": entity,
            "incident": incident, "name": name, "before": paging.before(cursor), "limit": paging.size(limit) + 1,
        }  # fmt: skip
        with self._pool.reading() as connection:
            rows = connection.execute(SQL["alerts_of_incident" if incident else "alerts"], values).fetchall()
        blocks = {block: slots(docs) for block, docs in {row[1]: row[3] for row in rows}.items()}
        return listed.page([(no, alert_of(blocks[block], slot)) for no, block, slot, _ in rows], limit)

    def alert(self, id: str) -> AlertView | None:
        """By number, fingerprint, or the id of one of its events (``position-index``)."""
        kind, key = paging.alert(id)
        with self._pool.at_one_moment() as connection:
            if kind == "event":
                found = ledger.first(connection, key)
                no = found[1].alert if found else None
            elif kind == "number":
                no = int(key)
            else:
                row = connection.execute(SQL["number_by_fingerprint"], {"fingerprint": key}).fetchone()
                no = row[0] if row else None
            row = connection.execute(SQL["alert_by_number"], (no,)).fetchone()
        return unpack_alert(row[1], row[0]) if row else None

    def why(self, event: str) -> list[dict[str, object]]:
        """The dispositions of one alert event, oldest first, the last is current; empty if unknown.

        Keys: event, alert (number), at, disposition, reason, incident, rule, enforced.
        """
        with self._pool.at_one_moment() as connection:
            return ledger.why(connection, event)

    def outbox(self, incident: str = "", state: Sequence[str] = (), cursor: str = "", limit: int = 50) -> Page:
        """Publications with their state, newest first, one item per sink: the publication's fields and id, sink,
        state, ambiguous, attempts, due, changed_at, remote, error.
        """
        values = {
            "incident": incident, "states": _list(state), "before": paging.before(cursor),
            "limit": paging.size(limit) + 1,
        }  # fmt: skip
        with self._pool.reading() as connection:
            rows = connection.execute(SQL["outbox_of_incident" if incident else "outbox_rows"], values).fetchall()
        return listed.page([(row[0], listed.publication(row)) for row in rows], limit)

    def standings(self) -> list[Standing]:
        """How each sink fares that anything was ever put out for, by name."""
        with self._pool.reading() as connection:
            rows = connection.execute(SQL["standings"]).fetchall()
            errors = {sink: connection.execute(SQL["latest_error"], (sink,)).fetchone() for sink, *_ in rows}
        return [
            Standing(
                sink=sink, waiting=waiting, dead=dead, last_success=success, last_failure=failure,
                error=errors[sink][0] if errors[sink] else "",
            )
            for sink, waiting, dead, success, failure in rows
        ]  # fmt: skip

    def dead_letters(self, state: str = "open", cursor: str = "", limit: int = 50) -> Page:
        """Newest first; an empty state means all."""
        values = {"state": state, "before": paging.before(cursor), "limit": paging.size(limit) + 1}
        with self._pool.reading() as connection:
            rows = connection.execute(SQL["dead_letters"], values).fetchall()
        return listed.page([(row[0], listed.letter(row)) for row in rows], limit)

    def dead_letter(self, id: int) -> DeadLetter | None:
        """One dead letter."""
        with self._pool.reading() as connection:
            row = connection.execute(SQL["dead_letter"], (id,)).fetchone()
        return listed.letter(row) if row else None

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""
        with self._pool.reading() as connection:
            row = connection.execute(SQL["version"], (kind, id)).fetchone()
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
        with self._pool.reading() as connection:
            rows = connection.execute(SQL["feed"], {"after": after, "limit": paging.size(limit)}).fetchall()
        return [(seq, event, _data.decode(unpack(doc))) for seq, event, doc in rows]

    def totals(self) -> dict[str, int]:
        """``received`` by the core, each disposition as counted in the ledger's rows, ``unaccounted`` between them."""
        with self._counting, self._pool.at_one_moment() as connection:
            since = self._counted or ledger.stored_count(connection)
            self._counted = ledger.count(connection, since)
            counts = connection.execute(SQL["progress"]).fetchone()[5]
        received = msgspec.json.decode(counts, type=dict[str, int]).get("received", 0)
        return totals(received, self._counted.counts)

    def entries(self, after: int, until: int | None = None) -> Iterator[Entry]:
        """The input log behind ``after``, in order, up to and including ``until``."""
        last = paging.NEWEST if until is None else until
        while True:
            values = {"after": after, "until": last, "limit": _BATCH}
            with self._pool.reading() as connection:
                rows = connection.execute(SQL["input_after"], values).fetchall()
            for position, source, partition, offset, format, arrival, body, poison in rows:
                yield Entry(position, source, partition, offset, format, arrival, unpack(body), bool(poison))
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def reach(self) -> tuple[int, int, Millis]:
        """The first and the last position of the input log (1 and 0: it is empty), and until when timers have fired."""
        with self._pool.at_one_moment() as connection:
            (first,) = connection.execute(SQL["first_input"]).fetchone()
            last, ticked = connection.execute(SQL["progress"]).fetchone()[:2]
        return (last + 1 if first is None else first), last, ticked

    def snapshots(self) -> list[Snapshot]:
        """The undamaged snapshots of the core, newest first."""
        with self._pool.at_one_moment() as connection:
            return list(snapshots.readable(connection))

    def decisions(self, after: int) -> Iterator[Decision]:
        """The decisions at positions > ``after``, as they were made; erased ones with an empty payload."""
        with self._pool.reading() as connection:
            (first,) = connection.execute(SQL["first_decision_after"], (after,)).fetchone()
        last = -1 if first is None else first - 1
        while first is not None:
            values = {"id": last, "after": after, "limit": _BATCH}
            with self._pool.reading() as connection:
                rows = connection.execute(SQL["decisions_after"], values).fetchall()
            for _, domain, position, at, payload in rows:
                yield Decision(domain, position, at, b"" if payload is None else unpack(payload))
            if len(rows) < _BATCH:
                return
            last = rows[-1][0]

    def domains(self) -> list[str]:
        """All domains that have a chain, sorted."""
        with self._pool.reading() as connection:
            return [domain for (domain,) in connection.execute(SQL["domains"])]

    def chain(self, domain: str) -> Iterator[ChainRow]:
        """The records of a domain, in their order."""
        after = -(2**63)  # also a sequence number that nobody should have written is shown to the verifier
        while True:
            with self._pool.reading() as connection:
                rows = connection.execute(
                    SQL["chain_after"], {"domain": domain, "after": after, "limit": _BATCH}
                ).fetchall()
            for name, seq, position, at, content, link, salt, payload in rows:
                opened = None if payload is None else unpack(payload)
                yield ChainRow(name, seq, position, at, content, link, salt, opened)
            if len(rows) < _BATCH:
                return
            after = rows[-1][1]

    def heads(self) -> list[Head]:
        """The stored end of every chain, by domain; export it to have an anchor."""
        with self._pool.reading() as connection:
            return [Head(*row) for row in connection.execute(SQL["heads"])]

    def _listed(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._pool.reading() as connection:
            return connection.execute(SQL[query], values).fetchall()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _list(values: Sequence[str]) -> str:
    return json(list(values)).decode()
