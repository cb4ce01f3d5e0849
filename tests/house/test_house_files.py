"""What must be true of the files around the code: locks, scripts, container, documents."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.zygote import program

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
SCRIPTS = sorted(p.name for p in (ROOT / "script").iterdir() if p.is_file() and not p.suffix)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(lock: str) -> list[str]:
    """Each pin with its continuation lines."""
    joined = text(lock).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]


def grep(pattern: str) -> list[str]:
    """file:line of every tracked line that matches; licences of others and locks' hashes included."""
    command = ["git", "grep", "-nIE", pattern, "--", ".", ":!tests/house"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()


# ------------------------------------------------------------------------------------------------ locks and names


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_is_exact_and_hashed(lock):
    assert len(pins(lock)) > 20
    assert [pin[:60] for pin in pins(lock) if "==" not in pin or "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock):
    assert re.findall(r"(?:https?://\S+|--(?:extra-)?index-url\S*|--find-links\S*)", text(lock)) == []


def test_the_build_backend_is_in_both_locks():
    (backend,) = tomllib.loads(text("pyproject.toml"))["build-system"]["requires"]
    for lock in LOCKS:
        assert any(pin.startswith(f"{backend}==") for pin in pins(lock))


def test_both_locks_agree():
    run, dev = ({pin.split(" --hash")[0].strip() for pin in pins(lock)} for lock in LOCKS)
    assert run - dev == set()


def test_every_dependency_is_locked():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = project["dependencies"] + [d for extra in project["optional-dependencies"].values() for d in extra]
    names = {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in wanted}
    locked = {pin.split("==")[0].split("[")[0].lower() for pin in pins("requirements-dev.txt")}
    assert names - locked == set()


def test_no_tracked_file_names_a_machine_path_or_a_registry():
    machine = grep(r"(^|[^A-Za-z0-9_.])/(work|farm|root|tmp/uvenv)/")
    registry = grep(r"(pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian|crates\.io|proxy\.golang|repo1\.maven)")
    assert machine + registry == []


# -------------------------------------------------------------------------------------------------------- scripts


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_posix_sh_and_executable(script):
    path = ROOT / "script" / script
    assert path.read_text().startswith("#!/bin/sh\n")
    assert path.stat().st_mode & 0o111 == 0o111
    for shell in filter(shutil.which, ("sh", "dash")):
        done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_script_with_a_wrong_option_says_how_it_is_used():
    done = subprocess.run(["sh", "script/setup", "--nonsense"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_without_the_scoring_kit_quality_says_so_and_fails(tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "HEADWATER_SCORE": str(tmp_path)}
    done = subprocess.run(
        ["sh", "script/quality"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "no scoring kit at" in done.stderr


def test_continuous_integration_runs_what_a_contributor_runs():
    assert subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=False).returncode == 0
    assert {"script/parts", "script/test"} <= set(text(".ci/run").split())


def test_make_explains_every_target():
    rules = set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)[0].split())
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0] for line in shown.splitlines() if len(line.split()) > 1}
    assert rules == phony == listed


# ------------------------------------------------------------------------------------------------------ container


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", "\n".join(li for li in text("Dockerfile").splitlines() if not li.startswith("#")))
    return [(line.split()[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


def test_the_dockerfile_is_sane():
    known = {
        "FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT",
        "CMD",
    }  # fmt: skip
    steps = instructions()
    assert {name for name, _ in steps} <= known
    assert steps[0][0] == "FROM"
    assert all("python:3.11-slim" in value for name, value in steps if name == "FROM")
    assert [value for name, value in steps if name == "USER"] == ["10666"], "a number: the host need not know the name"
    installs = [value for name, value in steps if name == "RUN" and "pip install" in value]
    assert installs
    assert all("--require-hashes" in value or "--no-deps --no-build-isolation" in value for value in installs)
    (health,) = [value for name, value in steps if name == "HEALTHCHECK"]
    assert "/healthz" in health
    for form in (health.split("CMD", 1)[1], dict(steps)["ENTRYPOINT"], dict(steps)["CMD"]):
        assert isinstance(json.loads(form), list), "exec form: signals reach the process"


def test_what_the_dockerfile_copies_exists_and_reaches_the_build():
    allowed = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    for name, value in instructions():
        if name == "COPY" and not value.startswith("--from"):
            *sources, _ = shlex.split(value)
            assert all((ROOT / source).exists() and source in allowed for source in sources), value


def test_the_image_holds_every_package():
    packages = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = {value.split()[0] for name, value in instructions() if name == "COPY"}
    assert set(packages) <= copied


COMPOSE = ("docker-compose.yml", "deploy/single/docker-compose.yml")


def composed(path):
    return yaml.safe_load(text(path))


@pytest.mark.parametrize("path", COMPOSE)
def test_a_compose_file_is_valid(path):
    """Against the Compose Specification (https://github.com/compose-spec/compose-spec, Apache-2.0)."""
    schema = json.loads(text("tests/data/compose/compose-spec.json"))
    assert [f"{one.json_path}: {one.message}" for one in Draft7Validator(schema).iter_errors(composed(path))] == []


@pytest.mark.parametrize("path", COMPOSE)
def test_a_compose_file_publishes_on_loopback_only_and_keeps_state(path):
    compose = composed(path)
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert len(set(published)) == len(published)
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", ())]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == set(compose["volumes"])
    base = (ROOT / path).parent
    for mount in mounts:
        source = mount.split(":")[0]
        if source.startswith(".") and "/secrets/" not in source:
            assert (base / source).exists(), source


@pytest.mark.parametrize("path", COMPOSE)
def test_a_service_waits_for_what_is_there_and_says_how_it_is(path):
    services = composed(path)["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services)
        ends = any(
            other.get("depends_on", {}).get(name, {}).get("condition") == "service_completed_successfully"
            for other in services.values()
        )
        own = "build" in service and service["build"] in (".", "../..")
        assert "healthcheck" in service or ends or (own and path != "docker-compose.yml"), name
        for secret in service.get("secrets", ()):
            assert secret in composed(path)["secrets"]


@pytest.mark.parametrize("path", ["Dockerfile", "deploy/tickets/Dockerfile"])
def test_hadolint_finds_nothing_wrong_with_an_image(path):
    hadolint = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([hadolint, "--no-color", path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("script", ["deploy/prepare", "deploy/smoke"])
def test_a_shell_script_is_one(script):
    assert subprocess.run(["sh", "-n", ROOT / script], check=False).returncode == 0


def prepared(folder):
    assert subprocess.run([folder / "prepare"], check=False, capture_output=True).returncode == 0
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / "secrets").iterdir()}


def test_what_is_prepared_is_kept_and_knows_the_token(tmp_path):
    shutil.copytree(ROOT / "deploy" / "cluster", tmp_path / "cluster")
    shutil.copy(ROOT / "deploy" / "prepare", tmp_path)
    first, made = (prepared(tmp_path) for _ in range(2))
    assert first == made
    assert hashlib.sha256(made["token"].encode()).hexdigest() in made["headwater.yaml"]
    assert len({made[name] for name in ("postgres", "tickets", "grafana", "token")}) == 4
    assert f"TICKETS_PASSWORD={made['tickets']}\n" in made["headwater.env"]


# ------------------------------------------------------------------------------------------------------ documents


def test_decision_records_are_numbered_without_a_gap():
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("record", sorted((ROOT / "docs/adr").glob("[0-9]*.md")), ids=lambda path: path.name[:4])
def test_a_decision_record_follows_the_template(record):
    lines = record.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# {record.name[:4]}: ")
    assert [line for line in lines if line.startswith("## ")] == ["## Situation", "## Decision", "## Consequences"]
    assert re.fullmatch(r"Status: (proposed|accepted|superseded by \d{4})", lines[2])


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "examples/demo/README.md"])
def test_a_document_names_only_files_and_targets_that_exist(document):
    content = text(document)
    base = (ROOT / document).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", content) if "://" not in link]
    scripts = re.findall(r"\bscript/[a-z]+\b", content)
    targets = re.findall(r"`make ([a-z-]+)`", content)
    assert [link for link in links if not (base / link).exists()] == []
    assert [script for script in scripts if not (ROOT / script).exists()] == []
    assert set(targets) <= set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "examples/demo/README.md"])
def test_the_commands_of_a_document_exist(document):
    for command in sorted(set(re.findall(r"\bbin/headwater ([a-z]+)", text(document)))):
        done = program.run(command, "--help")
        assert done.returncode == 0, f"headwater {command}: {done.stderr}"


def test_what_the_readme_asks_of_the_catalogue_is_answered():
    (asked,) = re.findall(r"`\.venv/bin/headwater (impact [^`]+)`", text("README.md"))
    done = program.run(*asked.split(), cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 entities are hit" in done.stdout


def test_the_life_cycle_in_the_documents_is_the_one_in_the_code():
    done = subprocess.run(
        [sys.executable, "script/render_lifecycle.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
