"""SQL: one query, judged by its rows and its first value."""

from __future__ import annotations

import time

from ingest.probes.databases import MOST_ROWS, ask, number
from ingest.probes.found import Found, failed, harmless, outside
from ingest.probes.network import Deadline, World
from rules.probes import Probe


def run(probe: Probe, world: World) -> Found:
    """Ask once. The value is the first value if that is a number, else the number of rows."""
    begun = time.monotonic()
    found = ask(world, probe.target, probe.query, Deadline(probe.timeout))
    took = round(1000 * (time.monotonic() - begun))
    expect, count = probe.expect, len(found.rows)
    more = f" or more than {MOST_ROWS}" if found.more else ""
    if wrong := outside(count, *expect.rows):
        return failed(f"the number of rows, {count}{more}, {wrong}", count, "rows")
    if expect.equals and str(found.first) != expect.equals:
        return failed(f"the value is {harmless(str(found.first), 60)!r}")
    if expect.value != (None, None):
        value = number(found.first)
        wrong = outside(value, *expect.value)
        return failed(f"the value {value:g} {wrong}", value) if wrong else Found("yes", f"{value:g}", value, "", took)
    return Found("yes", f"{count} rows{more}", count, "rows", took)
