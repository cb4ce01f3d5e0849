"""TLS: a handshake that is believed, and the days until the certificate ends, which are told of a bad one, too."""

from __future__ import annotations

import ssl
import time

from ingest.probes import certificate
from ingest.probes.found import Found, failed, harmless
from ingest.probes.network import Deadline, Unreachable, World, connect
from rules.probes import Probe, host_port

DAY = 86_400_000


def run(probe: Probe, world: World) -> Found:
    """Shake hands once; once more without trust to read what was not believed. The value is the days left."""
    deadline, begun = Deadline(probe.timeout), time.monotonic()
    try:
        der = _shake(probe, world, deadline, world.trust())
    except ssl.SSLCertVerificationError as error:
        days = _days(_unbelieved(probe, world, deadline), world)
        return failed(f"not believed: {harmless(error.verify_message, 120)}{_in_words(days)}", days, "days")
    took = round(1000 * (time.monotonic() - begun))
    days = _days(der, world)
    least = probe.expect.days_left
    if least is not None and (days is None or days < least):
        return failed(f"fewer than {least} days are left{_in_words(days)}", days, "days")
    return Found("yes", f"believed{_in_words(days)}", days, "days", took)


def _shake(probe: Probe, world: World, deadline: Deadline, context: ssl.SSLContext) -> bytes:
    host, port = host_port(probe.target)
    with connect(world.out, host, port, deadline, allow_private=probe.allow_private) as plain:
        plain.settimeout(deadline.left())
        try:
            with context.wrap_socket(plain, server_hostname=probe.name or host) as secured:
                return secured.getpeercert(binary_form=True) or b""
        except (ssl.SSLCertVerificationError, TimeoutError):
            raise
        except OSError as error:
            raise Unreachable(f"no handshake: {harmless(getattr(error, 'reason', '') or str(error), 120)}") from None


def _unbelieved(probe: Probe, world: World, deadline: Deadline) -> bytes:
    """The certificate of a server that is not trusted. Nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return _shake(probe, world, deadline, context)
    except (OSError, Unreachable):
        return b""


def _days(der: bytes, world: World) -> float | None:
    """Days left, with two digits; None where the certificate cannot be read."""
    try:
        return round((certificate.ends(der) - world.clock()) / DAY, 2)
    except ValueError:
        return None


def _in_words(days: float | None) -> str:
    if days is None:
        return ""
    return f", ended {-days:g} days ago" if days < 0 else f", {days:g} days left"
