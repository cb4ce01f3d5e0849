"""What kind of thing lines say: their words, and whether they tell of a failure.

A *group* of lines has the same first words and the same class. Both are functions of the line alone, so that counts per
group do not depend on the order of arrival (templates do, see `drain`): what verdicts rest on.
"""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

WORDS = 8
"""Words of a line that say what kind of thing it tells; what follows them varies more than it tells apart."""
FAILED, WORDED, WARNED, PLAIN = "failed", "worded", "warned", "plain"
"""Classes: a failure by its level; by its words, where the level does not say; a warning; anything else."""

FAILING = frozenset({"error", "critical"})
_UNSAID = frozenset({"", "warning"})
_FAILURES = (
    "exception", "error", "fail", "traceback", "timeout", "timed out", "refused", "denied", "panic", "fatal", "abort",
    "unreachable", "unavailable", "exhausted", "overload", "crash", "killed", "no space left", "out of memory",
    "reject", "deadline exceeded", "connection reset", "broken pipe", "cannot ", "could not", "unable to", "not found",
    "saturated",
)  # fmt: skip
_NONE = ("0 error", "no error", "error: null", "errors: 0", "error=nil", "error=null", "0 fail", "no fail", "<n> error")
_SERVER_ERRORS = ("status 50", "status=50", 'status":50', "status: 50", "code=50", 'code":50', '" 50')


def class_of(level: str, text: str) -> str:
    """The class of a masked line.

    >>> class_of("error", "boom"), class_of("", "dial tcp: i/o timeout"), class_of("info", "retry failed")
    ('failed', 'worded', 'plain')
    """
    if level in FAILING:
        return FAILED
    if level not in _UNSAID:
        return PLAIN
    low = text.lower()
    if any(map(low.__contains__, _FAILURES)):
        if not any(map(low.__contains__, _NONE)):
            return WORDED
    elif any(map(low.__contains__, _SERVER_ERRORS)):
        return WORDED
    return WARNED if level else PLAIN


def group_of(said: str, tokens: Sequence[str]) -> int:
    """A number for the class and the first words of a masked line; what was masked is no word."""
    words = []
    for token in tokens:
        if "<" not in token:
            words.append(token)
            if len(words) == WORDS:
                break
    return xxhash.xxh3_64_intdigest(f"{said} {' '.join(words)}".encode()) >> 1
