"""How log lines are written: for people, or one JSON object a line for programs that collect them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import msgspec

Form = Literal["text", "json"]
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, ``thread``, and ``error`` with its stack."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "thread": record.threadName,
        }
        error = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        if error:
            said["error"] = error
        return msgspec.json.encode(said).decode()


def set_up(form: Form, redaction: logging.Filter) -> None:
    """Log to standard error from now on, through a filter that takes secrets out."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    handler.addFilter(redaction)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write every URL that is called, secret ones too
