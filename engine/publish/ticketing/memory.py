"""What a ticket sink remembers with each link, as JSON in `Link.seen`."""

from __future__ import annotations

import msgspec

from engine.publish.ticketing.tracker import Seen

FIELDS = ("state", "assignee", "priority", "resolution")
"""What people may change so that it flows back, besides notes."""

TAIL = 20
"""Notes that are remembered by id: the newest, of which one should still be there at the next look."""


class Memory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``wished``: what Headwater last asked for, by field; people's changes stand until it wants something else.
    ``level``: the severity that the title tells. ``known``: the fields as last reported or changed by us. ``notes``:
    ids of the newest notes that were reported or passed over. ``turns``: how many changes of a field were reported.
    """

    key: str = ""
    level: str = ""
    wished: dict[str, str] = {}
    known: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    turns: int = 0

    def learn(self, seen: Seen, *fields: str) -> None:
        """These fields are known as they were seen now."""
        self.known |= {field: getattr(seen, field) for field in fields}

    def text(self) -> str:
        """As it is stored."""
        return msgspec.json.encode(self).decode()


def recall(text: str) -> Memory:
    """What `Memory.text` gave; an empty one where the text is another's."""
    try:
        return msgspec.json.decode(text or "{}", type=Memory)
    except msgspec.DecodeError:
        return Memory()
