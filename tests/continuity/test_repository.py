"""Playbooks in a real Git repository: versions, who approved them, what cannot be reached, and proposed changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.findings import Wrong
from api.restoring.proposing import patch, propose, proposed
from api.restoring.provenance import origin
from api.restoring.repository import Repository
from api.restoring.schemas import ProposalOf
from api.restoring_settings import Repository as RepositorySettings
from api.settings import load
from engine.continuity.proposal import Proposal
from rules.playbooks import Origin, Playbook
from rules.playbooks.policy import ContinuityPolicy
from rules.playbooks.rewrite import Change, rewritten
from tests.continuity.played import BOOKS, Played, outage
from tests.continuity.upstream import Upstream

PATH = "ops/playbooks/orders.yaml"
REVIEWED = "Write it\n\nReviewed-by: Dana <dana@example.com>"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "git")


def repository(upstream: Upstream, folder: Path, now: int = 1_800_000_000_000, **more: Any) -> Repository:
    settings = RepositorySettings(url=str(upstream.url), folder="ops/playbooks", **more)
    return Repository(settings, folder / "mirror", lambda: now)


def books_of(found: Repository) -> tuple[Playbook, ...]:
    policy = found.books().policy
    assert policy is not None
    return policy.playbooks


def version_of(found: Repository) -> Origin:
    """That of the first playbook."""
    version = books_of(found)[0].origin
    assert version is not None
    return version


@contextmanager
def served(folder: Path, upstream: Upstream) -> Iterator[Played]:
    settings = f"restoring:\n  repository: {{url: {upstream.url}, folder: ops/playbooks}}\n"
    with outage(folder / "noc", {"playbooks/ignored.yaml": "nonsense: yes\n"}, settings) as one:
        yield one


def post(played: Played, who: str, path: str) -> Any:
    return played.served.client.post(f"/api/v1/{path}", headers={"authorization": f"Bearer {who}"})


# whose version it is


def test_a_commit_is_approved_by_whom_its_trailers_name_but_not_by_its_author(upstream: Upstream, tmp_path: Path):
    made = upstream.commit("Ann", "Write it\n\nReviewed-by: Ann <ann@example.com>", PATH, BOOKS)
    found = repository(upstream, tmp_path)
    version = version_of(found)
    assert (version.commit, version.authors, version.approved_by) == (made, ("Ann",), ())
    upstream.commit("Ann", "Again\n\nReviewed-by: A. N. Other <ann@example.com>", PATH, BOOKS + "\n")
    assert version_of(found).approved_by == ()  # the same address
    older = BOOKS.replace("reviewed: 2026-09-01", "reviewed: 2025-01-01")
    upstream.commit("Ann", "And again\n\nReviewed-by: Dana <dana@example.com>", PATH, older)
    (book,) = books_of(found)
    assert (version_of(found).approved_by, book.reviewed_by, book.reviewed) == (("Dana",), "Dana", "2025-10-09")


def test_what_is_merged_is_approved_by_whoever_merged_it_unless_they_wrote_it(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    upstream.commit("Bob", "Slower", PATH, BOOKS.replace("takes: 5m", "takes: 6m", 1), "slower")
    merged = upstream.merge("Dana", "slower")
    upstream.commit("Eve", "Something else", "ops/playbooks/other.yaml", "exercises: []\n")
    found = repository(upstream, tmp_path)
    version = version_of(found)
    assert (version.commit, version.authors, version.approved_by) == (merged, ("Bob",), ("Dana",))
    upstream.commit("Bob", "Slower still", PATH, BOOKS.replace("takes: 5m", "takes: 7m", 1), "slowest")
    upstream.merge("Bob", "slowest")
    assert version_of(found).approved_by == ()


def test_the_settings_say_what_counts_as_approval(upstream: Upstream, tmp_path: Path):
    upstream.commit("Dana", "Begin", "README", "ours\n")
    upstream.commit("Ann", "Write it", PATH, BOOKS, "first")
    upstream.merge("Dana", "first")
    assert version_of(repository(upstream, tmp_path / "a", reviewed_by=("trailer",))).approved_by == ()
    assert version_of(repository(upstream, tmp_path / "b")).approved_by == ("Dana",)


def test_a_file_that_the_branch_never_had_has_no_origin(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    found = repository(upstream, tmp_path)
    found.fetch()
    assert origin(found.git, found.head(), "ops/playbooks/nothing.yaml") is None


# reading it


def test_what_cannot_be_reached_is_said_and_the_last_version_is_used(upstream: Upstream, tmp_path: Path):
    found = repository(upstream, tmp_path)
    made = upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    assert found.books().doubt == ""
    shutil.rmtree(upstream.url)
    books = found.books()
    assert books.commit == made
    assert [one.id for one in books_of(found)] == ["orders-db-lost"]
    assert books.doubt.startswith(
        f"the repository of playbooks cannot be reached; commit {made[:12]}, fetched 2027-01-15"
    )
    assert found.source().error


def test_a_repository_that_was_never_reached_declares_nothing_and_says_so(tmp_path: Path, upstream: Upstream):
    shutil.rmtree(upstream.url)
    books = repository(upstream, tmp_path).books()
    assert (books.policy, books.commit) == (ContinuityPolicy(), "")
    assert "none was ever fetched" in books.findings[0].message


def test_mistakes_and_links_in_the_repository_are_named_and_never_followed(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", "Wrong", PATH, BOOKS.replace("accountable: dba", "accountable: [dba, sre]", 1))
    books = repository(upstream, tmp_path).books()
    assert books.policy is None
    assert any("exactly one is accountable" in one.message and one.file == PATH for one in books.findings)
    (tmp_path / "secret.yaml").write_text("playbooks: []")
    work = tmp_path / "git" / "work" / "ops" / "playbooks"
    (work / "orders.yaml").unlink()
    (work / "orders.yaml").symlink_to(tmp_path / "secret.yaml")
    upstream.git("Ann", "add", "-A")
    upstream.git("Ann", "commit", "-q", "-m", "Link")
    upstream.git("Ann", "push", "-q", "origin", "main")
    assert any("no plain file" in one.message for one in repository(upstream, tmp_path).books().findings)


def test_no_hook_no_configuration_and_no_other_protocol_is_obeyed(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    found = repository(upstream, tmp_path)
    found.fetch()
    hook = found.git.folder / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    upstream.commit("Ann", REVIEWED, PATH, BOOKS + "\n")
    found.fetch()
    assert not (tmp_path / "hooked").exists()
    with pytest.raises(ValueError, match="url"):
        RepositorySettings(url=f"ext::sh -c touch% {tmp_path}/run")
    with pytest.raises(ValueError, match="url"):
        RepositorySettings(url="--upload-pack=touch")


# in an incident


def test_a_playbook_is_fetched_at_activation_and_its_commit_is_on_record(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    with served(tmp_path, upstream) as one:
        newer = upstream.commit("Ann", REVIEWED, PATH, BOOKS.replace("Look at the database", "Look at it"))
        one.do("ada", "activate_playbook", reason="the database is gone", playbook="orders-db-lost", source_doubt="no!")
        execution = one.response()["execution"]
        assert execution["tasks"][0]["title"] == "Look at it"
        assert not any("no!" in text for text in execution["findings"])
        lines = one.get(f"incidents/{one.id}/timeline")["items"]
        (told,) = [line for line in lines if line["kind"] == "playbook"]
        assert told["facts"]["commit"] == newer
        assert f"at commit {newer[:12]} activated by ada" in told["text"]
        source = one.get("playbooks")["source"]
        assert (source["commit"], source["error"]) == (newer, "")
        assert one.get("playbooks/orders-db-lost")["playbook"]["origin"]["approved_by"] == ["Dana"]


def test_an_unapproved_version_is_used_only_despite_that_and_one_that_may_be_old_is_said_to_be(
    upstream: Upstream, tmp_path: Path
):
    made = upstream.commit("Ann", "Write it", PATH, BOOKS.replace("    proven:", "    topology: t-2020\n    proven:"))
    with served(tmp_path, upstream) as one:
        refused = one.ask("ada", "activate_playbook", reason="gone", playbook="orders-db-lost")
        assert refused.status_code == 409
        assert "by Ann was approved by nobody else" in refused.json()["detail"]
        shutil.rmtree(upstream.url)
        one.do("ada", "activate_playbook", reason="gone", playbook="orders-db-lost", despite="there is no other")
        said = one.response()["execution"]["findings"]
        assert any("was proven against topology t-2020" in text for text in said)
        assert any(f"cannot be reached; commit {made[:12]}" in text for text in said)
        answer = post(one, "ada", "playbooks/fetch").json()
        assert (answer["changed"], "cannot be reached" in answer["findings"][0]) == (False, True)
        assert post(one, "vic", "playbooks/fetch").status_code == 403


def test_a_deviation_becomes_a_branch_that_counts_once_somebody_else_has_merged_it(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    with served(tmp_path, upstream) as one:
        one.do("ada", "activate_playbook", reason="the database is gone", playbook="orders-db-lost")
        assert post(one, "ada", f"incidents/{one.id}/proposals/orders-db-lost").status_code == 409
        one.do("bo", "start_task", task="look")
        one.later(12 * 60_000)
        one.do("bo", "finish_task", task="look")
        one.do("bo", "note_deviation", task="failover", text="the replica had to be\nresized: first")
        assert post(one, "vic", f"incidents/{one.id}/proposals/orders-db-lost").status_code == 403
        made = post(one, "ada", f"incidents/{one.id}/proposals/orders-db-lost")
        assert made.status_code == 200, made.text
        proposal = made.json()
        assert (proposal["pushed"], proposal["state"], proposal["reviewed"], proposal["by"]) == (
            True,
            "proposed",
            False,
            "ada",
        )
        assert "+      - {id: look, title: Look at the database, accountable: dba, takes: 1" in proposal["diff"]
        assert f"+      # {one.id}: the replica had to be resized: first" in proposal["diff"]
        patch = one.served.client.get(f"/api/v1/incidents/{one.id}/proposals/{proposal['commit']}/patch")
        assert patch.text.startswith(f"From {proposal['commit']}")
        merged = upstream.merge("Cy", proposal["branch"])
        assert post(one, "ada", "playbooks/fetch").json()["changed"] is True
        (after,) = one.get(f"incidents/{one.id}/proposals")["items"]
        assert (after["state"], after["approved_by"], after["reviewed"]) == ("merged", ["Cy"], True)
        found = one.get("playbooks/orders-db-lost")["playbook"]
        assert (found["origin"]["commit"], found["origin"]["authors"]) == (merged, ["ada"])
        assert found["tasks"][0]["takes"] > 10 * 60_000
        lines = one.get(f"incidents/{one.id}/timeline")["items"]
        assert [line["actor"] for line in lines if line["kind"] == "proposal"] == ["ada"]


def offered(found: Repository, by: str = "ada") -> ProposalOf:
    """A change proposed by somebody."""
    why = "all of it was done by telephone"
    said = Proposal(playbook="orders-db-lost", task="", field="step", before=PATH, after=why, why=why)
    return propose(found, "INC-7", books_of(found)[0], [said], by, 1_800_000_000_000)


@pytest.mark.parametrize("how", ["--squash", "--ff-only"])
def test_a_change_without_a_second_pair_of_eyes_is_not_reviewed(upstream: Upstream, tmp_path: Path, how: str):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    found = repository(upstream, tmp_path)
    upstream.merge("ada", offered(found).branch, how=how)
    version = version_of(found)
    assert (version.authors, version.approved_by) == (("ada",), ())
    (after,) = proposed(found, "INC-7")
    assert (after.state, after.approved_by, after.reviewed) == ("merged", (), False)


def test_where_the_repository_takes_no_branch_there_is_a_patch(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    found = repository(upstream, tmp_path)
    found.fetch()
    book = books_of(found)[0]
    shutil.rmtree(upstream.url)
    made = offered(found)
    assert (book.id, made.pushed, made.branch, bool(made.error)) == ("orders-db-lost", False, "", True)
    text = patch(found, "INC-7", made.commit)
    assert text is not None
    assert "all of it was done by telephone" in text.decode()
    assert patch(found, "INC-8", made.commit) is None


# changing the text


def test_a_text_is_changed_where_it_has_to_be_and_nowhere_else():
    text = (
        "# ours\nplaybooks:\n  - id: a\n    tasks:\n      - id: b   # takes: 1m\n        title: 'takes: 9m'\n"
        "        takes: 5m\n      - {id: c, takes: 2m}\n"
    )
    changed = rewritten(text, "a", [Change("b", "slow\nvery", "8m"), Change("c", "left out"), Change("", "hm")])
    assert changed.splitlines() == [
        "# ours",
        "playbooks:",
        "  # hm",
        "  - id: a",
        "    tasks:",
        "      # slow very",
        "      - id: b   # takes: 1m",
        "        title: 'takes: 9m'",
        "        takes: 8m",
        "      # left out",
        "      - {id: c, takes: 2m}",
    ]
    with pytest.raises(KeyError):
        rewritten(text, "x", [])


def test_there_are_no_proposals_of_an_incident_that_made_none(upstream: Upstream, tmp_path: Path):
    upstream.commit("Ann", REVIEWED, PATH, BOOKS)
    found = repository(upstream, tmp_path)
    found.fetch()
    assert proposed(found, "INC-*") == []


# what the settings say


def test_everything_wrong_with_the_settings_of_restoration_is_told_at_once(tmp_path: Path):
    config = tmp_path / "headwater.yaml"
    config.write_text(
        "restoring:\n"
        "  steps:\n"
        "    commands:\n"
        "      - {name: a, argv: [ls], arguments: '('}\n"
        "      - {name: a, argv: [/bin/ls]}\n"
        "    destinations:\n"
        "      - {url: 'https://ops.example', token_env: OPS_TOKEN}\n"
        "  repository: {url: 'https://ann:word@git.example/x.git', token_env: GIT_TOKEN}\n",
        encoding="utf-8",
    )
    with pytest.raises(Wrong) as wrong:
        load(config, environment={})
    said = [str(one) for one in wrong.value.findings]
    for part in ("the program's whole path", "0.arguments: ", "a is used twice", "OPS_TOKEN is not set"):
        assert any(part in one for one in said), (part, said)
    assert any("GIT_TOKEN is not set" in one for one in said)
    assert any("a password does not belong here" in one and "word" not in one.partition("pass")[0] for one in said)
