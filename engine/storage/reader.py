"""What every reader of tables has in common: the lists and single rows that the API shows, the log and the chain.

The statements have the same names, parameters and columns in all of them (`queries.sql` beside each).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.chain import ChainRow, Head
from engine.outcomes import Decision, IncidentView, TimelineEntry
from engine.ports import DeadLetter, Entry, Page, Standing, Version
from engine.signals import Millis
from engine.storage import listed, paging
from engine.storage.codec import alert_of, slots, unpack

BATCH = 256
"""Rows per read; no read transaction stays open between batches."""

LOWEST = -(2**63)

_incident = msgspec.json.Decoder(IncidentView)
_timeline = msgspec.json.Decoder(TimelineEntry)
_data = msgspec.json.Decoder(dict[str, object])


class TableReader(ABC):
    """`engine.ports.Reader` but for what is counted or found in several steps."""

    @abstractmethod
    def _rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """The rows of the statement of this name, read at one moment."""

    @abstractmethod
    def _list(self, values: Sequence[str]) -> object:
        """A list as a parameter."""

    def incidents(  # noqa: PLR0913 - one parameter per filter
        self, *, state: Sequence[str] = (), severity: Sequence[str] = (), entity: str = "", domain: str = "",
        text: str = "", since: Millis | None = None, clocks: bool = False, drill: bool | None = None,
        cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Latest revisions, newest first; ``since`` looks at the last update, ``entity`` at members and cause,
        ``clocks`` takes those with a deadline that nobody has ended, ``drill`` those of drills or real ones."""
        values = {
            "states": self._list(state), "severities": self._list(severity), "entity": entity, "domain": domain,
            "text": text.casefold(), "since": since, "clocks": clocks,
            "drill": drill, "before": paging.before(cursor), "limit": paging.size(limit) + 1,
        }  # fmt: skip
        rows = self._rows("incidents", **values)
        return listed.page([(no, _incident.decode(unpack(doc))) for no, doc in rows], limit)

    def incident(self, id: str) -> IncidentView | None:
        """The latest revision."""
        return next((_incident.decode(unpack(doc)) for (doc,) in self._rows("incident", id=id)), None)

    def revisions(self, id: str) -> list[IncidentView]:
        """All revisions, oldest first."""
        return [_incident.decode(unpack(doc)) for _, doc in self._rows("revisions", id=id, **paging.WHOLE)]

    def timeline(self, id: str) -> list[TimelineEntry]:
        """Oldest first."""
        return [_timeline.decode(unpack(doc)) for _, doc in self._rows("timeline", id=id, **paging.WHOLE)]

    def revisions_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `revisions`, page by page."""
        rows = self._rows("revisions", id=id, **paging.upwards(cursor, limit))
        return listed.page([(no, _incident.decode(unpack(doc))) for no, doc in rows], limit)

    def timeline_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `timeline`, page by page."""
        rows = self._rows("timeline", id=id, **paging.upwards(cursor, limit))
        return listed.page([(seq, _timeline.decode(unpack(doc))) for seq, doc in rows], limit)

    def alerts(
        self, *, disposition: Sequence[str] = (), state: Sequence[str] = (), entity: str = "", incident: str = "",
        verdict: Sequence[str] = (), name: str = "", cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Current alerts, newest first."""
        values = {
            "dispositions": self._list(disposition), "states": self._list(state), "verdicts": self._list(verdict),
            "entity": entity, "incident": incident, "name": name, "before": paging.before(cursor),
            "limit": paging.size(limit) + 1,
        }  # fmt: skip
        rows = self._rows("alerts_of_incident" if incident else "alerts", **values)
        blocks = {block: slots(docs) for block, docs in {row[1]: row[3] for row in rows}.items()}
        return listed.page([(no, alert_of(blocks[block], slot)) for no, block, slot, _ in rows], limit)

    def outbox(self, incident: str = "", state: Sequence[str] = (), cursor: str = "", limit: int = 50) -> Page:
        """Publications with their state, newest first, one item per sink: the publication's fields and id, sink,
        state, ambiguous, attempts, due, changed_at, remote, error.
        """
        values = {
            "incident": incident, "states": self._list(state), "before": paging.before(cursor),
            "limit": paging.size(limit) + 1,
        }  # fmt: skip
        rows = self._rows("outbox_of_incident" if incident else "outbox_rows", **values)
        return listed.page([(row[0], listed.publication(row)) for row in rows], limit)

    def standings(self) -> list[Standing]:
        """How each sink fares that anything was ever put out for, by name."""
        return [
            Standing(
                sink=sink, waiting=waiting, dead=dead, last_success=success, last_failure=failure,
                error=next((error for (error,) in self._rows("latest_error", sink=sink)), ""),
            )
            for sink, waiting, dead, success, failure in self._rows("standings")
        ]  # fmt: skip

    def dead_letters(self, state: str = "open", cursor: str = "", limit: int = 50) -> Page:
        """Newest first; an empty state means all."""
        values = {"state": state, "before": paging.before(cursor), "limit": paging.size(limit) + 1}
        rows = self._rows("dead_letters", **values)
        return listed.page([(row[0], listed.letter(row)) for row in rows], limit)

    def dead_letter(self, id: int) -> DeadLetter | None:
        """One dead letter."""
        return next(map(listed.letter, self._rows("dead_letter", id=id)), None)

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""
        rows = self._rows("version", kind=kind, id=id)
        return next((Version(row[0], row[1], row[2], unpack(row[3]), row[4]) for row in rows), None)

    def versions(self, kind: str = "") -> list[Version]:
        """Newest first, without content."""
        return [listed.version(row) for row in self._rows("versions", kind=kind, **paging.WHOLE)]

    def versions_page(self, kind: str = "", cursor: str = "", limit: int = 50) -> Page:
        """As `versions`, page by page."""
        rows = self._rows("versions", kind=kind, before=paging.before(cursor), limit=paging.size(limit) + 1)
        return listed.page([(row[0], listed.version(row)) for row in rows], limit)

    def feed(self, after: int, limit: int = 500) -> list[tuple[int, str, dict[str, object]]]:
        """Revisions (``incident``) and timeline entries (``timeline``) behind sequence number ``after``."""
        rows = self._rows("feed", after=after, limit=paging.size(limit))
        return [(seq, event, _data.decode(unpack(doc))) for seq, event, doc in rows]

    def entries(self, after: int, until: int | None = None) -> Iterator[Entry]:
        """The input log behind ``after``, in order, up to and including ``until``."""
        last = paging.NEWEST if until is None else until
        while True:
            rows = self._rows("input_after", after=after, until=last, limit=BATCH)
            for position, source, partition, offset, format, arrival, body, poison in rows:
                yield Entry(position, source, partition, offset, format, arrival, unpack(body), bool(poison))
            if len(rows) < BATCH:
                return
            after = rows[-1][0]

    def domains(self) -> list[str]:
        """All domains that have a chain, sorted."""
        return [domain for (domain,) in self._rows("domains")]

    def chain(self, domain: str) -> Iterator[ChainRow]:
        """The records of a domain, in their order."""
        after = LOWEST  # also a sequence number that nobody should have written is shown to the verifier
        while True:
            rows = self._rows("chain_after", domain=domain, after=after, limit=BATCH)
            for name, seq, position, at, content, link, salt, payload in rows:
                opened = None if payload is None else unpack(payload)
                yield ChainRow(name, seq, position, at, content, link, salt, opened)
            if len(rows) < BATCH:
                return
            after = rows[-1][1]

    def heads(self) -> list[Head]:
        """The stored end of every chain, by domain; export it to have an anchor."""
        return [Head(*row) for row in self._rows("heads")]

    def _decided(self, **bounds: int) -> Iterator[Decision]:
        """The decisions at positions > ``after``, in the order of their making."""
        ((first,),) = self._rows("first_decision_after", **bounds)
        last = -1 if first is None else first - 1
        while first is not None:
            rows = self._rows("decisions_after", id=last, limit=BATCH, **bounds)
            for _, domain, position, at, payload in rows:
                yield Decision(domain, position, at, b"" if payload is None else unpack(payload))
            if len(rows) < BATCH:
                return
            last = rows[-1][0]
