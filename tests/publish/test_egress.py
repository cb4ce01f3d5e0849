"""Outgoing requests reach declared public places and nothing else, however the address is dressed up."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from engine.errors import SinkError
from engine.publish.egress import MAX_ANSWER, Destination, Egress, EgressFailed, EgressRefused, refusal, resolve
from engine.publish.mail import Mail, Server
from engine.publish.texts.message import Texts
from tests.publish.receiver import Receiver, drip, hang, hang_up, receiver, row, status

HOSTILE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:db8::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://168.63.129.16/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://ⓛocalhost/",
    "http://127.0.1/",
    "http://127.0.0.1:22/",
    "http://127.0.0.1:8666/api/v1/reload",
    "http://0x7f.0x0.0x0.0x1/",
    "http://00000177.1/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[::ffff:0:0:7f00:1]/",
    "http://[fe80::1%25lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1%25lo]/",
    "http://[2001:10::1]/",
    "http://[2001:20::1]/",
    "http://[100::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://192.88.99.1/",
    "http://192.0.0.8/",
    "http://0.1.2.3/",
    "http://localhost.localdomain/",
    "http://metadata.google.internal/",
]


NAMES = {"metadata.google.internal": "169.254.169.254", "localhost.localdomain": "127.0.0.1"}


def known(host: str, port: int) -> list[str]:
    """The system's answer, but for names that it does not know everywhere."""
    return [NAMES[host]] if host in NAMES else resolve(host, port)


def test_the_table_has_more_than_sixty_addresses() -> None:
    assert len(set(HOSTILE)) >= 75


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@pytest.mark.parametrize("url", HOSTILE)
def test_a_declared_name_that_leads_to_a_hostile_address_is_refused(url: str) -> None:
    with pytest.raises(EgressRefused):
        Egress([Destination(url)], resolve=known).post(url, b"", {})


HOSTS = sorted({urlsplit(url).hostname or "" for url in HOSTILE})


@pytest.mark.parametrize("host", HOSTS)
def test_mail_is_handed_in_at_none_of_these_either(host: str) -> None:
    mail = Mail(
        "noc", Server(host=host, port=25, tls="none"), "hw@x.example", ["a@b.example"], frozenset(), Texts(),
        resolve=known,
    )  # fmt: skip
    with pytest.raises(SinkError) as failed:
        mail.send(row())
    assert failed.value.permanent or "cannot be resolved" in failed.value.detail  # names that only a URL makes one


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://0.0.0.0/",
        "http://[::]/",
    ],
)
def test_metadata_and_multicast_addresses_are_refused_even_where_private_ones_are_allowed(url: str) -> None:
    with pytest.raises(EgressRefused):
        Egress([Destination(url, allow_private=True)]).post(url, b"", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com.evil.test/",
        "http://hooks.example.com@evil.test/",
        "http://hooks.example.com\\@evil.test/",
        "http://user:secret@hooks.example.com/",
        "http://@hooks.example.com/",
        "http://evil.test#@hooks.example.com/",
        "http://evil.test?@hooks.example.com/",
        "http://hooks.example.com:8080/",
        "https://hooks.example.com:80/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "//hooks.example.com/",
        "http:///",
        "http://",
        "http://hooks.example.com:99999999/",
        "http://hooks.example.com\r\nHost: evil.test/",
        "http://hooks.éxample.com/",
        "http://xn--hooks-example.com/",
        "http://hooks%2eexample.com/",
    ],
)
def test_what_only_looks_like_a_declared_destination_is_refused(url: str) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        raise OSError("the test resolves nothing")

    egress = Egress([Destination("http://hooks.example.com/")], resolve=resolve)
    if url == "http://@hooks.example.com/":  # an empty user is no disguise: the host is the declared one
        with pytest.raises(EgressFailed):
            egress.post(url, b"", {})
        return
    with pytest.raises(EgressRefused):
        egress.post(url, b"", {})
    assert not asked


def test_one_hostile_address_among_good_ones_refuses_the_name() -> None:
    egress = Egress(
        [Destination("https://hooks.example.com")], resolve=lambda host, port: ["93.184.215.14", "10.0.0.7"]
    )
    with pytest.raises(EgressRefused, match=r"10\.0\.0\.7"):
        egress.post("https://hooks.example.com/x", b"", {})


def test_the_checked_address_is_connected_to_and_the_name_kept_for_the_host_header(server: Receiver) -> None:
    url = f"http://hooks.example.com:{server.server_port}/hook?x=1"
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])  # the second answer is what a rebinding server would give
    egress = Egress([Destination(url, allow_private=True)], resolve=lambda host, port: next(answers))
    assert egress.post(url, b"hello", {}).status == 200
    assert server.got[0].headers["host"] == f"hooks.example.com:{server.server_port}"
    assert server.got[0].path == "/hook?x=1"
    with pytest.raises(EgressRefused):
        egress.post(url, b"again", {})
    assert len(server.got) == 1


def test_redirects_are_answers_not_instructions(server: Receiver) -> None:
    server.behave = status(307, b"", Location="http://169.254.169.254/")
    egress = Egress([Destination(server.url, allow_private=True)])
    assert egress.post(server.url, b"", {}).status == 307
    assert len(server.got) == 1


def test_a_long_answer_is_cut(server: Receiver) -> None:
    server.behave = status(200, b"x" * (3 * MAX_ANSWER))
    egress = Egress([Destination(server.url, allow_private=True)])
    assert len(egress.get(server.url).body) == MAX_ANSWER


def test_a_compressed_answer_is_not_inflated(server: Receiver) -> None:
    bomb = b"\x1f\x8b" + b"\x00" * 100
    server.behave = status(200, bomb, Content_Encoding="gzip")
    egress = Egress([Destination(server.url, allow_private=True)])
    assert egress.get(server.url).body == bomb


def test_an_answer_that_drips_for_ever_ends_at_the_deadline(server: Receiver) -> None:
    server.behave = drip
    egress = Egress([Destination(server.url, allow_private=True)], timeout=2.0, deadline=0.4)
    started = time.monotonic()
    with pytest.raises(EgressFailed) as failed:
        egress.post(server.url, b"", {})
    assert failed.value.sent
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("behave", [hang(1.0), hang_up], ids=["timeout", "hang up"])
def test_an_answer_that_does_not_come_leaves_it_open_whether_it_arrived(server: Receiver, behave: object) -> None:
    server.behave = behave  # type: ignore[assignment]
    egress = Egress([Destination(server.url, allow_private=True)], timeout=0.3)
    with pytest.raises(EgressFailed) as failed:
        egress.post(server.url, b"{}", {})
    assert failed.value.sent


def test_a_refused_connection_has_sent_nothing() -> None:
    with receiver() as gone:
        url = gone.url
    with pytest.raises(EgressFailed) as failed:
        Egress([Destination(url, allow_private=True)]).post(url, b"{}", {})
    assert not failed.value.sent


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert refusal(ipaddress.ip_address(address), allow_private=False) == ""
