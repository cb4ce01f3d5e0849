"""A canary of every kind of secret is led through the whole system, and is nowhere to be found afterwards."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api import settings
from api.access_settings import Role
from api.auth import keys, people
from api.auth.redaction import Redaction, secrets
from tests.access.seen import raw
from tests.api.live import Live, alert, live
from tests.real.components import eventually

CANARY = "canary-7Qd0wzXk3vB9"
SETTINGS = """\
sinks:
  log: true
  webhooks:
    - {name: chat, url: "https://chat.invalid/hooks", secret_env: CANARY_CHAT}
  pagerduty:
    - {name: pager, routing_key_env: CANARY_PAGER}
prometheus:
  - {name: prom, url: "http://127.0.0.1:9", token_env: CANARY_PROM, allow_private: true}
access:
  oidc:
    {issuer: "http://127.0.0.1:9", client_id: headwater, client_secret_env: CANARY_OIDC, url: "http://127.0.0.1:1",
     roles: {noc: operator}}
  webhooks:
    - {name: deploys, style: standard, format: /api/v1/signals, secrets_env: [CANARY_HOOK]}
"""
VARIABLES = {f"CANARY_{name}": f"{CANARY}-{name}" for name in ("CHAT", "PAGER", "PROM", "OIDC", "HOOK")}


def everything(world: Live, secret: str, session: str) -> list[str]:
    """Every way in which a secret comes along, most of them wrong; what was answered."""
    said = []
    jwt = f"eyJhbGciOiJSUzI1NiJ9.{secret}.{secret}"
    headers = [
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"Basic {secret}"},
        {"authorization": f"Bearer {jwt}"},
        {"authorization": f"Digest {secret}"},
        {"cookie": f"headwater_session={secret}"},
        {"cookie": f"headwater_session={session}", "x-csrf-token": secret},
        {"webhook-signature": f"v1,{secret}", "webhook-id": "1", "webhook-timestamp": "1"},
    ]
    with httpx.Client(base_url=world.url) as client:
        for one in headers:
            for method, path in (
                ("GET", "/api/v1/incidents"),
                ("POST", "/api/v1/reload"),
                ("POST", "/api/v1/hooks/deploys"),
                ("POST", "/api/v1/incidents/1/acknowledge"),
            ):
                said.append(client.request(method, path, headers=one).text)
        form = {"name": "ann", "password": secret}
        said.append(client.post("/login", data=form).text)
        said.append(client.post("/login/first", data={**form, "token": secret}).text)
        said.append(client.get("/login/callback", params={"code": secret, "state": secret}).text)
        said.append(client.get("/login/provider").text)
    return said


PAGES = (
    "/metrics", "/readyz", "/openapi.json", "/api/v1/sinks", "/api/v1/outbox", "/api/v1/access/keys",
    "/api/v1/access/trail?limit=500",
)  # fmt: skip


@contextmanager
def logged(known: Iterable[str]) -> Iterator[io.StringIO]:
    """Everything that is logged, by a handler as `headwater serve` sets it up; not what the test's own client logs."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.addFilter(Redaction(known))
    handler.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def led_through(world: Live) -> tuple[list[str], list[str]]:
    """What was answered, and the secrets that were in use."""
    access = world.app.state.parts.access
    password = f"{CANARY}-password"
    people.put(access.store, "ann", access.clock(), role=Role.ADMIN, password=password)
    key = keys.create(access.store, "canary", Role.ADMIN, access.clock(), "test").secret
    access.door.forget()
    with httpx.Client(base_url=world.url) as client:
        client.post("/login", data={"name": "ann", "password": password})
        session = client.cookies["headwater_session"]
        csrf = {"x-csrf-token": client.get("/api/v1/me").json()["csrf_token"]}
        client.post("/api/v1/me/password", json={"old": CANARY, "new": CANARY}, headers=csrf)
    said = everything(world, CANARY, session)
    world.client.headers["authorization"] = f"Bearer {key}"
    world.send(alert("Down", "db"))
    world.incident_of("db")
    eventually((world.folder / "headwater-data" / "publications.jsonl").exists, "it was published")
    said += [world.client.get(path).text for path in PAGES]
    return said, [CANARY, key, session]


def test_no_secret_is_in_any_log_answer_metric_file_or_publication(tmp_path: Path):
    with live(tmp_path, SETTINGS, variables=VARIABLES) as world:
        found = world.app.state.parts.settings
        with logged(secrets(found)) as stream:
            said, used = led_through(world)
            logging.error("asked %s with %s", f"https://x.invalid/?token={used[1]}", {"Authorization": VARIABLES})
            try:
                raise RuntimeError(VARIABLES["CANARY_OIDC"] + used[1])
            except RuntimeError:
                logging.exception("it failed")
    kept = raw(tmp_path / "headwater-data", "*")
    assert "it failed" in stream.getvalue()
    assert b"db is down" in kept or b"Down" in kept
    for secret in used:
        assert secret not in stream.getvalue()
        assert not [one for one in said if secret in one]
        assert secret.encode() not in kept
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    "line",
    [
        f"password={CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"https://user:{CANARY}@db.invalid/x",
        f"key hwk_5f0c2a91_{CANARY}",
        f"one-time hwf_{CANARY}",
        f"Set-Cookie: headwater_session={CANARY}; HttpOnly",
        f"eyJhbGciOiJSUzI1NiJ9.{CANARY}.x",
        f"known {CANARY}-CHAT",
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_a_line(line: str):
    assert CANARY not in Redaction([f"{CANARY}-CHAT"]).clean(line)


def test_every_secret_of_the_settings_is_known_to_the_filter(tmp_path: Path):
    (tmp_path / "headwater.yaml").write_text(SETTINGS, encoding="utf-8")
    found = settings.load(tmp_path / "headwater.yaml", environment=VARIABLES)
    assert set(VARIABLES.values()) <= set(secrets(found))
    assert CANARY not in repr(found)
