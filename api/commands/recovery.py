"""`headwater recovery`: what a recovery was compared with, and how incidents of a period were closed, as tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from api import bootstrap
from api.commands.console import DONE, WRONG, Failed
from api.commands.explain import Fetch, asking
from api.recovery_report import table
from api.recovery_report.written import FORMATS, written
from api.recovery_schemas import WindowsOf
from engine.times import parse_moment

TABLES = ("summary", "ratios", "samples")
DAYS_30 = 30 * 86_400_000


@dataclass(frozen=True)
class Asked:
    """Where to ask, and how to answer."""

    url: str | None
    token: str
    config: Path | None
    data: Path | None
    form: str
    out: Path | None


def report(incident: str, tables: list[str], asked: Asked) -> int:
    """The windows of one incident: every sample, a summary, the ratios of quantiles."""
    chosen = tables or [name for name in TABLES if asked.form == "json" or name != "samples"]
    if wrong := [name for name in chosen if name not in TABLES]:
        raise Failed(f"there is no table {', '.join(wrong)}", f"tables are {', '.join(TABLES)}", WRONG)
    with asking(asked.url, asked.token, asked.config, asked.data) as fetch:
        found = fetch(f"incidents/{quote(incident, safe='')}/recovery/windows")
    if found is None:
        raise Failed(f"nothing was compared of an incident {incident!r}", "ids look like INC-42", WRONG)
    windows = msgspec.convert(found, WindowsOf)
    if not windows.indicators:
        mend = "of an open incident only a running server knows them (--url)"
        raise Failed(f"no windows are kept of {incident}", mend, WRONG)
    made = {"summary": table.summary, "ratios": table.tails, "samples": table.samples}
    said = windows.closed_as or "open"
    title = f"Recovery of {windows.incident}: {windows.verdict}, {said}"
    return _write(title, {name: made[name](windows.indicators) for name in chosen}, asked)


def period(since: str, until: str, asked: Asked) -> int:
    """How the incidents of a period were closed, and how long their proof took."""
    try:
        end = parse_moment(until) if until else bootstrap.now()
        begin = parse_moment(since) if since else end - DAYS_30
    except ValueError as error:
        raise Failed(f"the period {error}", "for example: --from 2026-03-01T00:00:00Z", WRONG) from None
    with asking(asked.url, asked.token, asked.config, asked.data) as fetch:
        frame = table.period(_incidents(fetch), begin, end)
    return _write("Recoveries", {"closed": table.closings(frame), "incidents": frame}, asked)


def _incidents(fetch: Fetch) -> Iterator[dict[str, Any]]:
    """All of them, page by page."""
    cursor = ""
    while True:
        page = fetch(f"incidents?limit=50&cursor={quote(cursor, safe='')}")
        yield from page["items"]
        cursor = page.get("next") or ""
        if not cursor:
            return


def _write(title: str, tables: dict[str, Any], asked: Asked) -> int:
    form = next((known for known in FORMATS if known == asked.form), None)
    if form is None:
        raise Failed(f"there is no format {asked.form!r}", f"formats are {', '.join(FORMATS)}", WRONG)
    text = written(title, tables, form)
    if asked.out is not None:
        asked.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    return DONE
