"""Publications as mail, by SMTP (RFC 5321), to recipients from the settings and from nowhere else.

The server's address passes the same guard as every other destination. What the server says to a recipient is judged for
that recipient: 4xx is tried again for those alone who have not had it yet, 5xx is final and leaves the others theirs. A
connection that is lost after the text has begun to flow leaves it open whether the mail arrived; it is then sent once
more under its Message-ID: to hear twice is the lesser evil.
"""

from __future__ import annotations

import logging
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any, Literal

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.publish.asking import asking
from engine.publish.egress import Resolve, checked, deadline, resolve
from engine.publish.letter import letter
from engine.publish.repeats import at_most_twice
from engine.publish.texts import plain
from engine.publish.texts.message import Texts
from engine.publish.texts.told import told
from engine.sending import OutboxRow, Receipt

log = logging.getLogger(__name__)

SAID = 150
REMEMBERED = 1000
Refused = dict[str, tuple[int, bytes]]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in. ``tls``: from the first byte (implicit), by STARTTLS (never without), or none."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: str = ""
    allow_private: bool = False
    authorities: str | None = None
    timeout: float = 10.0
    deadline: float = 20.0


class Mail:
    """A sink that hands mail in at one server. ``targets``: name of a role or person -> addresses, for escalations."""

    idempotent = True

    def __init__(
        self,
        name: str,
        server: Server,
        sender: str,
        recipients: Sequence[str],
        audiences: frozenset[str],
        texts: Texts,
        *,
        targets: Mapping[str, Sequence[str]] | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self.name, self.audiences = name, audiences
        self._server, self._sender, self._recipients = server, sender, tuple(recipients)
        self._targets, self._texts, self._resolve = targets or {}, texts, resolve
        self._reached: dict[str, set[str]] = {}  # key -> who had it already, while others still wait

    def send(self, row: OutboxRow) -> Receipt:
        """Hand it in for everybody who has not had it; returns its Message-ID."""
        publication = row.publication
        everybody = self._to(publication)
        mail = letter(publication, self._texts.message(publication), self._sender, everybody)
        reached = self._reached.setdefault(publication.key, set())
        while len(self._reached) > REMEMBERED:
            del self._reached[next(iter(self._reached))]
        waiting = [one for one in everybody if one not in reached]
        with at_most_twice(row), self._session() as session:
            refused = _hand_in(session, self._sender, waiting, mail)
        reached |= set(waiting) - set(refused)
        self._judge(refused, len(everybody), reached)
        self._reached.pop(publication.key, None)
        return Receipt(str(mail["Message-ID"]))

    def show(self, row: OutboxRow) -> str:
        """Its headers and both of its bodies, before they are encoded for the way."""
        publication = row.publication
        mail = letter(publication, self._texts.message(publication), self._sender, self._to(publication))
        headers = [f"{name}: {value}" for name, value in mail.items() if name not in ("Content-Type", "MIME-Version")]
        bodies = [f"--- {part.get_content_type()}\n{part.get_content()}" for part in mail.iter_parts()]
        return "\n".join([*headers, "", *bodies])

    def _to(self, publication: Publication) -> list[str]:
        """The recipients, and the targets of the roles that are called or of the crisis team; each once."""
        said = told(publication)
        roles = (*said.reach.roles, *said.declaration.team)
        named = [name for role in roles for name in (role.role, *role.names)]
        return list(dict.fromkeys([*self._recipients, *(one for name in named for one in self._targets.get(name, ()))]))

    def _judge(self, refused: Refused, all: int, reached: set[str]) -> None:
        """Raises when somebody is still to have it, or when nobody will."""
        if not refused:
            return
        said = "; ".join(f"{one}: {_said(*answer)}" for one, answer in sorted(refused.items()))
        if any(400 <= code < 500 for code, _ in refused.values()):
            raise SinkError(f"not for all {all} recipients yet: {said}")
        if not reached:
            raise SinkError(f"no recipient was accepted: {said}", permanent=True)
        log.warning("mail of %s was refused for good for some recipients: %s", self.name, said)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """A connection that is greeted, encrypted and logged in as declared."""
        server = self._server
        with asking():
            address = checked(server.host, server.port, allow_private=server.allow_private, resolve=self._resolve)
        with deadline(server.deadline) as watch:
            session = Session(server, address, self._sender.rpartition("@")[2], watch)
            try:
                session.open()
                yield session
            except (smtplib.SMTPException, OSError) as error:
                raise _failure(error, flowing=session.flowing) from error
            finally:
                session.end()


class Session(smtplib.SMTP):
    """SMTP to an address that was checked, under the name that was declared. ``flowing``: the text may have arrived."""

    def __init__(self, server: Server, address: str, name: str, watch: Callable[[Any], None]) -> None:
        super().__init__(local_hostname=name, timeout=server.timeout)
        self._server, self._address, self._watch = server, address, watch
        self._host = server.host  # what the certificate must be for
        self.flowing = False

    def open(self) -> None:
        """Connect, encrypt, log in."""
        server = self._server
        code, said = self.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if server.tls == "starttls":
            self.starttls(context=ssl.create_default_context(cafile=server.authorities))
            self._watch(self.sock)
        if server.user:
            self.login(server.user, server.password)

    def end(self) -> None:
        """Say goodbye if that is still possible; whatever comes of it, the mail is where it is."""
        try:
            if self.sock is not None:
                self.quit()
        except (smtplib.SMTPException, OSError):
            pass
        finally:
            self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((self._address, port), timeout)
        self._watch(made)
        if self._server.tls == "implicit":
            context = ssl.create_default_context(cafile=self._server.authorities)
            made = context.wrap_socket(made, server_hostname=host)
            self._watch(made)
        return made


def _hand_in(session: Session, sender: str, recipients: Sequence[str], mail: EmailMessage) -> Refused:
    """One transaction (RFC 5321, 3.3); returns who was refused, with the answer."""
    session.ehlo_or_helo_if_needed()
    content = re.sub(rb"(?m)^\.", b"..", mail.as_bytes())
    _wanted(session.mail(sender), 250)
    answers = {one: session.rcpt(one) for one in recipients}
    refused = {one: answer for one, answer in answers.items() if answer[0] not in (250, 251)}
    if len(refused) == len(answers):
        return refused
    _wanted(session.docmd("DATA"), 354)
    session.flowing = True
    session.send(content + b".\r\n")
    answer = session.getreply()
    session.flowing = False
    _wanted(answer, 250)
    return refused


def _wanted(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] != code:
        raise smtplib.SMTPResponseException(*answer)


def _failure(error: Exception, *, flowing: bool) -> SinkError:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error.encode() if isinstance(error.smtp_error, str) else error.smtp_error
        return SinkError(f"the mail server said {_said(error.smtp_code, words)}", permanent=error.smtp_code >= 500)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return SinkError(f"the mail server cannot do what is declared: {plain(str(error), SAID)}", permanent=True)
    detail = f"{type(error).__name__}: {plain(str(error), SAID)}"
    if flowing:
        return SinkError(f"the connection was lost while the mail was handed in: {detail}", ambiguous=True)
    return SinkError(f"the mail server cannot be reached: {detail}")


def _said(code: int, words: bytes) -> str:
    return plain(f"{code} {words.decode('utf-8', 'replace')}", SAID)
