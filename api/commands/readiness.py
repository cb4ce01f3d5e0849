"""`headwater readiness`: the readiness of a running server, in words."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from api.commands.console import DONE, Failed, say
from api.commands.explain import over_http, serving
from api.readiness.words import as_csv, in_words
from engine.readiness.report import Readiness


def run(days: int, url: str | None, token: str, config: Path | None, *, form: str) -> int:
    """Print it as ``form``: words, json or csv."""
    with closing(serving(url, token, config)) as client:
        found = over_http(client)(f"readiness?days={days}")
    if form == "json":
        say(msgspec.json.encode(found).decode())
        return DONE
    read = msgspec.convert(found, Readiness)
    if form not in ("words", "csv"):
        raise Failed(f"--format is words, json or csv, not {form!r}")
    say("\n".join(in_words(read)) if form == "words" else as_csv(read).rstrip())
    return DONE
