"""Other people's log levels as the words of `engine.signals.LogRecord`."""

from __future__ import annotations

NUMBERED = (
    "",
    *("trace",) * 4,
    *("debug",) * 4,
    *("info",) * 4,
    *("warning",) * 4,
    *("error",) * 4,
    *("critical",) * 4,
)
"""OpenTelemetry's severity numbers 1-24; 0 is unspecified (logs data model, "Field: SeverityNumber")."""

_WORDS = {
    "trace": "trace",
    "verbose": "trace",
    "finest": "trace",
    "debug": "debug",
    "fine": "debug",
    "info": "info",
    "information": "info",
    "informational": "info",
    "notice": "info",
    "warn": "warning",
    "warning": "warning",
    "err": "error",
    "error": "error",
    "severe": "error",
    "crit": "critical",
    "critical": "critical",
    "fatal": "critical",
    "panic": "critical",
    "alert": "critical",
    "emerg": "critical",
    "emergency": "critical",
}


def level(word: str) -> str:
    """The level that a word means, in any case; empty when it means none."""
    return _WORDS.get(word) or _WORDS.get(word.strip().lower(), "")
