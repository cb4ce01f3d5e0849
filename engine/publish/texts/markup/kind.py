"""What a markup is to texts."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

Escape = Callable[[str], str]


class Markup(msgspec.Struct, frozen=True):
    """``escape`` takes any text and returns markup that shows it; ``between`` parts lines; ``torn`` matches what a cut
    at any place leaves of an escape at the end."""

    name: str
    escape: Escape
    between: str = "\n"
    torn: re.Pattern[str] = re.compile(r"(?!)")

    def lines(self, text: str) -> str:
        """Lines of plain text as markup."""
        return self.between.join(map(self.escape, text.split("\n")))

    def cut(self, marked: str, limit: int) -> str:
        """At most ``limit`` characters of markup, with no escape cut in two."""
        if len(marked) <= limit:
            return marked
        return self.torn.sub("", marked[: limit - 1]) + "…"
