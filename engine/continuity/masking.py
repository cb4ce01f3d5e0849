"""Secrets in what a program said: known ones, and what looks like one, are replaced before anything is kept.

>>> masked("user=ann password=hunter2 ok")
'user=ann password=*** ok'
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"
SHORTEST = 6
"""Letters of a known secret; what is shorter would mask half of the text."""
_SHAPES = (
    re.compile(r"(?i)(authorization\"?\s{0,3}[:=]\s{0,3}\"?(?:bearer|basic|token)?\s{0,3})[^\s\",;]+"),
    re.compile(
        r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)[a-z0-9_-]{0,40}\"?\s{0,3}[=:]\s{0,3}\"?)"
        r"[^\s\",;&]+"
    ),
    re.compile(r"(?i)\b(bearer\s+)[a-z0-9._~+/=-]{8,}"),
    re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:)[^\s@/]+(?=@)"),
    re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"()\beyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{0,2000}"),
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"),
)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the known ``secrets`` and without what looks like a password, token or private key."""
    for secret in sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for shape in _SHAPES:
        text = shape.sub(lambda found: f"{found[1]}{MASK}", text)
    return text


def printable(text: str) -> str:
    """Nothing that a terminal obeys; lines stay lines."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
