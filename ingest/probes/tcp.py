"""TCP: a connection, and what the server says first if that is asked for."""

from __future__ import annotations

import time

from ingest.probes.found import Found, failed, wanting
from ingest.probes.network import Deadline, World, connect
from rules.probes import Probe, host_port

MOST = 4096
"""Bytes of a greeting that are looked at."""


def run(probe: Probe, world: World) -> Found:
    """Connect once."""
    host, port = host_port(probe.target)
    deadline, begun = Deadline(probe.timeout), time.monotonic()
    with connect(world.out, host, port, deadline, allow_private=probe.allow_private) as connection:
        took = round(1000 * (time.monotonic() - begun))
        expect = probe.expect
        if not expect.contains and not expect.matches:
            return Found("yes", "connected", duration=took)
        said = b""
        while len(said) < MOST and wanting(said.decode("utf-8", "replace"), expect.contains, expect.matches):
            try:
                connection.settimeout(deadline.left())
                part = connection.recv(MOST)
            except OSError:  # a timeout is one
                part = b""
            if not part:
                break
            said += part
    wrong = wanting(said[:MOST].decode("utf-8", "replace"), expect.contains, expect.matches)
    return failed(f"connected, but what it says {wrong}") if wrong else Found("yes", "connected", duration=took)
