"""HTTP: one GET, judged by status and body. A redirect is an answer, not an instruction."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from ingest.probes.found import Found, Unmakeable, failed, wanting
from ingest.probes.network import World
from rules.probes import Probe


def run(probe: Probe, world: World) -> Found:
    """Ask once. The value is the status."""
    headers = {"Accept": "*/*", **_authorization(probe, world)}
    begun = time.monotonic()
    page = world.out.get(probe.target, headers, allow_private=probe.allow_private, seconds=probe.timeout / 1000)
    took = round(1000 * (time.monotonic() - begun))
    if took >= probe.timeout:
        raise TimeoutError  # what had come by then was kept, and is no answer
    status = f"status {page.status}"
    if not any(low <= page.status <= high for low, high in probe.expect.status):
        return failed(status, page.status)
    wrong = wanting(page.body.decode("utf-8", "replace"), probe.expect.contains, probe.expect.matches)
    if wrong:
        return failed(f"{status}, the body {wrong}" + (" in its first MiB" if page.cut else ""), page.status)
    return Found("yes", status, page.status, duration=took)


def _authorization(probe: Probe, world: World) -> dict[str, str]:
    if not probe.credential:
        return {}
    known = world.credentials.get(probe.credential)
    if known is None:
        raise Unmakeable(f"the settings have no credential {probe.credential!r}")
    if (urlsplit(probe.target).hostname or "") not in known.hosts:
        raise Unmakeable(f"the credential {probe.credential!r} is not for that host")
    return {"Authorization": f"Bearer {known.token}"}
