"""Which update gives way to what stands behind it in an outbox, and what of it must be told all the same.

An update may wait for its time. What is told at once meanwhile goes first. It says all that the update would have said,
which is then superseded, unless it speaks for itself alone (`Publication.alone`): then the update follows in its time.

Of updates that are due together, for the sink was away, the last one stands for all. It carries the lines of those that
it does not tell itself: an update begins where the one before it ended, unless that one still waited when it was
decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from engine.outcomes import Publication
from engine.signals import Millis


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """An unfinished row of an incident at a sink; ``epoch`` is 0 as long as nobody has claimed it."""

    id: int
    publication: Publication
    state: str
    ambiguous: bool
    epoch: int
    due: Millis

    def waits(self, now: Millis) -> bool:
        """Is it an update that has not come to its time?"""
        return self.publication.action == "update" and self.epoch == 0 and self.due > now

    def yields(self) -> bool:
        """Is it an update that surely nobody has seen?"""
        return self.publication.action == "update" and self.state == "new" and not self.ambiguous


def before(one: Queued, other: Queued, now: Millis) -> bool:
    """Must ``one`` be finished before ``other`` may go? What was begun comes first, then the order of decisions."""
    return not one.waits(now) and (one.epoch == 0, one.id) < (other.epoch == 0, other.id)


def heirs(rows: Sequence[Queued], now: Millis) -> dict[int, Queued]:
    """What gives way, by id, and to which row that is due; ``rows`` are those of one incident and sink, by id."""
    found: dict[int, Queued] = {}
    for place, row in enumerate(rows):
        heir = next(_heirs(row, rows[place + 1 :], now), None) if row.yields() else None
        if heir is not None:
            found[row.id] = heir
    return found


def _heirs(row: Queued, later: Sequence[Queued], now: Millis) -> Iterator[Queued]:
    """The last due update before anything else is told; for one that waits, whatever tells all that it would."""
    update: Queued | None = None
    for one in later:
        same = one.publication.audience == row.publication.audience
        if same and one.state == "new" and one.due <= now and not one.publication.alone:
            if one.publication.action == "update" and not one.ambiguous:
                update = one
            elif update is None and row.waits(now):
                yield one
        if one.publication.action != "update" and not row.waits(now):
            break
    if update is not None:
        yield update


def carried(rows: Sequence[Queued], heir: Queued) -> Publication:
    """The publication of ``heir`` with the news of ``rows``, which give way to it, as far as it does not tell them."""
    chain = [row.publication for row in rows] + [heir.publication]
    lines: list[str] = []
    for one, following in pairwise(chain):
        if following.created_at >= one.not_before:  # decided after that one had come to its time
            lines += news(one)
    if not lines:
        return heir.publication
    body = {**heir.publication.body, "news": list(dict.fromkeys((*lines, *news(heir.publication))))}
    return msgspec.structs.replace(heir.publication, body=body)


def news(publication: Publication) -> list[str]:
    """Its lines; why it is told, where it has none."""
    return list(publication.body.get("news") or filter(None, (publication.body.get("why"),)))
