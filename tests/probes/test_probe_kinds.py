"""Each kind of probe against a real server on loopback: what passes, what fails, and what is unknown."""

from __future__ import annotations

import socket
import sqlite3
import ssl
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.signals import Answer
from ingest.probes.certificate import ends
from ingest.probes.network import Credential, Database, World
from ingest.probes.run import run
from rules.probes import Expectation, Probe
from tests.probes.servers import DAY, NOW, TLS, listening, naming, secured, world
from tests.publish.receiver import Receiver, drip, hang_up, receiver, status


def asked(
    kind: str, target: str, within: World | None = None, expect: Expectation | None = None, **more: object
) -> Answer:
    probe = Probe(
        id="p", entity="shop", kind=kind, target=target, expect=expect or Expectation(),  # type: ignore[arg-type]
        **{"allow_private": True, "timeout": 3000, **more},  # type: ignore[arg-type]
    )  # fmt: skip
    return run(probe, within or world())


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


# ----------------------------------------------------------------------------------------------------------- http


def test_http_is_judged_by_status_and_body(server: Receiver) -> None:
    server.behave = status(200, b"all is well, build 42")
    well = asked("http", server.url, expect=Expectation(contains="well", matches=r"build \d+"))
    assert (well.passed, well.value, well.detail, well.at) == ("yes", 200, "status 200", NOW)
    wrong = asked("http", server.url, expect=Expectation(matches=r"build [a-z]+"))
    assert (wrong.passed, wrong.detail) == ("no", "status 200, the body does not match 'build [a-z]+'")
    server.behave = status(503)
    assert asked("http", server.url).passed == "no"
    assert asked("http", server.url, expect=Expectation(status=((200, 299), (503, 503)))).passed == "yes"


def test_a_redirect_is_an_answer_and_a_latency_is_a_limit(server: Receiver) -> None:
    server.behave = status(302, b"", Location="http://169.254.169.254/")
    assert asked("http", server.url).detail == "status 302"
    assert len(server.got) == 1

    def slow(handler: object) -> None:
        time.sleep(0.1)
        status(200)(handler)  # type: ignore[arg-type]

    server.behave = slow
    late = asked("http", server.url, expect=Expectation(latency=50))
    assert late.passed == "no"
    assert late.duration >= 100
    assert "more than 50" in late.detail


def test_a_token_goes_to_its_hosts_only_and_into_no_answer(server: Receiver) -> None:
    token = Credential("s3cret-token", ("127.0.0.1",))
    server.behave = lambda handler: handler.answer(500, b"")
    asked("http", server.url, world(credentials={"shop": token}), credential="shop")
    assert server.got[-1].headers["authorization"] == "Bearer s3cret-token"
    elsewhere = world(credentials={"shop": Credential("s3cret-token", ("shop.example.com",))})
    refused = asked("http", server.url, elsewhere, credential="shop")
    assert (refused.passed, len(server.got)) == ("unknown", 1)
    assert asked("http", server.url, credential="nobody").passed == "unknown"
    assert "s3cret" not in repr(token)


def test_an_address_that_may_not_be_reached_says_nothing_of_the_entity(server: Receiver) -> None:
    for kind, target in (
        ("http", server.url),
        ("tcp", f"127.0.0.1:{server.server_port}"),
        ("tls", f"localhost:{server.server_port}"),
        ("http", "http://169.254.169.254/latest/meta-data/"),
    ):
        found = asked(kind, target, allow_private=False)
        assert found.passed == "unknown", found
        assert "address" in found.detail
    dns = asked("dns", "shop.example.com", server="127.0.0.1:53", allow_private=False)
    assert dns.passed == "unknown"
    assert server.got == []


def test_a_body_without_an_end_a_drip_and_a_hang_up_fail_in_time(server: Receiver) -> None:
    def endless(handler: object) -> None:
        handler.send_response(200)  # type: ignore[attr-defined]
        handler.send_header("Content-Length", str(1 << 30))  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]
        for _ in range(1 << 10):
            handler.wfile.write(b"x" * (1 << 20))  # type: ignore[attr-defined]

    server.behave = endless
    long = asked("http", server.url, expect=Expectation(contains="needle"))
    assert (long.passed, long.detail) == ("no", "status 200, the body does not contain 'needle' in its first MiB")
    server.behave = drip
    dripping = asked("http", server.url, timeout=300)
    assert dripping.passed == "no"
    assert dripping.duration < 2000

    def slow_body(handler: object) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")  # type: ignore[attr-defined]
        for _ in range(100):
            handler.wfile.write(b"x")  # type: ignore[attr-defined]
            time.sleep(0.05)

    server.behave = slow_body
    assert asked("http", server.url, timeout=300).detail == "no answer within 300 ms"
    server.behave = hang_up
    assert asked("http", server.url).passed == "no"


def test_a_binary_body_is_looked_at_and_shown_as_one_harmless_line(server: Receiver) -> None:
    server.behave = status(200, bytes(range(256)) * 10)
    found = asked("http", server.url, expect=Expectation(contains="\x1b[31mred\nline"))
    assert found.passed == "no"
    assert found.detail.isprintable()


def test_cookies_of_an_answer_are_not_sent_again(server: Receiver) -> None:
    server.behave = status(200, b"", Set_Cookie="session=abc; Path=/")
    within = world()
    asked("http", server.url, within)
    asked("http", server.url, within)
    assert "cookie" not in server.got[1].headers


# ------------------------------------------------------------------------------------------------------------ tcp


def test_tcp_connects_and_listens_to_the_greeting() -> None:
    with listening(lambda c: c.sendall(b"220 mail ready\r\n")) as port:
        assert asked("tcp", f"127.0.0.1:{port}").passed == "yes"
        assert asked("tcp", f"127.0.0.1:{port}", expect=Expectation(matches="^220 ")).passed == "yes"
        wrong = asked("tcp", f"127.0.0.1:{port}", expect=Expectation(contains="SSH"), timeout=300)
        assert wrong.detail == "connected, but what it says does not contain 'SSH'"
    gone = asked("tcp", f"127.0.0.1:{port}")
    assert (gone.passed, gone.detail) == ("no", "no connection: Connection refused")


def test_a_greeting_that_never_ends_is_cut() -> None:
    def chatter(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 65_536)

    with listening(chatter) as port:
        assert asked("tcp", f"127.0.0.1:{port}", expect=Expectation(contains="y")).passed == "no"


# ------------------------------------------------------------------------------------------------------------ tls


def test_tls_tells_the_days_left_of_a_certificate_that_is_believed() -> None:
    with secured("good.pem") as port:
        found = asked("tls", f"localhost:{port}", world(authority=TLS / "good.pem"), Expectation(days_left=30))
        assert (found.passed, found.unit) == ("yes", "days")
        assert found.value == pytest.approx((4_733_510_400_000 - NOW) / DAY, abs=0.01)
        few = asked("tls", f"localhost:{port}", world(authority=TLS / "good.pem"), Expectation(days_left=99_999))
        assert few.passed == "no"
        other = asked("tls", f"localhost:{port}", world(authority=TLS / "good.pem"), name="shop.example.com")
        assert (other.passed, other.value) == ("no", found.value)
        stranger = asked("tls", f"localhost:{port}")
        assert stranger.passed == "no"
        assert stranger.detail.startswith("not believed: self")


def test_an_expired_certificate_fails_and_says_since_when() -> None:
    with secured("expired.pem") as port:
        found = asked("tls", f"localhost:{port}", world(authority=TLS / "expired.pem"))
    assert found.passed == "no"
    assert found.value == pytest.approx((1_609_459_200_000 - NOW) / DAY, abs=0.01)
    assert "certificate has expired" in found.detail


def test_what_speaks_no_tls_fails() -> None:
    with listening(lambda c: c.sendall(b"\0" * 100_000)) as port:
        assert asked("tls", f"localhost:{port}").passed == "no"
    with listening(lambda c: time.sleep(1)) as port:
        silent = asked("tls", f"localhost:{port}", timeout=200)
        assert (silent.passed, silent.detail) == ("no", "no answer within 200 ms")


@pytest.mark.parametrize("name", ["good", "expired"])
def test_the_end_of_a_certificate_is_read_as_openssl_reads_it(name: str) -> None:
    der = ssl.PEM_cert_to_DER_cert((TLS / f"{name}.pem").read_text())
    wanted = {"good": 4_733_510_400_000, "expired": 1_609_459_200_000}[name]
    assert ends(der) == wanted
    for cut in range(len(der)):
        with pytest.raises(ValueError, match=r"."):
            ends(der[:cut])


# ------------------------------------------------------------------------------------------------------------ dns


def reply(question: bytes, *rows: tuple[int, bytes], code: int = 0) -> bytes:
    head = question[:2] + struct.pack(">5H", 0x8180 | code, 1, len(rows), 0, 0)
    return head + question[12:] + b"".join(b"\xc0\x0c" + struct.pack(">2HIH", t, 1, 60, len(d)) + d for t, d in rows)


def test_dns_compares_all_records_of_a_name() -> None:
    two = [(1, bytes([10, 0, 0, 1])), (5, b"\x04shop\xc0\x0c"), (1, bytes([10, 0, 0, 2]))]
    with naming(lambda q: [b"?", q[:2][::-1] + b"x" * 20, reply(q, *two)]) as port:
        at = f"127.0.0.1:{port}"
        found = asked("dns", "shop.example.com", server=at, expect=Expectation(records=("10.0.0.2", "10.0.0.1")))
        assert (found.passed, found.value, found.detail) == ("yes", 2, "leads to 10.0.0.1, 10.0.0.2")
        moved = asked("dns", "shop.example.com", server=at, expect=Expectation(records=("10.0.0.1",)))
        assert moved.passed == "no"
        alias = asked("dns", "shop.example.com", server=at, record="CNAME")
        assert alias.detail == "leads to shop.shop.example.com"


def test_dns_says_what_the_server_says() -> None:
    with naming(lambda q: [reply(q, code=3)]) as port:
        found = asked("dns", "gone.example.com", server=f"127.0.0.1:{port}")
        assert (found.passed, found.detail) == ("no", "no such name")
    with naming(lambda q: [reply(q, (16, b"\x05v=spf\x03 ok"))]) as port:
        text = asked(
            "dns", "example.com", server=f"127.0.0.1:{port}", record="TXT", expect=Expectation(contains="spf ok")
        )
        assert text.passed == "yes"


@pytest.mark.parametrize(
    "packet",
    [
        lambda q: reply(q, (1, b"\x01\x02")),
        lambda q: reply(q)[:6] + b"\xff\xff\xff\xff" + reply(q)[10:],
        lambda q: q[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + b"\xc0\x0c" * 20,
        lambda q: q[:2] + struct.pack(">5H", 0x8180, 0, 65535, 0, 0) + b"\x3f" * 200,
    ],
    ids=["short address", "counts that lie", "a pointer to itself", "labels without an end"],
)
def test_a_packet_that_lies_is_an_answer_that_cannot_be_read(packet: object) -> None:
    with naming(lambda q: [packet(q)]) as port:  # type: ignore[operator]
        found = asked("dns", "shop.example.com", server=f"127.0.0.1:{port}", timeout=500)
        assert (found.passed, found.detail) == ("no", "an answer that cannot be read")


def test_the_systems_resolver_knows_this_machine() -> None:
    assert asked("dns", "localhost", expect=Expectation(records=("127.0.0.1",))).passed == "yes"


# ------------------------------------------------------------------------------------------------------------ sql


@pytest.fixture
def orders(tmp_path: Path) -> World:
    with sqlite3.connect(tmp_path / "orders.db") as made:
        made.execute("create table orders (id integer, total real)")
        made.executemany("insert into orders values (?, ?)", [(n, n * 1.5) for n in range(1, 6)])
    made.close()
    return world(databases={"orders": Database(driver="sqlite3", database=str(tmp_path / "orders.db"))})


def test_sql_is_judged_by_rows_and_value(orders: World) -> None:
    many = asked("sql", "orders", orders, Expectation(rows=(5, 5)), query="select * from orders")
    assert (many.passed, many.value, many.unit) == ("yes", 5, "rows")
    total = "select sum(total) from orders"
    assert asked("sql", "orders", orders, Expectation(value=(22, 23)), query=total).value == 22.5
    assert asked("sql", "orders", orders, Expectation(value=(None, 20)), query=total).passed == "no"
    assert asked("sql", "orders", orders, Expectation(equals="1"), query="select id from orders").passed == "yes"
    nan = asked("sql", "orders", orders, Expectation(value=(0, None)), query="select 'nan'")
    assert (nan.passed, nan.value, nan.detail) == ("no", None, "the value nan is not a number")
    cut = asked(
        "sql", "orders", orders, query="with recursive n(i) as (select 1 union all select i+1 from n) select i from n"
    )
    assert cut.detail == "1000 rows or more than 1000"


@pytest.mark.parametrize(
    "query",
    [
        "delete from orders",
        "insert into orders values (9, 9)",
        "drop table orders",
        "pragma query_only = off",
        "attach database '/tmp/other.db' as other",
        "select 1; delete from orders",
    ],
)
def test_sql_changes_nothing(orders: World, query: str) -> None:
    asked("sql", "orders", orders, query=query)
    assert asked("sql", "orders", orders, query="select * from orders").value == 5


def test_a_query_that_takes_too_long_is_ended(orders: World) -> None:
    endless = "with recursive n(i) as (select 1 union all select i+1 from n) select count(*) from n"
    found = asked("sql", "orders", orders, query=endless, timeout=200)
    assert (found.passed, found.detail) == ("no", "no answer within 200 ms")
    assert found.duration < 2000


def test_a_missing_database_driver_or_file_is_told(orders: World, tmp_path: Path) -> None:
    assert asked("sql", "stock", orders, query="select 1").detail == "the settings have no database 'stock'"
    gone = world(databases={"gone": Database(driver="sqlite3", database=str(tmp_path / "gone.db"))})
    assert asked("sql", "gone", gone, query="select 1").passed == "no"
    assert not (tmp_path / "gone.db").exists()


def test_a_driver_that_is_not_installed_is_unknown_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    other = world(databases={"pg": Database(driver="psycopg", database="orders", host="127.0.0.1", allow_private=True)})
    found = asked("sql", "pg", other, query="select 1")
    assert (found.passed, found.detail) == (
        "unknown",
        "the driver psycopg is not installed: install it beside Headwater",
    )


# -------------------------------------------------------------------------------------------------------- command


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_command_of_the_list_is_judged_by_what_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_PASSWORD", "s3cret")
    commands = {
        "well": python("print('disk ok; echo $HOME')"),
        "ill": python("import sys; print('disk full'); sys.exit(2)"),
        "unsure": python("import sys; print('no such disk'); sys.exit(3)"),
        "nosy": python("import os; print(sorted(os.environ))"),
    }
    within = world(commands=commands)
    assert asked("command", "well", within).detail == "disk ok; echo $HOME"
    assert asked("command", "well", within, Expectation(contains="full")).passed == "no"
    ill = asked("command", "ill", within)
    assert (ill.passed, ill.value, ill.detail) == ("no", 2, "disk full")
    assert asked("command", "unsure", within).passed == "unknown"
    assert "ORDERS_PASSWORD" not in asked("command", "nosy", within).detail
    assert asked("command", "rm", within).detail == "the settings have no command 'rm'"
    assert asked("command", "x", world(commands={"x": ("/no/such/program",)})).passed == "unknown"


def test_a_command_that_does_not_end_is_ended_with_its_children() -> None:
    with socket.create_server(("127.0.0.1", 0)) as watcher:
        watcher.settimeout(20)
        port = watcher.getsockname()[1]
        child = f"import socket, time; held = socket.create_connection(('127.0.0.1', {port})); time.sleep(60)"
        parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
        found = asked("command", "long", world(commands={"long": python(parent)}), timeout=2000)
        assert (found.passed, found.detail) == ("no", "no answer within 2000 ms")
        held, _ = watcher.accept()
        with held:
            held.settimeout(20)
            assert held.recv(1) == b"", "the child's child is gone, and its connection with it"


def test_a_command_that_never_stops_talking_is_ended() -> None:
    loud = python("import sys\nwhile True: sys.stdout.write('x' * 65536)")
    assert asked("command", "loud", world(commands={"loud": loud}), timeout=300).passed == "no"
