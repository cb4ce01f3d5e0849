"""One run of a probe or data check: never raises, always an answer, with its duration and no secret in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from math import isfinite

from engine.signals import Answer
from ingest.probes import command, data, dns, http, sql, tcp, tls
from ingest.probes.found import Found, Unmakeable, failed, harmless
from ingest.probes.network import Refused, Unreachable, World
from rules.probes import DataCheck, Probe

log = logging.getLogger(__name__)

Check = Probe | DataCheck
_KINDS: Mapping[str, Callable[[Probe, World], Found]] = {
    "http": http.run,
    "tcp": tcp.run,
    "dns": dns.run,
    "tls": tls.run,
    "sql": sql.run,
    "command": command.run,
}


def run(check: Check, world: World) -> Answer:
    """The answer, as of when it was begun. What nobody foresaw is unknown: it says nothing of the entity."""
    at, begun = world.clock(), time.monotonic()
    found = _tried(check, world)
    took = round(1000 * (time.monotonic() - begun)) if found.duration is None else found.duration
    if (
        isinstance(check, Probe)
        and check.expect.latency is not None
        and found.passed == "yes"
        and took > check.expect.latency
    ):
        found = failed(
            f"{found.detail}, but after {took} ms, more than {check.expect.latency}", found.value, found.unit
        )
    return Answer(
        probe=check.id,
        entity=check.entity,
        kind=check.kind,
        at=at,
        passed=found.passed,
        duration=took,
        value=found.value if found.value is not None and isfinite(found.value) else None,
        unit=found.unit,
        detail=_without_secrets(harmless(found.detail), world),
    )


def _tried(check: Check, world: World) -> Found:
    try:
        return data.run(check, world) if isinstance(check, DataCheck) else _KINDS[check.kind](check, world)
    except (Unmakeable, Refused) as error:
        return Found("unknown", str(error))
    except TimeoutError:
        return _silent(check, f"no answer within {check.timeout} ms")
    except Unreachable as error:
        return _silent(check, str(error))
    except Exception as error:
        log.exception("the check %s failed here", check.id)
        return Found("unknown", f"Headwater failed on it: {type(error).__name__}")


def _silent(check: Check, why: str) -> Found:
    """A probe that nobody answers has failed. Data that cannot be asked for is not known to be wrong."""
    return Found("unknown", why) if isinstance(check, DataCheck) else failed(why)


def _without_secrets(text: str, world: World) -> str:
    held = [one.token for one in world.credentials.values()] + [one.password for one in world.databases.values()]
    for secret in held:
        text = text.replace(secret, "<secret>") if secret else text
    return text
