"""How clients prove who they are and whom they speak to: TLS and SASL, as options of kafka-python.

The options hold secrets: they are handed to a client and never logged.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence
from typing import Any, NamedTuple


class Tls(NamedTuple):
    """Files in PEM. ``authorities``: whom to believe, empty: the system's; ``certificate`` and ``key``: our own."""

    authorities: str = ""
    certificate: str = ""
    key: str = ""
    key_password: str = ""

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later, with the server's name checked. Raises OSError and ssl.SSLError."""
        context = ssl.create_default_context(cafile=self.authorities or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None, self.key_password or None)
        return context


class Hidden(str):
    """A secret that shows itself in no repr: kafka-python logs the options of its admin client."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Sasl(NamedTuple):
    """``mechanism``: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""

    mechanism: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Sasl({self.mechanism!r}, {self.user!r})"


def given(bootstrap: Sequence[str], tls: Tls | None = None, sasl: Sasl | None = None) -> dict[str, Any]:
    """What a consumer, a producer and an admin client of this cluster have in common. Raises as `Tls.context`."""
    logging.getLogger("kafka").setLevel(logging.WARNING)  # below, it logs what is sent, passwords included
    made: dict[str, Any] = {"bootstrap_servers": list(bootstrap)}
    protocol = "SSL" if tls else "PLAINTEXT"
    if tls is not None:
        made["ssl_context"] = tls.context()
    if sasl is not None:
        protocol = f"SASL_{protocol}"
        made |= {
            "sasl_mechanism": sasl.mechanism, "sasl_plain_username": sasl.user,
            "sasl_plain_password": Hidden(sasl.password)
        }  # fmt: skip
    return {**made, "security_protocol": protocol}
