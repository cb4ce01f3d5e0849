"""What a ticket says: its key, title, opening text and comments, as plain text of limited length.

Trackers escape it for their own markup. Every comment ends with a line that names its publication, so that one that
may have been written before is found again instead of being written twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.publish.texts import business, comment, plain, technical

TITLE = 200
TEXT = 30_000
"""Characters; Jira takes 32,767, the least of those that say."""

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def key_of(publication: Publication) -> str:
    """The key of the ticket of an incident's generation: letters, digits and hyphens only, whatever an id may hold.

    It holds when the incident began, so that it is another one after Headwater has begun anew with an empty store.
    """
    incident = publication.body.get("incident") or {}
    began = incident.get("opened_at", 0)
    text = f"{publication.incident}\n{publication.generation}\n{began}"
    return "headwater-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def safe(key: str) -> str:
    """The key, which goes into the search languages of other systems: one that could mean more there is none."""
    if not KEY.fullmatch(key):
        raise SinkError("the ticket's key holds characters that no key may hold", permanent=True)
    return key


def level(publication: Publication) -> str:
    """The severity's level, such as SEV2; empty while it is not known."""
    incident = publication.body.get("incident") or {}
    return plain(str((incident.get("severity") or {}).get("level") or ""), 20)


def title(publication: Publication) -> str:
    """One line that stays the same as long as the severity does."""
    if record := publication.body.get("record"):
        return plain(str(record.get("title")), TITLE)
    incident = publication.body.get("incident") or {}
    said = plain(str(incident.get("title") or publication.incident), TITLE - 30)
    return f"[{level(publication) or 'unknown'}] {said}"


def opening(publication: Publication, first: Iterable[str] = ()) -> str:
    """What is new, then both texts: for those who mend, for those who are affected. ``first``: lines to go before.
    What an incident leaves to do has a text of its own."""
    if record := publication.body.get("record"):
        return capped("\n".join((*first, *map(plain, str(record.get("text")).splitlines()))), TEXT)
    new = (comment(publication), "") if publication.body.get("news") else ()
    body = "\n".join((*first, *new, technical(publication).body, "", "For those who are affected:", ""))
    return capped(body + business(publication).body, TEXT)


def remark(publication: Publication, more: Iterable[str] = ()) -> str:
    """A comment: what is new, further lines, and the mark. Empty when there is nothing to say."""
    lines = [line for line in (comment(publication), *more) if line]
    sign = mark(publication.key)
    return f"{capped(chr(10).join(lines), TEXT - len(sign) - 2)}\n\n{sign}" if lines else ""


def mark(key: str) -> str:
    """The line by which a comment is found again."""
    return f"[headwater {plain(key, TITLE)}]"


def capped(text: str, limit: int) -> str:
    """At most ``limit`` characters, and a word where something is missing.

    >>> capped("one two three", 10)
    'one [...]'
    """
    return text if len(text) <= limit else text[: max(0, limit - 6)].rstrip() + " [...]"
