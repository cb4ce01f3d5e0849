"""A sink for the channel behind one URL, which is its secret: what it gets can neither be edited nor looked for.

So every publication is a message of its own, and one whose answer was lost is sent once more: it names its incident and
revision, by which a reader knows it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from engine.outcomes import Publication
from engine.publish.posting import Post, shown
from engine.publish.repeats import at_most_twice
from engine.publish.texts.message import Texts
from engine.sending import OutboxRow, Receipt


class OneWay(ABC):
    """Posts what `body` makes of a publication."""

    idempotent = True

    def __init__(self, name: str, url: str, post: Post, audiences: frozenset[str], texts: Texts) -> None:
        self.name, self.audiences = name, audiences
        self._url, self._post, self._texts = url, post, texts

    def send(self, row: OutboxRow) -> Receipt:
        """Post it. Raises `SinkError`."""
        with at_most_twice(row):
            self._post(self._url, self.body(row.publication))
        return Receipt(row.publication.key)

    def show(self, row: OutboxRow) -> str:
        """The JSON that is posted."""
        return shown(self.body(row.publication))

    @abstractmethod
    def body(self, publication: Publication) -> object:
        """What is posted, as JSON."""
