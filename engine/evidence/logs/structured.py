"""Log lines that are JSON objects: the message inside, and the level that they name."""

from __future__ import annotations

from typing import Any

import msgspec

_MESSAGES = ("message", "msg", "log", "event", "body", "text", "short_message", "@message")
_DETAILS = ("error", "err", "exception", "reason")
_LEVELS = ("level", "severity", "severity_text", "log.level", "lvl")

_decoder = msgspec.json.Decoder(dict[str, Any])


def unwrapped(text: str) -> tuple[str, str]:
    """(message, level's word) of a line that is a JSON object with a message; any other line as it is.

    An error's text beside the message belongs to it, the other members are context and left out.

    >>> unwrapped('{"severity":"error","msg":"charge failed","error":"no such host","id":7}')
    ('charge failed: no such host', 'error')
    >>> unwrapped("{not json")
    ('{not json', '')
    """
    try:
        found = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text, ""
    message = _first(found, _MESSAGES)
    detail = _first(found, _DETAILS)
    if not message and not detail:
        return text, ""
    parts = dict.fromkeys(part for part in (message, detail) if part)
    return ": ".join(parts), _first(found, _LEVELS)


def _first(found: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := found.get(name), str) and value), "")
