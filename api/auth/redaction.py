"""Secrets out of logs: whatever looks like one, and every one that the settings hold, wherever a record has it."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from engine.evidence.logs.secrets import SECRET, without_secrets

OURS = re.compile(r"\bhw[kf]?_[A-Za-z0-9_-]{16,200}")
"""Tokens, keys and one-time tokens of Headwater itself."""
SHORTEST = 6
"""Shorter secrets are words that stand in logs for other reasons."""


class Redaction(logging.Filter):
    """Put it on a handler, so that every record passes: text, arguments and tracebacks."""

    def __init__(self, known: Iterable[str]) -> None:
        super().__init__()
        self._known = sorted({one for one in known if len(one) >= SHORTEST}, key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is changed."""
        record.msg, record.args = self.clean(record.getMessage()), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self.clean("".join(traceback.format_exception(*record.exc_info)).rstrip())
        elif record.exc_text:
            record.exc_text = self.clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self.clean(record.stack_info)
        return True

    def clean(self, text: str) -> str:
        """The text with a placeholder for each secret.

        >>> Redaction(["correct horse"]).clean("with correct horse and token=abc")
        'with <secret> and token=<secret>'
        """
        for one in self._known:
            text = text.replace(one, SECRET)
        return without_secrets(OURS.sub(SECRET, text))


def secrets(settings: object, hidden: bool = False) -> Iterator[str]:
    """Every secret in the settings: the texts of all fields that are in no repr, however deep."""
    if isinstance(settings, str):
        if hidden:
            yield settings
    elif is_dataclass(settings):
        for one in fields(settings):
            yield from secrets(getattr(settings, one.name), hidden or not one.repr)
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from secrets(value, hidden)
    elif isinstance(settings, Iterable):
        for value in settings:
            yield from secrets(value, hidden)
