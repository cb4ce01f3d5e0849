"""What a ticketing system answers is judged by its status, said in one line, and believed only where it is JSON."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import SinkError
from engine.publish.egress import Destination, Egress, EgressRefused
from engine.publish.ticketing.api import Api, Unreadable, basic, segment
from engine.publish.ticketing.template import Call, filled
from engine.publish.ticketing.tracker import Conflict
from tests.publish.hostile import HOSTILE
from tests.publish.receiver import Behaviour, Receiver, hang, hang_up, receiver, status


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


def api(server: Receiver) -> Api:
    egress = Egress([Destination(server.url, allow_private=True)], timeout=0.3)
    return Api(egress, server.url.removesuffix("/hook"), basic("us", "pass"), lambda: 0)


HTML = b"<html><h1>Login</h1></html>"
WORDS = b'{"error": {"status": 400, "msg": "no\\n such"}}'
LONG = b'"' + b"x" * (2 << 20) + b'"'
ANSWERS: dict[str, tuple[Behaviour, bool, bool, float | None, str]] = {
    "400 with words": (
        status(400, WORDS),
        True,
        False,
        None,
        "400: no such",
    ),
    "401": (status(401, b'{"message":"Unauthorized"}'), True, False, None, "401: Unauthorized"),
    "403 with a page": (status(403, HTML), True, False, None, "POST /t was answered 403"),
    "422 with a list": (status(422, b'{"errors":["a","b"]}'), True, False, None, "422: a; b"),
    "429 with a pause": (status(429, b"", Retry_After="9"), False, False, 9.0, "429"),
    "500 with a page": (status(500, HTML), False, True, None, "500"),
    "502": (status(502, HTML), False, True, None, "502"),
    "503": (status(503), False, False, None, "503"),
    "a success that is a page": (status(200, HTML), False, True, None, "not in JSON"),
    "a success that is more than is read": (
        status(200, LONG),
        False,
        True,
        None,
        "not in JSON",
    ),
    "a redirect to a private address": (status(302, Location="http://169.254.169.254/"), True, False, None, "302"),
    "no answer": (hang(0.8), False, True, None, "Timeout"),
    "a closed connection": (hang_up, False, True, None, ""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_success_is_one_judged_line(server: Receiver, name: str) -> None:
    server.behave, permanent, ambiguous, after, said = ANSWERS[name]
    with pytest.raises(SinkError) as failed:
        api(server).ask("POST", "/t", {"q": "secret words"}, {"a": 1})
    error = failed.value
    assert (error.permanent, error.ambiguous, error.after) == (permanent, ambiguous, after)
    assert said in error.detail
    assert "\n" not in error.detail
    assert "secret" not in error.detail
    with pytest.raises(SinkError) as failed:
        api(server).get("/t")
    assert not failed.value.ambiguous  # nothing can have come of a look


@pytest.mark.parametrize("code", [409, 412])
def test_a_conflict_is_told_from_all_else(server: Receiver, code: int) -> None:
    server.behave = status(code)
    with pytest.raises(Conflict) as failed:
        api(server).ask("PUT", "/t", body={})
    assert not failed.value.permanent


def test_what_cannot_be_read_is_told_from_all_else(server: Receiver) -> None:
    server.behave = status(200, HTML)
    with pytest.raises(Unreadable):
        api(server).get("/t")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_carries_the_credentials_and_goes_to_declared_places_only(server: Receiver, method: str) -> None:
    server.behave = status(200, b'{"id": 1}')
    assert api(server).ask(method, "/t", {"q": "a b&c"}, {"x": 1}).value == {"id": 1}
    assert server.got[-1].path == "/t?q=a+b%26c"
    assert server.got[-1].headers["authorization"] == "Basic dXM6cGFzcw=="
    egress = Egress([Destination("https://tickets.example.org")])
    calls = {"PUT": egress.put, "PATCH": egress.patch, "POST": egress.post}
    for url in ("http://127.0.0.1/", "https://tickets.example.org.evil.example/", "https://tickets.example.org@evil/"):
        with pytest.raises(EgressRefused):
            calls[method](url, b"", {}) if method in calls else getattr(egress, method.lower())(url)


def test_a_value_stays_in_its_place_whatever_it_holds() -> None:
    call = Call(
        method="POST", path="/t/{id}/x", query={"q": "key = '{id}'"}, body={"a": ["{id}", {"b": "<{id}>"}], "n": 7}
    )
    for text in HOSTILE:
        path, query, body = filled(call, {"id": text})
        assert path == f"/t/{segment(text)}/x"
        assert path.count("/") == 3
        assert path.isascii()
        assert not set(path) & set("?# \r\n\\")
        assert query == {"q": f"key = '{text}'"}
        assert body == {"a": [text, {"b": f"<{text}>"}], "n": 7}
