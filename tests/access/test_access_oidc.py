"""Tokens and log-ins of a real provider on loopback, and what attackers make of both."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from api import bootstrap
from tests.access.oidc_provider import CLIENT, SECRET, Provider, provider
from tests.api.live import Live, live
from tests.real.components import free_port

ACCESS = """\
access:
  oidc:
    issuer: {issuer}
    client_id: headwater
    client_secret_env: SECRET
    url: http://127.0.0.1:{port}
    parties: [robot]
    roles: {{noc: operator, audit: auditor}}
"""
ATTACKER = RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def guarded(issuer: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    port = free_port()
    settings = ACCESS.format(issuer=issuer.url, port=port)
    folder = tmp_path_factory.mktemp("oidc")
    with live(folder, settings, server=f"port: {port}", variables={"SECRET": SECRET}) as served:
        yield served


def asked(world: Live, token: str) -> httpx.Response:
    return world.client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})


def encoded(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "claims", [{}, {"azp": CLIENT}, {"azp": "robot"}, {"aud": ["other", CLIENT], "azp": "robot"}, {"nbf": 1}]
)
def test_a_good_token_is_its_person_with_the_roles_that_the_settings_translate(
    issuer: Provider, guarded: Live, claims: dict[str, Any]
):
    me = asked(guarded, issuer.token(**claims)).json()
    assert (me["name"], me["kind"], me["roles"]) == ("ann", "jwt", ["operator"])


def test_other_algorithms_of_the_list_and_several_roles(issuer: Provider, guarded: Live):
    token = issuer.token({"alg": "ES256", "kid": "two"}, issuer.others[0], groups=["noc", "audit", "golf"])
    assert asked(guarded, token).json()["roles"] == ["auditor", "operator"]


def tampered(token: str, part: int, change: Callable[[dict[str, object]], object]) -> str:
    parts = token.split(".")
    raw = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    change(raw)
    parts[part] = encoded(raw)
    return ".".join(parts)


def unsigned(p: Provider, alg: str) -> str:
    return f"{encoded({'alg': alg, 'kid': 'one'})}.{encoded(p.claims())}."


def with_public_key_as_secret(p: Provider) -> str:
    """RFC 8725 §2.1: the public key, which everybody knows, as the secret of HMAC."""
    content = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(p.claims())}"
    assert isinstance(p.key, RSAKey)
    mac = hmac.new(p.key.as_pem(private=False), content.encode(), hashlib.sha256).digest()
    return f"{content}.{encoded(mac)}"


def cut(token: str) -> str:
    head, claims, signature = token.split(".")
    return f"{head}.{claims}.{signature[:-8]}"


def encrypted(p: Provider) -> str:
    header = {"alg": "RSA-OAEP", "enc": "A128GCM", "kid": "one"}
    return jwe.encrypt_compact(header, p.token(), free(p))


def free(p: Provider) -> RSAKey:
    """The provider's key, for whatever one likes."""
    return RSAKey.import_key({name: value for name, value in p.key.as_dict(True).items() if name not in ("alg", "use")})


def swapped_curve(p: Provider) -> str:
    other = ECKey.generate_key("P-256", {"kid": "one"})
    return jwt.encode({"alg": "ES256", "kid": "one"}, p.claims(), other, algorithms=["ES256"])


NOW = bootstrap.now() // 1000
ATTACKS: dict[str, Callable[[Provider], str]] = {
    "alg none": lambda p: unsigned(p, "none"),
    "alg None, in other letters": lambda p: unsigned(p, "NoNe"),
    "no alg": lambda p: f"{encoded({'kid': 'one'})}.{encoded(p.claims())}.{p.token().split('.')[2]}",
    "HMAC with the public key": with_public_key_as_secret,
    "HMAC with a key of one's own": lambda p: jwt.encode(
        {"alg": "HS256", "kid": "one"}, p.claims(), OctKey.generate_key(256), algorithms=["HS256"]
    ),
    "an algorithm that is not listed": lambda p: p.token({"alg": "RS512"}, free(p)),
    "an algorithm that is not the key's": lambda p: p.token({"alg": "PS256"}, free(p)),
    "another kind of key under the id": swapped_curve,
    "a stranger's key under the id": lambda p: p.token(key=ATTACKER),
    "a stranger's key that the token brings": lambda p: p.token({"jwk": ATTACKER.as_dict(private=False)}, key=ATTACKER),
    "an address of keys that the token brings": lambda p: tampered(
        p.token(), 0, lambda head: head.update(jku="http://127.0.0.1/keys")
    ),
    "the id of another of the keys": lambda p: p.token({"kid": "two"}),
    "an id that nobody has": lambda p: p.token({"kid": "../../dev/null"}),
    "an id that is no text": lambda p: tampered(p.token(), 0, lambda head: head.update(kid=["one"])),
    "without an id, of several keys": lambda p: tampered(p.token(), 0, lambda head: head.pop("kid")),
    "no signature": lambda p: p.token().rpartition(".")[0] + ".",
    "a cut signature": lambda p: cut(p.token()),
    "a signature of other claims": lambda p: tampered(p.token(), 1, lambda claims: claims.update(groups=["audit"])),
    "a changed header": lambda p: tampered(p.token(), 0, lambda head: head.update(typ="x")),
    "a critical extension": lambda p: tampered(p.token(), 0, lambda head: head.update(crit=["exp"], exp=1)),
    "another issuer": lambda p: p.token(iss="https://idp.example"),
    "an issuer with a slash more": lambda p: p.token(iss=p.url + "/"),
    "no issuer": lambda p: p.token(iss=None),
    "another audience": lambda p: p.token(aud="grafana"),
    "an audience in other letters": lambda p: p.token(aud="Headwater"),
    "no audience": lambda p: p.token(aud=None),
    "several audiences and no party": lambda p: p.token(aud=["grafana", CLIENT]),
    "made for another party": lambda p: p.token(azp="grafana"),
    "expired": lambda p: p.token(exp=NOW - 3600),
    "never expires": lambda p: p.token(exp=None),
    "expires at a word": lambda p: p.token(exp="tomorrow"),
    "not valid yet": lambda p: p.token(nbf=NOW + 3600),
    "issued in the future": lambda p: p.token(iat=NOW + 3600),
    "nobody": lambda p: p.token(sub=None),
    "without a role here": lambda p: p.token(groups=["golf"]),
    "roles as an object": lambda p: p.token(groups={"noc": True}),
    "encrypted": encrypted,
    "two tokens": lambda p: f"{p.token()}.{p.token()}",
    "claims that are no object": lambda p: f"{p.token().split('.')[0]}.{encoded([1])}.{p.token().split('.')[2]}",
    "nothing but dots": lambda p: "..",
    "a header as deep as it goes": lambda p: f"{encoded(b'[' * 4000)}.{encoded(b'{}')}.x",
    "far too long": lambda p: p.token(more="x" * 12_000),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_token_that_is_not_right_opens_nothing(issuer: Provider, guarded: Live, attack: str):
    token = ATTACKS[attack](issuer)
    answer = asked(guarded, token)
    assert answer.status_code == 401, answer.text
    if token.strip("."):
        assert token not in answer.text


def test_a_stranger_cannot_make_us_ask_the_provider_again_and_again(issuer: Provider, guarded: Live):
    assert asked(guarded, issuer.token(jti="a")).status_code == 200
    before = issuer.asked["keys"]
    for number in range(20):
        assert asked(guarded, issuer.token({"kid": f"none-{number}"})).status_code == 401
    assert issuer.asked["keys"] <= before + 1


def test_a_new_key_of_the_provider_is_found_and_the_old_one_is_not_believed_any_more(
    issuer: Provider, tmp_path_factory: pytest.TempPathFactory
):
    times = [1_000_000]

    def clock() -> int:
        return bootstrap.now() + times[0]

    settings = ACCESS.format(issuer=issuer.url, port=1)
    with live(tmp_path_factory.mktemp("keys"), settings, variables={"SECRET": SECRET}, clock=clock) as world:
        good: dict[str, Any] = {"exp": NOW + 90_000, "iat": None}
        assert asked(world, issuer.token(**good)).status_code == 200
        old, issuer.key = issuer.key, RSAKey.generate_key(2048, {"kid": "three", "use": "sig"})
        try:
            times[0] += 60_000
            assert asked(world, issuer.token({"kid": "three"}, **good)).status_code == 200
            assert asked(world, issuer.token(key=old, jti="x", **good)).status_code == 401
        finally:
            issuer.key = old


# logging in


def browser(world: Live) -> httpx.Client:
    return httpx.Client(base_url=world.url, follow_redirects=False)


def begun(client: httpx.Client, next: str = "/") -> str:
    """The address to which the browser is sent back by the provider."""
    away = client.get("/login/provider", params={"next": next})
    assert away.status_code == 303
    back = httpx.get(away.headers["location"])
    assert back.status_code == 303
    return str(back.headers["location"])


def test_a_person_logs_in_at_the_provider_and_works_with_the_role_there(issuer: Provider, guarded: Live):
    with browser(guarded) as client:
        page = client.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/")
        assert "Log in with your organisation" in client.get("/login").text
        entered = client.get(begun(client, "/api/v1/me"))
        assert entered.status_code == 200
        assert 'content="0;url=/api/v1/me"' in entered.text
        cookies = {part.partition("=")[0]: part for part in entered.headers.get_list("set-cookie")}
        assert "SameSite=strict" in cookies["headwater_session"]
        assert "HttpOnly" in cookies["headwater_session"]
        me = client.get("/api/v1/me").json()
        assert (me["name"], me["kind"], me["roles"]) == ("ann", "person", ["operator"])


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 401 and "headwater_session" not in answer.headers.get("set-cookie", "")


def test_an_answer_counts_once_and_in_the_browser_where_it_was_asked_for(guarded: Live):
    with browser(guarded) as ann, browser(guarded) as mallory:
        back = begun(ann)
        assert refused(mallory.get(back))  # log-in forgery: the answer planted in another browser
        assert refused(ann.get(back)), "it was used up by the attempt"
        assert ann.get(begun(ann)).status_code == 200


@pytest.mark.parametrize("change", ["state", "code", "iss", "nonce", "verifier"])
def test_a_log_in_with_anything_changed_is_refused(issuer: Provider, guarded: Live, change: str):
    with browser(guarded) as client:
        back = urlsplit(begun(client))
        parameters = {name: values[0] for name, values in parse_qs(back.query).items()}
        if change == "nonce":
            issuer.nonce = "another"
        elif change == "verifier":
            issuer.codes[parameters["code"]]["code_challenge"] = "x"
        else:
            parameters[change] = "another"
        try:
            assert refused(client.get(back.path, params=parameters))
        finally:
            issuer.nonce = None


def test_somebody_without_a_role_here_is_told_so(issuer: Provider, guarded: Live):
    issuer.person["groups"] = ["golf"]
    try:
        with browser(guarded) as client:
            answer = client.get(begun(client))
            assert refused(answer)
            assert "has a role here" in answer.text
    finally:
        issuer.person["groups"] = ["noc"]


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)
def test_nobody_is_led_to_another_site(guarded: Live, target: str):
    with browser(guarded) as client:
        assert 'content="0;url=/"' in client.get(begun(client, target)).text
