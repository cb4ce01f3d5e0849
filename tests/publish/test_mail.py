"""Mail through a real SMTP server: who gets what, what is tried again, and what a lost answer leaves open."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SinkError
from engine.publish.mail import Mail, Server
from engine.publish.texts.message import Template, Texts
from engine.sending import OutboxRow
from tests.publish.mailbox import LOST, Mailbox, certificate, mailbox
from tests.publish.receiver import row
from tests.real.components import free_port

EVERYBODY = ("noc@example.com", "boss@example.com", "desk@example.com")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("certificate"))


def sink(port: int, to: tuple[str, ...] = EVERYBODY, texts: Texts | None = None, **server: Any) -> Mail:
    given = {"host": "127.0.0.1", "tls": "none", "allow_private": True, "timeout": 2.0, "deadline": 4.0, **server}
    return Mail(
        "noc", Server(port=port, **given), "hw@headwater.example", to, frozenset({"engineers"}),
        texts or Texts(), targets={"duty-manager": ("duty@example.com",), "Ada": ("ada@example.com",)},
        resolve=lambda host, port: ["127.0.0.1"],
    )  # fmt: skip


def failure(mail: Mail, one: OutboxRow | None = None) -> SinkError:
    with pytest.raises(SinkError) as failed:
        mail.send(one or row("k1"))
    assert "\n" not in failed.value.detail
    return failed.value


def test_everybody_gets_text_and_html_of_the_same_words(box: Mailbox) -> None:
    receipt = sink(box.port).send(row("k1", cause="<b>db</b>", title="db & co"))
    ((recipients, mail),) = box.got
    assert recipients == list(EVERYBODY)
    assert mail["Subject"] == "[unknown] New incident: db & co"
    assert mail["Message-ID"] == receipt.remote
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "Cause: <b>db</b>" in text.get_content()
    assert "Cause: &lt;b&gt;db&lt;/b&gt;" in html.get_content()


def test_one_incident_is_one_thread_and_a_repetition_is_the_same_mail(box: Mailbox) -> None:
    mail = sink(box.port)
    mail.send(row("INC-1.1.open.1.engineers"))
    update = row("INC-1.1.update.2.engineers", action="update")
    mail.send(update)
    mail.send(update)
    mail.send(row("INC-1.1.merge.3.engineers", action="merge", merged_into="INC-0"))
    first, second, third, merged = (one for _, one in box.got)
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert first["Message-ID"] == "<headwater.INC-1.engineers@headwater.example>"
    assert second["Message-ID"] == "<headwater.INC-1.1.update.2.engineers@headwater.example>"
    assert box.bytes[1] == box.bytes[2]
    assert third["Message-ID"] == second["Message-ID"]
    assert merged["References"].split() == [first["Message-ID"], "<headwater.INC-0.engineers@headwater.example>"]


@pytest.mark.parametrize("key", ["a b<c>@d\r\nBcc: x@y", "é" * 40, "k" * 4000, "%", ""])
def test_a_key_of_any_kind_makes_a_message_id_and_nothing_else(box: Mailbox, key: str) -> None:
    mail = sink(box.port)
    mail.send(row(key, action="update"))
    ((_, got),) = box.got
    assert got["Message-ID"].startswith("<headwater.")
    assert len(got["Message-ID"]) < 250
    assert got["Bcc"] is None


def test_a_strangers_title_adds_no_header(box: Mailbox) -> None:
    sink(box.port).send(
        row("k1", title="down\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<x>", why=".\n..\n.\r\nQUIT")
    )
    ((recipients, mail),) = box.got
    assert mail["Bcc"] is None
    assert recipients == list(EVERYBODY)
    assert "evil@example.com" in mail["Subject"]


def test_a_template_is_plain_text_and_html(box: Mailbox) -> None:
    given = Template(title="$severity $incident", body="Hear: $why\nnobody: $assigned\n.", html="<i>$title</i>")
    sink(box.port, texts=Texts([given])).send(row("k1", title="<x>", severity={"level": "SEV2"}))
    ((_, mail),) = box.got
    assert mail["Subject"] == "SEV2 INC-1"
    html = mail.get_body(("html",))
    text = mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "<i>&lt;x&gt;</i>" in html.get_content()
    assert text.get_content().splitlines() == ["."]


def test_an_escalation_reaches_the_targets_of_its_roles_and_a_label_reaches_nobody(box: Mailbox) -> None:
    one = row("k1", action="escalate", assigned="evil@example.com")
    roles = [{"role": "duty-manager", "names": ["Ada", "evil@example.com"]}]
    one.publication.body["reach"] = {"level": "crisis", "roles": roles}
    sink(box.port).send(one)
    ((recipients, _),) = box.got
    assert recipients == [*EVERYBODY, "duty@example.com", "ada@example.com"]
    crisis = row("k2", action="declare")
    crisis.publication.body["declaration"] = {"at": 1, "team": [{"role": "duty-manager", "names": []}]}
    sink(box.port).send(crisis)
    assert box.got[1][0] == [*EVERYBODY, "duty@example.com"]


def test_what_is_new_stands_above_the_text(box: Mailbox) -> None:
    update = row("k1", action="update")
    update.publication.body["news"] = ["Cause: db-1", "Severity: SEV2 to SEV1"]
    sink(box.port, texts=Texts(news=True)).send(update)
    text = box.got[0][1].get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines()[:4] == ["Cause: db-1", "Severity: SEV2 to SEV1", "", "State: unknown"]


# ------------------------------------------------------------------------------------------------------- failures


def test_a_recipient_that_is_greylisted_gets_it_later_and_the_others_once(box: Mailbox) -> None:
    mail = sink(box.port)
    box.recipients = {"boss@example.com": "451 come back later"}
    error = failure(mail)
    assert (error.permanent, error.ambiguous) == (False, False)
    assert "boss@example.com: 451 come back later" in error.detail
    box.recipients = {}
    mail.send(row("k1"))
    assert [recipients for recipients, _ in box.got] == [["noc@example.com", "desk@example.com"], ["boss@example.com"]]


def test_a_recipient_that_does_not_exist_leaves_the_others_theirs(
    box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    box.recipients = {"boss@example.com": "550 no such user"}
    sink(box.port).send(row("k1"))
    assert box.got[0][0] == ["noc@example.com", "desk@example.com"]
    assert "boss@example.com: 550 no such user" in caplog.text


def test_a_mail_that_nobody_may_have_is_dead(box: Mailbox) -> None:
    box.recipients = dict.fromkeys(EVERYBODY, "550 no such user")
    assert failure(sink(box.port)).permanent
    assert box.got == []


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("421 closing", False), ("451 local error", False), ("452 full", False), ("550 refused", True), ("554 no", True)],
)
def test_what_the_server_says_to_the_text_is_final_or_not(box: Mailbox, answer: str, permanent: bool) -> None:
    box.data = [answer]
    error = failure(sink(box.port))
    assert (error.permanent, error.ambiguous) == (permanent, False)
    assert answer in error.detail


@pytest.mark.parametrize(("answer", "permanent"), [("421 busy", False), ("550 not you", True)])
def test_what_the_server_says_to_the_sender_is_final_or_not(box: Mailbox, answer: str, permanent: bool) -> None:
    box.sender = answer
    assert failure(sink(box.port)).permanent == permanent


def test_a_connection_lost_after_the_text_leaves_it_open_and_the_repetition_is_the_same_mail(box: Mailbox) -> None:
    mail = sink(box.port)
    box.data = [LOST]
    error = failure(mail)
    assert error.ambiguous
    assert mail.idempotent
    again = row("k1")
    again.ambiguous = True
    mail.send(again)
    assert box.bytes[0] == box.bytes[1]


def test_a_mail_that_is_unclear_twice_is_not_sent_a_third_time(box: Mailbox) -> None:
    box.data, again = [LOST], row("k1")
    again.ambiguous = True
    error = failure(sink(box.port), again)
    assert (error.permanent, error.ambiguous) == (True, False)
    assert "unclear for the second time" in error.detail


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "one byte at a time"])
def test_a_server_that_does_not_come_to_the_point_is_left_in_time(drips: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = threading.Event()

        def serve() -> None:
            connection, _ = silent.accept()
            with connection:
                while not done.wait(0.05) and drips:
                    try:
                        connection.send(b"2")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            error = failure(sink(silent.getsockname()[1], timeout=0.5, deadline=0.8))
        finally:
            done.set()
            thread.join()
    assert (error.permanent, error.ambiguous) == (False, False)


def test_a_server_that_is_away_is_tried_again() -> None:
    error = failure(sink(free_port()))
    assert (error.permanent, error.ambiguous) == (False, False)


# ---------------------------------------------------------------------------------------------------- TLS and login


def server_side(certified: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified)
    return context


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server does not count TLS from the first byte
@pytest.mark.parametrize("starttls", [True, False], ids=["STARTTLS", "TLS from the first byte"])
def test_tls_and_a_login_for_the_name_that_was_declared(certified: tuple[Path, Path], starttls: bool) -> None:
    needs: dict[str, Any] = {"require_starttls": True} if starttls else {"auth_require_tls": False}
    with mailbox(server_side(certified), starttls=starttls, auth_required=True, **needs) as box:
        given: dict[str, Any] = {
            "host": "mail.test",
            "tls": "starttls" if starttls else "implicit",
            "user": "hw",
            "password": "right",
        }
        sink(box.port, authorities=str(certified[0]), **given).send(row("k1"))
        assert box.logins == [(b"hw", b"right")]
        assert len(box.got) == 1
        error = failure(sink(box.port, authorities=str(certified[0]), **{**given, "password": "wrong"}))
        assert error.permanent
        assert "535" in error.detail
        assert "wrong" not in error.detail


def test_a_certificate_for_another_name_or_of_nobody_we_know_is_not_talked_to(certified: tuple[Path, Path]) -> None:
    with mailbox(server_side(certified)) as box:
        for host, authorities in (("other.test", str(certified[0])), ("mail.test", None)):
            error = failure(sink(box.port, tls="starttls", host=host, authorities=authorities))
            assert "CERTIFICATE" in error.detail.upper()
        assert box.got == []


def test_a_server_that_offers_no_tls_gets_nothing_where_tls_is_declared(box: Mailbox) -> None:
    error = failure(sink(box.port, tls="starttls"))
    assert error.permanent
    assert "STARTTLS" in error.detail
    assert box.got == []


def test_a_server_that_demands_tls_says_so_where_none_is_declared(certified: tuple[Path, Path]) -> None:
    with mailbox(server_side(certified), require_starttls=True) as box:
        error = failure(sink(box.port))
        assert error.permanent
        assert "530" in error.detail


# ----------------------------------------------------------------------------------------------------------- guard


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "::1", "169.254.169.254", "10.0.0.1"]
)
def test_mail_is_handed_in_at_no_private_address_that_is_not_allowed(box: Mailbox, host: str) -> None:
    mail = Mail("noc", Server(host=host, port=box.port, tls="none"), "hw@x.example", EVERYBODY, frozenset(), Texts())
    error = failure(mail)
    assert error.permanent
    assert host in error.detail


def test_the_mail_goes_to_the_address_that_was_checked(box: Mailbox) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    server = Server(host="mail.test", port=box.port, tls="none", allow_private=True)
    mail = Mail(
        "noc", server, "hw@x.example", EVERYBODY, frozenset(), Texts(), resolve=lambda host, port: next(answers)
    )
    mail.send(row("k1"))
    assert failure(mail, row("k2")).permanent
    assert len(box.got) == 1


def test_what_would_be_sent_is_what_is_sent(box: Mailbox) -> None:
    mail = sink(box.port)
    shown = mail.show(row("k1"))
    assert box.got == []
    mail.send(row("k1"))
    assert f"Subject: {box.got[0][1]['Subject']}" in shown
    text = box.got[0][1].get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") in shown
