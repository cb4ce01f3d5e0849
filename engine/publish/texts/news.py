"""What is new since the last telling, for the history of a ticket or the thread below a message."""

from __future__ import annotations

from engine.outcomes import Publication
from engine.publish.texts.line import plain
from engine.publish.texts.told import told


def comment(publication: Publication) -> str:
    """Lines of plain text: the news, else why this is told."""
    said = told(publication)
    return "\n".join(plain(line) for line in (said.news or (said.why,)) if line)
