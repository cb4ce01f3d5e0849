"""What one receiver reads: an operator's template or the shipped text, escaped for its markup, cut to its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.outcomes import Publication
from engine.publish.texts.engineers import technical
from engine.publish.texts.fields import values
from engine.publish.texts.line import TITLE, Text
from engine.publish.texts.markup.html import HTML
from engine.publish.texts.markup.kind import Markup
from engine.publish.texts.markup.plain import PLAIN
from engine.publish.texts.news import comment
from engine.publish.texts.stakeholders import business
from engine.publish.texts.template import fill


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """An operator's texts for an ``action`` and an ``audience`` (empty: for all). An empty text is the shipped one.
    ``html`` is for mail only."""

    action: str = ""
    audience: str = ""
    title: str = ""
    body: str = ""
    html: str = ""

    def suits(self, publication: Publication) -> bool:
        """Is it for this publication?"""
        return self.action in ("", publication.action) and self.audience in ("", publication.audience)


class Message(msgspec.Struct, frozen=True):
    """A title of one plain line, and a body of lines in the receiver's markup. ``html`` where a template gives it."""

    title: str
    lines: tuple[str, ...]
    html: str = ""


class Texts:
    """The texts for one receiver: ``title`` and ``body`` are the longest that it takes, in characters. ``news``: what
    is new stands above the shipped text, for a receiver that shows it nowhere else."""

    def __init__(
        self,
        templates: Sequence[Template] = (),
        *,
        markup: Markup = PLAIN,
        title: int = TITLE,
        body: int = 20_000,
        news: bool = False,
    ) -> None:
        self._templates = templates
        self._markup, self._title, self._body, self._news = markup, title, body, news

    def message(self, publication: Publication) -> Message:
        """What is told. The first template that suits stands for all later ones."""
        shipped = for_audience(publication)
        own = next((one for one in self._templates if one.suits(publication)), Template())
        held = values(publication) if own.title or own.body or own.html else {}
        title = " ".join(fill(own.title, held, PLAIN).split()) if own.title else shipped.title
        if own.body:
            lines = fill(own.body, held, self._markup).split("\n")
        else:
            lines = [self._markup.escape(line) for line in [*self._new(publication), *shipped.body.split("\n")]]
        html = fill(own.html, held, HTML) if own.html else ""
        return Message(PLAIN.cut(title, self._title), tuple(self._fit(lines)), html if len(html) <= self._body else "")

    def _new(self, publication: Publication) -> list[str]:
        if not self._news or publication.action == "open" or not publication.body.get("news"):
            return []
        return [*comment(publication).split("\n"), ""]

    def escape(self, text: str) -> str:
        """Lines of plain text in the receiver's markup, cut to its size."""
        return self._markup.between.join(self._fit(map(self._markup.escape, text.split("\n"))))

    def _fit(self, lines: Iterable[str]) -> list[str]:
        """As many whole lines as fit; the last one says how many are left out."""
        given = list(lines)
        kept: list[str] = []
        room = self._body - 40
        for line in given:
            shown = line if kept else self._markup.cut(line, max(room, 1))
            room -= len(shown) + len(self._markup.between)
            if room < 0 and kept:
                return [*kept, f"… {len(given) - len(kept)} more lines"]
            kept.append(shown)
        return kept


def for_audience(publication: Publication) -> Text:
    """The shipped text for whom the publication is meant."""
    return business(publication) if publication.audience == "stakeholders" else technical(publication)
