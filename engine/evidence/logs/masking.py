"""Ids, addresses, moments and quantities in a line, replaced by what they are.

A line is cut at white space into tokens. A token that nothing is to be masked in (most of them: plain words) is
remembered and costs one look-up; the others go through one combined pattern whose alternatives each start at a
character that decides, with possessive repetitions: linear in the token's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from math import log2

from engine.evidence.logs.secrets import SECRET, is_card, without_secrets

MOST_TOKENS = 64
"""Tokens of a line that are kept; what follows them changes nothing."""
MOST_TOKEN = 128
"""Characters of a token that are kept; longer ones are no words."""
REMEMBERED = 65_536
"""Tokens remembered as plain; none of them holds anything that was masked."""
HEXADECIMAL = 12
"""Characters from which a word of hexadecimal digits alone is an id."""
OPAQUE = 20
"""Characters from which a word of mixed letters is no word of a language …"""
ENTROPY = 3.5
"""… if its characters carry so many bits each (hexadecimal has at most 4, English words of that length about 3)."""

_TOKEN = re.compile(
    r"(?P<mail>[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
    r"|(?P<uuid>\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?!\w))"
    r"|(?P<time>\b\d{4}[-/.]\d\d[-/.]\d\d(?:[T_ ]?\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d:?\d\d)?(?!\w)"
    r"|\b\d{1,2}/[A-Z][a-z]{2}/\d{4}(?::\d\d:\d\d:\d\d)?|\b\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?Z?(?![\w:]))"
    r"|(?P<mac>\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:]))"
    r"|(?P<card>(?<![\w-])\d{4}-\d{4,6}-\d{4,5}(?:-\d{1,7})?(?!\w))"
    r"|(?P<ip>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5}|/\d{1,2})?(?![\w.])"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?(?:%\w{1,16})?(?![\w:]))"
    r"|(?P<dur>(?<![\w.])\d{1,15}(?:[.,]\d{1,15})?(?:ns|us|µs|ms|s|sec|secs|min|mins|m|h|hrs?|d|days?)"
    r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h)){0,3}(?!\w))"
    r"|(?P<size>(?<![\w.])\d{1,15}(?:[.,]\d{1,15})?(?:[KMGTPkmgtp]i?[Bb]?|[Bb]|bytes)(?:/s)?(?!\w))"
    r"|(?P<query>(?<=[\w/])\?[\w.%\[\]-]{1,64}=\S*+)"
    r"|(?P<word>[\w+-]{20,}+=*|\w++)"
)
_LETTERS_NUMBER = re.compile(r"([A-Za-z_]{1,64})\d{1,9}\Z")
_DIGITS = re.compile(r"\d+")
_HEXADECIMAL = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{8,}\Z")
_STATUS = re.compile(r"\(?[1-5]\d\d\)?[,.;:\"]?\Z")
_STATUS_PAIR = re.compile(r"(?i)[\w.-]{0,32}(?:status|code)[\w.-]{0,16}[\"']?[=:][\"']?[1-5]\d\d[\"',;})]{0,3}\Z")
_STATUS_WORDS = frozenset({"status", "code", "status:", "code:", "returned", "http/1.0", "http/1.1", "http/2"})
_PLACEHOLDERS = {"mail": "<mail>", "uuid": "<id>", "time": "<time>", "mac": "<mac>", "dur": "<dur>", "size": "<size>"}

_plain: set[str] = set()


def masked(text: str) -> list[str]:
    """The tokens of a cleaned line with secrets, ids, addresses, moments and quantities replaced.

    Numbers of HTTP states stay, they say what happened.

    >>> " ".join(masked("user 42 from 10.0.0.7:443 got status 503 in 12ms, id=8f14e45f-ceea-467f-a9d1-0123456789ab"))
    'user <n> from <ip> got status 503 in <dur>, id=<id>'
    """
    found: list[str] = []
    before = ""
    for token in without_secrets(text).split(None, MOST_TOKENS)[:MOST_TOKENS]:
        kept = token if token in _plain else _masked(token, before)
        found.append(kept)
        before = token
    return found


def _masked(token: str, before: str) -> str:
    if _says_status(token, before) or token == SECRET:
        return token
    if token.isalnum() and (len(token) >= HEXADECIMAL or token.isdigit() or not token[0].isdigit()):
        found = _word(token[:MOST_TOKEN])  # most of what is masked: no need to ask what else it could be
    else:
        found = _TOKEN.sub(_replaced, token[:MOST_TOKEN]) if SECRET not in token else _around_secret(token)
    if found == token:
        if len(_plain) >= REMEMBERED:
            _plain.clear()
        _plain.add(token)
    return found


def _says_status(token: str, before: str) -> bool:
    if _STATUS.match(token):
        return token[0] == "(" or before.lower() in _STATUS_WORDS
    return _STATUS_PAIR.match(token) is not None


def _around_secret(token: str) -> str:
    return SECRET.join(_TOKEN.sub(_replaced, part) for part in token[:MOST_TOKEN].split(SECRET))


def _replaced(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    text = match.group()
    return _PLACEHOLDERS.get(kind) or _ASKED[kind](text)


def _card(text: str) -> str:
    return "<card>" if is_card(text.replace("-", "")) else "<n>"


def _address(text: str) -> str:
    """An address of version 4 or 6; ``::`` between two names (of C++, Rust) is none."""
    return "<ip>" if any(c.isdigit() for c in text) or text.count(":") > 2 else text


def _word(text: str) -> str:
    if len(text) >= HEXADECIMAL and (_HEXADECIMAL.match(text) or (len(text) >= OPAQUE and _opaque(text))):
        return "<card>" if is_card(text) else "<id>"
    if len(text) >= OPAQUE and not text.isalnum():  # several words that hyphens join
        return re.sub(r"\w++", lambda part: _simple(part.group()), text)
    return _simple(text)


def _simple(text: str) -> str:
    """A word without punctuation."""
    if text.isalpha() or not _DIGITS.search(text):
        return text
    if text.isdigit():
        return "<card>" if is_card(text) else "<n>"
    if _LETTERS_NUMBER.match(text):
        return _DIGITS.sub("<n>", text)
    return "<id>" if len(text) >= 6 and "_" not in text else _DIGITS.sub("<n>", text)


def _opaque(text: str) -> bool:
    """Is it random? Letters and digits mixed, or letters of both cases in turn, with much information in each."""
    if not any(c.isdigit() for c in text) and not _turns(text) > len(text) // 4:
        return False
    counts = [text.count(c) for c in set(text)]
    size = len(text)
    return sum(-n / size * log2(n / size) for n in counts) >= ENTROPY and _turns(text) > size // 5


def _turns(text: str) -> int:
    """How often the kind of character (lower, upper, digit) changes."""
    kinds = [1 if c.isdigit() else 2 if c.isupper() else 0 for c in text]
    return sum(map(int.__ne__, kinds, kinds[1:]))


_ASKED: dict[str, Callable[[str], str]] = {
    "card": _card,
    "ip": _address,
    "query": partial(str.format, "?<query>"),
    "word": _word,
}
