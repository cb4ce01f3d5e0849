"""A publication as a mail: text and HTML (RFC 2046, 5.1.4), under a Message-ID that is the publication's own.

The same publication gives the same bytes, so a mail that arrives twice is recognisable as one. The first mail of an
incident carries the id that all later ones name in References (RFC 5322, 3.6.4): one incident is one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from urllib.parse import quote

from engine.outcomes import Publication
from engine.publish.texts.message import Message
from engine.publish.texts.told import told

LONGEST_ID = 150
STYLE = "font-family: sans-serif; font-size: 14px"


def letter(publication: Publication, message: Message, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The mail. ``sender`` and ``recipients`` are bare addresses from the settings."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Headwater <{sender}>"
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(datetime.fromtimestamp(publication.created_at / 1000, UTC))
    own, *threads = _ids(publication, sender.rpartition("@")[2])
    mail["Message-ID"] = own
    if threads:
        mail["In-Reply-To"], mail["References"] = threads[0], " ".join(threads)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
    mail["X-Headwater-Key"] = quote(publication.key, safe="")
    mail.set_content("\n".join(message.lines) + "\n", cte="quoted-printable")
    mail.add_alternative(_page(message), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{sha256(publication.key.encode()).hexdigest()[:40]}")
    return mail


def _ids(publication: Publication, domain: str) -> list[str]:
    """Its own Message-ID, then those of the threads that it belongs to; a thread's first mail belongs to none."""
    thread = _id(f"{publication.incident}.{publication.audience}", domain)
    if publication.action == "open" and publication.generation == 1:
        return [thread]
    other = told(publication).incident.merged_into
    merged = [_id(f"{other}.{publication.audience}", domain)] if other else []
    return [_id(publication.key, domain), thread, *merged]


def _id(name: str, domain: str) -> str:
    safe = quote(name, safe="")
    if len(safe) > LONGEST_ID:
        safe = sha256(name.encode()).hexdigest()
    return f"<headwater.{safe}@{domain}>"


def _page(message: Message) -> str:
    body = message.html or "<br>\n".join(map(escape, message.lines))
    shown = f"<p><b>{escape(message.title)}</b></p>\n<p>{body}</p>"
    return f'<!doctype html>\n<html><body style="{STYLE}">\n{shown}\n</body></html>\n'
