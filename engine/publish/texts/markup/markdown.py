"""Markdown as Adaptive Cards and Teams know it: a part of CommonMark (https://spec.commonmark.org/0.31.2/).

A backslash before any ASCII punctuation makes it plain (section 2.4). Mentions in Teams are elements of the card's
JSON, not of its text; an ``@`` before a word is parted from it all the same, for receivers that see one there.
"""

from __future__ import annotations

import re

from engine.publish.texts.markup.kind import Markup

SPECIAL = re.compile(r"[\\`*_{}\[\]()<>#~|!&^$]")
AT = re.compile(r"@(?=\w)")
LEADING = re.compile(r"^(\s*)([-+=:])")
NUMBER = re.compile(r"^(\s*\d{1,9})([.)])")
ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto|file|tel|data|javascript|vbscript)(?=:)|\b(www)(?=\.)")


def escape(text: str) -> str:
    """One line of text as Markdown.

    >>> escape("[all clear](http://x.test) @everyone")
    '\\\\[all clear\\\\]\\\\(http\\u200b://x.test\\\\) @\\u200beveryone'
    """
    shown = SPECIAL.sub(r"\\\g<0>", text)
    shown = NUMBER.sub(r"\1\\\2", shown)
    shown = LEADING.sub(r"\1\\\2", shown)
    shown = ADDRESS.sub("\\g<0>\N{ZERO WIDTH SPACE}", shown)
    return AT.sub("@\N{ZERO WIDTH SPACE}", shown)


MARKDOWN = Markup("markdown", escape, "\n\n", re.compile(r"(?<!\\)(\\\\)*\\$"))
