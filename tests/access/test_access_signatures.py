"""Signed web hooks: vectors of the three styles, and everything that is done to a signature on its way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator

import httpx
import pytest

from api import bootstrap
from api.auth.signatures import WINDOW, Unsigned, signed
from tests.api.live import Live, live

# https://github.com/standard-webhooks/standard-webhooks, spec: "Signature scheme"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD = [
    (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
    (b"webhook-timestamp", b"1614265330"),
    (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
]
STANDARD_BODY = b'{"test": 2432232314}'
# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB = [(b"x-hub-signature-256", b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")]


def test_the_vector_of_standard_webhooks():
    assert signed("standard", STANDARD, STANDARD_BODY, [STANDARD_SECRET], 1614265330)


def test_the_vector_of_github():
    assert signed("github", GITHUB, b"Hello, World!", ["It's a Secret to Everybody"], 0)


def test_pagerduty_signs_with_every_secret_while_they_are_changed():
    body = '{"event": "ä"}'.encode()
    old, new = (hmac.new(key, body, hashlib.sha256).hexdigest() for key in (b"old", b"new"))
    headers = [(b"x-pagerduty-signature", f"v1={old},v1={new}".encode())]
    for secrets in (["old"], ["new"], ["newer", "new"]):
        assert signed("pagerduty", headers, body, secrets, 0)
    with pytest.raises(Unsigned):
        signed("pagerduty", headers, body, ["newer"], 0)


def header(place: int, value: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of the vector with another value."""
    return [(name, value if number == place else known) for number, (name, known) in enumerate(STANDARD)]


GOOD = STANDARD[2][1]
DAMAGED = {
    "another body": (STANDARD, STANDARD_BODY + b" "),
    "a cut body": (STANDARD, STANDARD_BODY[:-1]),
    "no body": (STANDARD, b""),
    "the body in another character set": (STANDARD, STANDARD_BODY.decode().encode("utf-16")),
    "another id": (header(0, b"msg_2"), STANDARD_BODY),
    "another time": (header(1, b"1614265331"), STANDARD_BODY),
    "a time that is no number": (header(1, b"1614265330 "), STANDARD_BODY),
    "a time in other digits": (header(1, "１６１４２６５３３０".encode()), STANDARD_BODY),
    "a negative time": (header(1, b"-1614265330"), STANDARD_BODY),
    "a cut signature": (header(2, GOOD[:-4]), STANDARD_BODY),
    "no signature": (header(2, b"v1,"), STANDARD_BODY),
    "an empty header": (header(2, b""), STANDARD_BODY),
    "another version": (header(2, GOOD.replace(b"v1", b"v2")), STANDARD_BODY),
    "without its version": (header(2, GOOD[3:]), STANDARD_BODY),
    "in hexadecimal": (header(2, b"v1," + base64.b64decode(GOOD[3:]).hex().encode()), STANDARD_BODY),
    "twice the header": ([*STANDARD, STANDARD[2]], STANDARD_BODY),
    "twice the time": ([*STANDARD, STANDARD[1]], STANDARD_BODY),
    "without the header": (STANDARD[:2], STANDARD_BODY),
    "without the id": (STANDARD[1:], STANDARD_BODY),
    "outside of ASCII": (header(2, GOOD + " ü".encode("latin-1")), STANDARD_BODY),
    "a hundred guesses before it": (header(2, b" ".join([b"v1,AAAA"] * 100 + [GOOD])), STANDARD_BODY),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_signature_holds_for_its_bytes_only(what: str):
    headers, body = DAMAGED[what]
    with pytest.raises(Unsigned) as told:
        signed("standard", headers, body, [STANDARD_SECRET], 1614265330)
    assert STANDARD_SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("late", "taken"), [(WINDOW, True), (WINDOW + 1, False), (-WINDOW, True), (-WINDOW - 1, False)]
)
def test_a_signature_holds_for_five_minutes(late: int, taken: bool):
    if taken:
        assert signed("standard", STANDARD, STANDARD_BODY, [STANDARD_SECRET], 1614265330 + late)
    else:
        with pytest.raises(Unsigned, match="300 s"):
            signed("standard", STANDARD, STANDARD_BODY, [STANDARD_SECRET], 1614265330 + late)


def test_a_style_does_not_take_the_signature_of_another():
    for style in ("github", "pagerduty"):
        with pytest.raises(Unsigned):
            signed(style, STANDARD, STANDARD_BODY, [STANDARD_SECRET], 1614265330)


# over HTTP

SETTINGS = f"""\
tokens:
  - {{name: viewer, role: viewer, sha256: {hashlib.sha256(b"viewer").hexdigest()}}}
access:
  webhooks:
    - {{name: deploys, style: standard, format: /api/v1/signals, secrets_env: [NEW, OLD]}}
    - {{name: forge, style: github, format: /api/v1/signals, secrets_env: [NEW]}}
sinks:
  webhooks: []
"""
BODY = b'{"kind": "change", "t": 1767225600, "service": "db", "change": "deploy", "detail": "v42"}'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(
        tmp_path_factory.mktemp("hooks"), SETTINGS, variables={"NEW": "whsec_bmV3", "OLD": "the old one"}
    ) as served:
        yield served


def standard(id: str, key: bytes, body: bytes = BODY, at: int | None = None) -> dict[str, str]:
    stamp = str(bootstrap.now() // 1000 if at is None else at)
    mac = hmac.new(key, b".".join((id.encode(), stamp.encode(), body)), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}


def post(world: Live, name: str, headers: dict[str, str], body: bytes = BODY) -> httpx.Response:
    headers = {"content-type": "application/json", **headers}
    return world.client.post(f"/api/v1/hooks/{name}", content=body, headers=headers)


def test_signed_signals_are_taken_with_the_new_and_with_the_old_secret(world: Live):
    for id, key in (("a", b"new"), ("b", b"the old one")):
        answer = post(world, "deploys", standard(id, key))
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})


def test_what_was_taken_is_not_taken_again(world: Live):
    headers = standard("c", b"new")
    assert post(world, "deploys", headers).status_code == 200
    again = post(world, "deploys", headers)
    assert (again.status_code, again.json()["title"]) == (409, "replayed")
    assert again.headers["content-type"] == "application/problem+json"


def test_what_was_refused_for_another_reason_may_be_sent_again_once_it_is_mended(world: Live):
    mac = hmac.new(b"whsec_bmV3", BODY, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={mac}"}
    assert post(world, "forge", {**headers, "x-hub-signature-256": "sha256=00"}).status_code == 401
    assert post(world, "forge", headers).status_code == 200
    assert post(world, "forge", headers).status_code == 409


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (standard("d", b"wrong"), 401),
        (standard("e", b"new", at=1), 401),
        ({"authorization": "Bearer viewer"}, 403),
        ({"authorization": "Bearer nobody", **standard("f", b"new")}, 401),
    ],
)
def test_a_web_hook_without_its_signature_is_refused(world: Live, headers: dict[str, str], status: int):
    assert post(world, "deploys", headers).status_code == status


def test_a_signature_opens_its_own_web_hook_only(world: Live):
    headers = {**standard("g", b"new"), "content-type": "application/json"}
    for path in ("/api/v1/hooks/other", "/api/v1/signals", "/api/v1/reload"):
        assert world.client.post(path, content=BODY, headers=headers).status_code == 401
    assert world.client.get("/api/v1/hooks/deploys", headers=headers).status_code == 401


def test_a_header_that_is_sent_twice_is_refused(world: Live):
    headers = [*standard("h", b"new").items(), ("webhook-signature", "v1,AAAA"), ("content-type", "application/json")]
    answer = world.client.post("/api/v1/hooks/deploys", content=BODY, headers=headers)
    assert answer.status_code == 401
    assert json.loads(answer.content)["detail"].endswith("must be there once.")
