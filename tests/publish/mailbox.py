"""A real SMTP server on loopback (aiosmtpd) that answers as told, and keeps what it accepted."""

from __future__ import annotations

import subprocess
from asyncio import WriteTransport
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.real.components import free_port

LOST = "lost"
"""An answer to DATA that never comes: the connection ends."""


class Mailbox:
    """What arrived. ``recipients``: address -> answer to RCPT; ``data`` and ``sender``: answers to DATA and MAIL."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.bytes: list[bytes] = []
        self.recipients: dict[str, str] = {}
        self.data: list[str] = []
        self.sender = ""
        self.logins: list[tuple[bytes, bytes]] = []
        self.port = 0

    async def handle_MAIL(  # noqa: N802 - as the server calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender:
            return self.sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - as the server calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.recipients.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as the server calls it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.data.pop(0) if self.data else "250 taken"
        if answer in (LOST, "250 taken"):
            content = envelope.content
            assert isinstance(content, bytes)
            mail = message_from_bytes(content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.got.append((list(envelope.rcpt_tos), mail))
            self.bytes.append(content)
        if answer == LOST:
            assert isinstance(server.transport, WriteTransport)
            server.transport.abort()
        return answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def mailbox(context: Any = None, *, starttls: bool = True, **options: Any) -> Iterator[Mailbox]:
    """Serve until the context ends; with a TLS ``context``, by STARTTLS or from the first byte."""
    box = Mailbox()
    box.port = free_port()
    given: dict[str, Any] = {"authenticator": box.authenticate, **options}
    if context is not None and starttls:
        given["tls_context"] = context
    elif context is not None:
        given["ssl_context"] = context
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **given)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def certificate(folder: Path, name: str = "mail.test") -> tuple[Path, Path]:
    """A key and a certificate of its own for ``name``, made by OpenSSL: (certificate, key)."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}",
               "-addext", f"subjectAltName=DNS:{name}"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return cert, key
