"""A command from the settings' list, by its name: arguments as a list, no shell, nothing of the engine's environment.

What it returns means what Nagios' plugins mean by it: 0 passes, 3 is unknown, all else fails.
https://nagios-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

from ingest import process
from ingest.probes.found import Found, Unmakeable, failed, harmless, wanting
from ingest.probes.network import World
from rules.probes import Probe

UNKNOWN = 3


def run(probe: Probe, world: World) -> Found:
    """Run it once; with all that it started, it is ended when its time is over. The value is what it returned."""
    argv = world.commands.get(probe.target)
    if argv is None:
        raise Unmakeable(f"the settings have no command {probe.target!r}")
    try:
        ran = process.run(argv, probe.timeout / 1000)
    except process.NotStarted as error:
        raise Unmakeable(f"the command does not start: {error}") from None
    return _judged(probe, ran.said.decode("utf-8", "replace"), ran.code, ran.took)


def _judged(probe: Probe, text: str, code: int, took: int) -> Found:
    line = harmless(text.partition("\n")[0]) or f"returned {code}"
    if code == UNKNOWN:
        return Found("unknown", line, code)
    if code:
        return failed(line, code)
    wrong = wanting(text, probe.expect.contains, probe.expect.matches)
    return failed(f"its output {wrong}", code) if wrong else Found("yes", line, code, duration=took)
