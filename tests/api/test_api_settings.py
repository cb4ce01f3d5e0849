"""Settings: file, environment, command line; every mistake at once; secrets nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from api import settings
from api.commands.init import SETTINGS
from api.findings import Wrong
from api.kept import Kept

SECRET = "canary-8f2d1c"


def load(folder: Path, text: str, **environment: str) -> settings.Settings:
    file = folder / "headwater.yaml"
    file.write_text(text, encoding="utf-8")
    return settings.load(file, environment=environment)


def findings(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(Wrong) as wrong:
        load(folder, text, **environment)
    return [str(finding).removeprefix(f"{folder}{os.sep}") for finding in wrong.value.findings]


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = settings.load(environment={})
    assert (found.server.host, found.server.port, found.suppression) == ("127.0.0.1", 8666, "shadow")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / "headwater.yaml"
    file.write_text("server: {port: 1, host: localhost}\nsnapshot: 5\n", encoding="utf-8")
    found = settings.load(
        file, environment={"HEADWATER_PORT": "2", "HEADWATER_SNAPSHOT": "7"}, overrides={"HEADWATER_PORT": 3}
    )
    assert (found.server.port, found.server.host, found.snapshot) == (3, "localhost", 7.0)


def test_paths_of_the_file_are_relative_to_it_and_others_to_the_current_folder(tmp_path):
    found = load(tmp_path, "data: d\n", HEADWATER_RULES="r")
    assert (found.data, found.rules) == (tmp_path / "d", Path("r"))


def test_all_mistakes_are_named_at_once_with_their_lines(tmp_path):
    text = """\
server:
  port: 99999
  prot: 1
tokens:
  - {name: a, role: boss, sha256: abc}
suppression: maybe
limits: {wait: -1}
"""
    found = findings(tmp_path, text, HEADWATER_SNAPSHOT="often")
    places = [finding.split(": ")[0] for finding in found]
    lines = {f"headwater.yaml:{line}" for line in (2, 3, 5, 6, 7)}
    assert set(places) == {*lines, "HEADWATER_SNAPSHOT"}
    assert len(found) == 7


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [", "not YAML"),
        ("- 1", "mapping"),
        ("data: &x 1\nrules: *x", "alias"),
        ("data: a\ndata: b", "twice"),
        ("x: " + "[" * 500, "not YAML"),
        ("data: !!python/object/apply:os.system [id]", "data"),
        ("\x00", "not YAML"),
    ],
)
def test_a_file_that_is_no_settings_is_told_as_such(tmp_path, text: str, word: str):
    assert any(word in finding for finding in findings(tmp_path, text))


def test_a_named_file_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(Wrong, match="headwater init"):
        settings.load(tmp_path / "no.yaml", environment={})


def test_a_secret_comes_from_the_environment_and_shows_nowhere(tmp_path):
    text = "sinks: {webhooks: [{name: chat, url: 'https://example.org/hook?key=hidden-1', secret_env: CHAT}]}"
    found = load(tmp_path, text, CHAT=SECRET)
    assert found.sinks.webhooks[0].secret == SECRET
    assert SECRET not in repr(found)
    assert "hidden-1" not in repr(found)
    assert findings(tmp_path, text) == ["headwater.yaml:1: sinks.webhooks.0.secret_env: CHAT is not set"]


def test_names_that_are_used_twice_are_mistakes(tmp_path):
    text = "kafka:\n" + "  - {name: a, bootstrap: ['h:1'], topics: [t]}\n" * 2
    assert findings(tmp_path, text) == ["headwater.yaml:3: kafka.1.name: a is used twice"]


SCAFFOLD_SECRETS = dict.fromkeys(
    ("CHAT_SECRET", "MAIL_PASSWORD", "SLACK_TOKEN", "TEAMS_URL", "OIDC_SECRET", "HOOK_SECRET", "OTEL_TOKEN"), "x"
)


def test_the_published_schema_takes_the_scaffold_with_all_its_comments_opened(tmp_path):
    schema: dict[str, Any] = settings.schema()
    opened = "\n".join(line.removeprefix("# ") for line in SETTINGS.splitlines()[3:])
    values = yaml.safe_load(opened.replace("<64 hexadecimal digits>", "a" * 64))
    jsonschema.Draft202012Validator(schema).validate(values)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**values, "sever": {}})
    assert "secret" not in schema["$defs"]["Webhook"]["properties"], "a secret never stands in a file"
    assert load(tmp_path, opened.replace("<64 hexadecimal digits>", "a" * 64), **SCAFFOLD_SECRETS).server.port == 8666


def test_what_the_scaffold_says_of_the_defaults_is_true(tmp_path):
    opened = "\n".join(line.removeprefix("# ") for line in SETTINGS.splitlines()[3:])
    commented = load(tmp_path, opened.replace("<64 hexadecimal digits>", "a" * 64), **SCAFFOLD_SECRETS)
    plain = settings.Settings()
    for section in ("server", "limits", "retention", "suppression", "snapshot"):
        assert getattr(commented, section) == getattr(plain, section), section


def test_serving_does_not_import_what_only_analysts_and_traces_need():
    probe = (
        "import sys; from api import bootstrap, settings; from api.commands import serve; import tempfile, pathlib\n"
        "d = pathlib.Path(tempfile.mkdtemp())\n"
        "s = settings.load(environment={}, overrides={'HEADWATER_DATA': str(d / 'data')})\n"
        "with bootstrap.engine(s): pass\n"
        "rare = 'pandas', 'scipy', 'networkx', 'matplotlib', 'fpdf', 'opentelemetry.sdk'\n"
        "print([m for m in rare if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


STORE = "store: postgresql://headwater@db.example/headwater\n"


def test_the_stores_password_comes_from_a_file_or_the_environment_and_is_shown_nowhere(tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    named = f"{STORE}store_password_file: secret\n"
    found = load(tmp_path, named)
    assert (found.kept.address, found.kept.password) == ("postgresql://headwater@db.example/headwater", SECRET)
    other = load(tmp_path, named, HEADWATER_STORE_PASSWORD="other")
    assert other.kept.password == "other"
    whole = load(tmp_path, "", HEADWATER_STORE=f"postgresql://me:{SECRET}@db/x")
    for shown in (found, found.kept, whole, whole.kept):
        assert SECRET not in repr(shown) + str(shown)


def test_without_a_store_or_with_a_folder_by_name_it_is_sqlite(tmp_path):
    assert load(tmp_path, "data: here\n").kept == Kept(tmp_path / "here")
    load(tmp_path, STORE)
    config = tmp_path / "headwater.yaml"
    assert settings.kept(config, None).address
    assert settings.kept(config, tmp_path / "there") == Kept(tmp_path / "there")
    assert settings.load(config, environment={}, overrides=settings.at(tmp_path / "there")).kept.address == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store: mysql://db/x\n", "store: "),
        (f"store: postgresql://me:{SECRET}@db/x\n", "store: a password does not belong here"),
        (f"{STORE}store_password: {SECRET}\n", "store_password: a password does not belong here"),
        (f"{STORE}store_password_file: nowhere\n", "store_password_file: cannot be read: No such file"),
    ],
)
def test_a_store_that_cannot_be_meant_so_is_refused(tmp_path, text, said):
    (finding,) = findings(tmp_path, text)
    assert said in finding
    assert SECRET not in finding


def test_kafka_is_told_all_that_is_unsafe_or_cannot_be_at_once(tmp_path: Path) -> None:
    text = """kafka:
  - {name: a, bootstrap: ['h:1'], topics: [t, {name: u, format: nonsense}, t], sasl: PLAIN, user: me, password_env: NO}
  - {name: b, bootstrap: ['h:1'], topics: [t], authorities: ca.pem, dead_letters: t}
sinks:
  kafka:
    - {name: bus, bootstrap: ['h:1'], tls: true, sasl: SCRAM-SHA-512}
"""
    found = "\n".join(findings(tmp_path, text))
    for said in (
        "headwater.yaml:2: kafka.0.password_env: NO is not set",
        "headwater.yaml:2: kafka.0.sasl: PLAIN needs tls: true: no password travels in the clear",
        "kafka.0.topics.1: unknown format 'nonsense'",
        "kafka.0.topics.2: t is named twice",
        "headwater.yaml:3: kafka.1.authorities: has no effect without tls: true",
        "headwater.yaml:3: kafka.1.dead_letters: is one of the topics that are read",
        "headwater.yaml:6: sinks.kafka.0.sasl: needs a user",
        "headwater.yaml:6: sinks.kafka.0.sasl: needs either password_env or password_file",
    ):
        assert said in found


def test_kafkas_password_comes_from_the_environment_and_files_are_relative_to_the_settings(tmp_path: Path) -> None:
    login = "tls: true, authorities: ca.pem, sasl: SCRAM-SHA-256, user: me, password_env: KAFKA_PASSWORD"
    text = f"""kafka:
  - {{name: a, bootstrap: ['h:1'], topics: [t], {login}}}
sinks:
  kafka:
    - {{name: bus, bootstrap: ['h:1'], {login}}}
"""
    loaded = load(tmp_path, text, KAFKA_PASSWORD="made-up")
    for one in (loaded.kafka[0], loaded.sinks.kafka[0]):
        assert (one.password, one.authorities) == ("made-up", tmp_path / "ca.pem")
    assert "made-up" not in repr(loaded)
