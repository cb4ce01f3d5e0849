"""People with passwords: the first administrator, logging in and out, what ends a session, and forged requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from api import bootstrap
from api.access_settings import Role
from api.auth import keys, people
from api.auth.sqlite import SqliteAccess
from tests.access.seen import raw
from tests.api.live import Live, live

PASSWORD = "correct horse battery"
HOUR = 3_600_000


class Clock:
    """The wall clock, moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return bootstrap.now() + self.ahead


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("people")
    extra = "access: {rates: {logins: 1000, second: 10000, burst: 100000}}\n"
    with live(folder, extra, clock=clock) as served:
        with_users = SqliteAccess(folder / "headwater-data")
        for name, role in (("ann", Role.RESPONDER), ("root", Role.ADMIN)):
            people.put(with_users, name, clock(), role=role, password=PASSWORD)
        with_users.close()
        served.app.state.parts.access.door.forget()
        yield served


def browser(world: Live) -> httpx.Client:
    return httpx.Client(base_url=world.url)


@contextmanager
def logged_in(world: Live, name: str = "ann", password: str = PASSWORD) -> Iterator[httpx.Client]:
    with browser(world) as client:
        answer = client.post("/login", data={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        yield client


def who(client: httpx.Client) -> str:
    answer = client.get("/api/v1/me")
    return str(answer.json()["name"]) if answer.status_code == 200 else ""


def csrf(client: httpx.Client) -> dict[str, str]:
    return {"x-csrf-token": client.get("/api/v1/me").json()["csrf_token"]}


# the first start


def test_the_first_administrator_is_made_with_the_one_time_token_and_with_nothing_else(tmp_path):
    with live(tmp_path, "access: {sessions: {secure: false}}\n", server="host: 0.0.0.0, port: 0") as served:
        url = served.url.replace("0.0.0.0", "127.0.0.1")
        token = served.app.state.parts.access.first_token()
        assert token.startswith("hwf_")
        assert token.encode() not in raw(tmp_path, "access.db*"), "only its digest is kept"
        with httpx.Client(base_url=url) as client:
            assert "one-time token" in client.get("/login").text
            form = {"token": "hwf_guessed", "name": "root", "password": PASSWORD}
            assert client.post("/login/first", data=form).status_code == 401
            bearer = {"authorization": f"Bearer {token}"}
            assert client.get("/api/v1/incidents", headers=bearer).status_code == 403, "it opens nothing else"
            assert client.post("/login/first", data={**form, "token": token, "password": "short"}).status_code == 400
            assert client.post("/login/first", data={**form, "token": token}).status_code == 200
            assert client.get("/api/v1/me").json()["roles"] == ["admin"]
            again = {**form, "token": token, "name": "mallory"}
            assert client.post("/login/first", data=again).status_code == 401, "it is used up"
            assert client.get("/api/v1/me", headers=bearer).status_code == 401
            assert "one-time token" not in client.get("/login").text
        assert served.app.state.parts.access.first_token() is None


def test_a_key_made_with_the_one_time_token_uses_it_up_too(tmp_path):
    with live(tmp_path, server="host: 0.0.0.0, port: 0") as served:
        url = served.url.replace("0.0.0.0", "127.0.0.1")
        bearer = {"authorization": f"Bearer {served.app.state.parts.access.first_token()}"}
        asked = {"name": "me", "role": "admin"}
        made = httpx.post(f"{url}/api/v1/access/keys", json=asked, headers=bearer)
        assert made.status_code == 200
        assert httpx.post(f"{url}/api/v1/access/keys", json=asked, headers=bearer).status_code == 401
        key = {"authorization": f"Bearer {made.json()['secret']}"}
        assert httpx.get(f"{url}/api/v1/me", headers=key).json()["kind"] == "key"


# sessions


def test_a_cookie_is_all_a_browser_has_and_says_nothing(world: Live):
    with logged_in(world) as client:
        (cookie,) = client.cookies.jar
        assert (cookie.name, cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("headwater_session", "/", True)
        assert cookie.get_nonstandard_attr("SameSite") == "strict"
        assert re.fullmatch(r"[\w-]{43}", cookie.value or "")
        assert who(client) == "ann"


@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", "wrong"), ("ann", " "), ("nobody", PASSWORD), ("ann", "x" * 500), ("ann'--", PASSWORD)],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(world: Live, name: str, password: str):
    answer = httpx.post(f"{world.url}/login", data={"name": name, "password": password})
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers


def test_each_log_in_makes_a_new_session_and_ends_the_one_before(world: Live):
    with logged_in(world) as client:
        before = client.cookies["headwater_session"]
        client.post("/login", data={"name": "ann", "password": PASSWORD})
        assert client.cookies["headwater_session"] != before
        with browser(world) as other:
            other.cookies.set("headwater_session", before)
            assert who(other) == ""


def test_a_session_ends_when_it_is_not_used_and_at_the_latest_after_its_longest_time(world: Live, clock: Clock):
    with logged_in(world) as idle, logged_in(world) as busy:
        try:
            for _ in range(14):
                clock.ahead += HOUR * 9 // 10
                if not who(busy):
                    break
            assert 12 <= clock.ahead / HOUR < 13, "twelve hours, whatever is done"
            assert who(idle) == ""
        finally:
            clock.ahead = 0


def test_logging_out_ends_the_session_on_the_server(world: Live):
    with logged_in(world) as client:
        kept = client.cookies["headwater_session"]
        assert client.post("/logout", headers=csrf(client)).headers["location"] == "/login"
        with browser(world) as other:
            other.cookies.set("headwater_session", kept)
            assert who(other) == ""


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"password": PASSWORD + "2"}, {"disabled": True}])
def test_a_new_role_or_password_ends_all_sessions(world: Live, change: dict[str, object]):
    with logged_in(world, "root") as root:
        name = f"carl-{next(iter(change))}"
        user = {"name": name, "role": "operator", "password": PASSWORD}
        assert root.post("/api/v1/access/users", json=user, headers=csrf(root)).status_code == 200
        with logged_in(world, name) as carl:
            answer = root.post(f"/api/v1/access/users/{name}", json=change, headers=csrf(root))
            assert answer.status_code == 200, answer.text
            assert who(carl) == ""


def test_people_change_their_own_password_and_nobody_elses(world: Live):
    with logged_in(world, "root") as root:
        user = {"name": "dora", "role": "viewer", "password": PASSWORD}
        root.post("/api/v1/access/users", json=user, headers=csrf(root))
    with logged_in(world, "dora") as dora:
        wrong = {"old": "wrong", "new": PASSWORD + "3"}
        assert dora.post("/api/v1/me/password", json=wrong, headers=csrf(dora)).status_code == 403
        assert dora.post("/api/v1/access/users/root", json={"disabled": True}, headers=csrf(dora)).status_code == 403
        right = {**wrong, "old": PASSWORD}
        assert dora.post("/api/v1/me/password", json=right, headers=csrf(dora)).status_code == 200
        assert who(dora) == ""
    with logged_in(world, "dora", PASSWORD + "3") as dora:
        assert who(dora) == "dora"


def test_an_open_stream_ends_with_its_session(world: Live, clock: Clock):
    with logged_in(world) as client, client.stream("GET", "/api/v1/stream", timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": headwater"
        store = world.app.state.parts.access.store
        store.end_sessions(person="ann")
        world.app.state.parts.access.door.forget()
        world.send({"labels": {"alertname": "Down", "service": "db", "severity": "critical"}})
        with httpx.Client(base_url=world.url) as sender:
            key = keys.create(store, "sender", Role.INGEST, clock(), "test").secret
            body = [{"labels": {"alertname": "Down", "service": "db", "severity": "critical"}}]
            sender.post("/api/v2/alerts", json=body, headers={"authorization": f"Bearer {key}"})
        assert not [line for line in lines if line.startswith("data:")], "nothing is told any more, and it ends"


# forged requests


def test_a_change_needs_the_token_of_the_session_in_a_header_or_in_the_form(world: Live):
    with logged_in(world) as client, logged_in(world, "root") as other:
        path, token = "/api/v1/incidents/none/acknowledge", csrf(client)["x-csrf-token"]
        assert client.post(path).status_code == 403
        assert client.post(path, headers={"x-csrf-token": ""}).status_code == 403
        assert client.post(path, headers=csrf(other)).status_code == 403, "another session's"
        assert client.post(path, data={"csrf_token": ["x", token]}).status_code == 403
        assert client.post(path, headers={"x-csrf-token": token}).status_code == 404, "past the check"
        assert client.post("/logout", data={"csrf_token": "wrong"}).status_code == 403
        assert client.post("/logout", data={"csrf_token": token}).status_code == 303


def test_with_a_token_of_a_program_the_cookie_is_not_looked_at(world: Live, clock: Clock):
    key = keys.create(world.app.state.parts.access.store, "reader", Role.VIEWER, clock(), "test").secret
    with logged_in(world, "root") as root:
        bearer = {"authorization": f"Bearer {key}"}
        assert root.get("/api/v1/me", headers=bearer).json()["name"] == "reader"
        assert root.post("/api/v1/reload", headers=bearer).status_code == 403
        assert root.get("/api/v1/me", headers={"authorization": "Bearer nobody"}).status_code == 401


def test_a_page_of_another_site_gets_nothing_done_even_with_cookie_and_token(world: Live):
    with logged_in(world, "root") as root:
        headers = {**csrf(root), "origin": "https://evil.example"}
        assert root.post("/api/v1/reload", headers=headers).status_code == 403
        assert root.post("/login", data={"name": "ann", "password": PASSWORD}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/incidents", "/healthz", "/login.css", "/nowhere"])
def test_no_page_can_be_framed_and_none_has_anything_inline(world: Live, path: str):
    with logged_in(world) as client:
        answer = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["form-action"] == "'self'"
    assert policy["default-src"] in ("'self'", "'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert (answer.headers["x-frame-options"], answer.headers["x-content-type-options"]) == ("DENY", "nosniff")
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", answer.text)


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "/'onmouseover='x", "/%0d%0aset-cookie:a=b"])
def test_what_a_stranger_puts_into_the_address_is_text(world: Live, hostile: str):
    page = httpx.get(f"{world.url}/login", params={"next": hostile})
    assert "<script" not in page.text
    assert "'onmouseover" not in page.text
    assert "set-cookie" not in page.headers


# guessing


def test_guessing_is_slow(tmp_path):
    with live(tmp_path, "access: {rates: {logins: 3, second: 0.01, burst: 5}}\n") as served:
        store = served.app.state.parts.access.store
        key = keys.create(store, "eager", Role.VIEWER, bootstrap.now(), "test").secret
        served.app.state.parts.access.door.forget()
        tries = [served.client.post("/login", data={"name": "ann", "password": "x"}) for _ in range(4)]
        assert [answer.status_code for answer in tries] == [401, 401, 401, 429]
        assert int(tries[3].headers["retry-after"]) >= 1
        bearer = {"authorization": f"Bearer {key}"}
        answers = [served.client.get("/api/v1/totals", headers=bearer) for _ in range(12)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited
        assert limited[0].headers["content-type"] == "application/problem+json"
        assert int(limited[0].headers["retry-after"]) >= 1
