"""Ticketing systems are declared in the settings, every mistake with its line, and may call back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from api import settings
from api.findings import Wrong
from api.sinks.declared import World
from engine.publish.ticketing.sink import Ticketing
from rules.routing import FOLLOW_UP
from tests.api.live import Live, live, write_files

DOCS = Path(__file__).parent.parent.parent / "docs" / "ticketing.md"
RT = """\
sinks:
  rt:
    - name: desk
      url: https://rt.example.org
      user: headwater
      queue: Incidents
      token_env: RT_TOKEN
      hook_secret_env: RT_HOOK
      priorities: {SEV1: '90'}
"""
REST = """\
sinks:
  rest:
    - name: other
      url: https://tickets.example.org/api
      user: headwater
      header: {X-Key: '{secret}'}
      secret_env: OTHER_KEY
      create:
        method: POST
        path: /tickets
        body: '{"key": "{key}", "title": "{title}", "project": 7}'
      created: /id
      find: {method: GET, path: /tickets, query: {key: '{key}'}}
      read: {method: GET, path: '/tickets/{id}'}
      comment: {method: POST, path: '/tickets/{id}/comments', body: {text: '{text}'}}
      change:
        close: {method: PATCH, path: '/tickets/{id}', body: {status: done}}
        reopen: {method: PATCH, path: '/tickets/{id}', body: {status: open}}
      closed: [done]
"""
VARIABLES = {"RT_TOKEN": "t0ken", "RT_HOOK": "hush", "OTHER_KEY": "k3y", "DESK_PASSWORD": "p"}


def load(folder: Path, text: str) -> settings.Settings:
    return settings.load(write_files(folder, text), environment=VARIABLES)


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(Wrong) as wrong:
        load(folder, text)
    return [f"{finding.line}: {finding.message}" for finding in wrong.value.findings]


@pytest.mark.parametrize("text", [RT, REST], ids=["rt", "rest"])
def test_what_is_declared_is_opened_and_its_secrets_are_shown_nowhere(tmp_path: Path, text: str) -> None:
    found = load(tmp_path, text)
    assert not {secret for secret in VARIABLES.values() if len(secret) > 1 and secret in repr(found)}
    with ExitStack() as stack:
        opened = found.sinks.open(World(lambda: 0, tmp_path, stack))
        tickets = [sink for sink in opened if isinstance(sink, Ticketing)]
        assert [(one.audiences, one.idempotent) for one in tickets] == [(frozenset({"tickets", FOLLOW_UP}), False)]


def test_every_mistake_of_a_declaration_has_its_line(tmp_path: Path) -> None:
    text = RT.replace("token_env: RT_TOKEN", "closed: [resolved, open]") + "      close: done\n"
    assert mistakes(tmp_path, text) == [
        "4: sinks.rt.0: needs either token_env or password_env",
        "11: sinks.rt.0.close: done is not among closed: a ticket would never be closed",
        "4: sinks.rt.0.reopen: open is among closed: a ticket would never be open again",
    ]


MISTAKES = {
    "a field that there is none of": (
        "{title}",
        "{titel}",
        9,
        "body.title: {titel} is no field here",
    ),
    "the field of another call": ("/tickets/{id}/comments", "/tickets/{key}", 16, "path: {key} is no field here"),
    "an unknown method": ("method: POST\n", "method: FETCH\n", 9, "FETCH is none of POST, PUT, PATCH, GET, DELETE"),
    "a path that leads away": ("path: /tickets\n", "path: //evil.example.org\n", 9, "must begin with one /"),
    "a path that climbs": ("path: /tickets\n", "path: /tickets/../admin\n", 9, "no dots as a segment"),
    "a search that finds anything": ("query: {key: '{key}'}", "query: {all: 'yes'}", 14, "does not use {key}"),
    "no JSON": ('"project": 7}', '"project": }', 9, "is no JSON"),
    "no way to close": ("        close: ", "        shut: ", 17, "has no call to close a ticket"),
    "a pointer that is none": ("created: /id", "created: id", 13, "id is no JSON pointer"),
    "a header with a field": ("{secret}", "{title}", 7, "no field but {secret}"),
    "a stray brace": ("{status: done}", "{status: 'a}b'}", 18, "a brace that is no {field}"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_of_a_mapping_is_told_before_anything_is_sent(tmp_path: Path, name: str) -> None:
    good, bad, line, said = MISTAKES[name]
    assert good in REST
    found = mistakes(tmp_path, REST.replace(good, bad, 1))
    assert any(said in one for one in found), found
    assert any(abs(int(one.partition(":")[0]) - line) <= 3 for one in found), found


def test_the_documented_declarations_are_taken(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        variables = dict.fromkeys(re.findall(r"_env: (\w+)", block), "x")
        assert settings.load(write_files(tmp_path / str(number), block), environment=variables).sinks.declared()


# ------------------------------------------------------------------------------------------------------------- hooks

TOKENS = "tokens:\n" + "".join(
    f"  - {{name: {role}-1, role: {role}, sha256: {hashlib.sha256(role.encode()).hexdigest()}}}\n"
    for role in ("viewer", "ingest")
)


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    rt = RT.replace("hook_secret_env: RT_HOOK\n", "").replace("token_env: RT_TOKEN", "token_env: PATH")
    second = rt.partition("rt:\n")[2].replace("desk", "bare").replace("      priorities: {SEV1: '90'}\n", "")
    first = RT.replace("RT_TOKEN", "PATH").replace("RT_HOOK", "PATH")
    with live(tmp_path_factory.mktemp("hooked"), TOKENS + first + second, variables={"PATH": "hush"}) as served:
        yield served


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("desk", "hush", 200), ("desk", "ingest", 200), ("desk", "viewer", 403), ("desk", "wrong", 401),
        ("bare", "ingest", 200), ("bare", "hush", 401), ("log", "ingest", 404), ("nowhere", "ingest", 404),
        ("nowhere", "hush", 401), ("desk/../desk", "hush", 200), ("desk/x", "hush", 401),
    ],
)  # fmt: skip
def test_a_hook_comes_with_a_senders_token_or_with_the_secret_of_its_own_sink(
    hooked: Live, path: str, token: str, status: int
) -> None:
    answer = hooked.client.post(
        f"/api/v1/tickets/{path}", content=b'{"ticket": 1}', headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == status, answer.text


def test_the_secret_of_a_hook_opens_nothing_else(hooked: Live) -> None:
    secret = {"authorization": "Bearer hush"}
    for method, path in (("GET", "/api/v1/incidents"), ("POST", "/api/v2/alerts"), ("POST", "/api/v1/tickets/bare")):
        assert hooked.client.request(method, path, headers=secret).status_code == 401
    assert hooked.client.get("/api/v1/tickets/desk", headers=secret).status_code == 405


def test_what_a_hook_sends_is_never_too_much_or_too_strange(hooked: Live) -> None:
    secret = {"authorization": "Bearer hush"}
    assert hooked.client.post("/api/v1/tickets/desk", content=b"x" * (1 << 21), headers=secret).status_code == 413
    for body in (b"", b"\xff\x00", b"[" * 100_000, msgspec.json.encode({"ticket": "1'; --"})):
        assert hooked.client.post("/api/v1/tickets/desk", content=body, headers=secret).status_code == 200
