"""A stranger's text as one harmless line, and what a text is made of.

What strangers wrote (names, labels, titles) is capped in length and stripped of control, formatting and direction
characters, so that it can neither forge a line nor colour a terminal.
"""

from __future__ import annotations

import unicodedata

import msgspec

TITLE = 200
LINE = 400
SHOWN = 12
"""Entries of a list in a text."""


class Text(msgspec.Struct, frozen=True):
    """A title of one line and a body of several."""

    title: str
    body: str


def plain(text: str, limit: int = LINE) -> str:
    """A stranger's text as one harmless line of at most ``limit`` characters.

    >>> plain("db\\x1b[31m\\u202e down\\nSEV1: all clear")
    'db[31m down SEV1: all clear'
    """
    line = " ".join(visible(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """Without control, format, direction and surrogate characters; all white space as spaces."""
    spaced = (" " if char.isspace() else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
