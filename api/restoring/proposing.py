"""Deviations of an incident as a commit on a branch of the playbooks' repository, for somebody else to review.

Nothing is merged here: a change counts once it is in the branch that playbooks are from, and as reviewed once somebody
other than its author has approved it there.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from api.restoring.git import Git, GitFailed
from api.restoring.provenance import approved
from api.restoring.repository import BRANCH, Repository
from api.restoring.schemas import ProposalOf
from engine.continuity.proposal import Proposal
from engine.signals import Millis
from rules.playbooks import Playbook
from rules.playbooks.rewrite import Change, rewritten

MARK = "Headwater-Proposal"
KEPT = "refs/headwater/proposals"
ITSELF = "Headwater"


class NothingToPropose(Exception):
    """No deviation of the incident changes this playbook, or its text is gone."""


def propose(
    repository: Repository, incident: str, playbook: Playbook, proposals: Iterable[Proposal], by: str, now: Millis
) -> ProposalOf:
    """Make the commit, and offer it as a branch. Raises `NothingToPropose`, `GitFailed`."""
    changes = list(_changes(incident, proposals))
    with repository.lock:
        repository.fetch()
        git, head, path = repository.git, repository.head(), playbook.file
        if not head:
            raise GitFailed("none was ever fetched")
        try:
            before = repository.text(head, path)
            after = rewritten(before, playbook.id, changes)
        except (GitFailed, KeyError, UnicodeDecodeError):
            raise NothingToPropose(f"{path} does not have the playbook {playbook.id} any more") from None
        if after == before:
            raise NothingToPropose(f"nothing was done otherwise than {playbook.id} says")
        message = _message(incident, playbook.id, changes)
        commit = _commit(git, head, path, after, message, _identity(git, by, now))
        branch = f"headwater/{_word(incident)}-{_word(playbook.id)}-{commit[:8]}"
        git("update-ref", f"{KEPT}/{_word(incident)}/{_word(playbook.id)}/{commit}", commit)
        try:
            git("push", "--quiet", "--", git.settings.url, f"{commit}:refs/heads/{branch}")
            error = ""
        except GitFailed as failure:
            error = str(failure)
        _note(git, commit, branch if not error else "", error)
        return _shown(repository, incident, playbook.id, commit)


def proposed(repository: Repository, incident: str) -> list[ProposalOf]:
    """All proposals from an incident, oldest first. Raises `GitFailed`."""
    with repository.lock:
        found = []
        for line in repository.git.text(
            "for-each-ref", "--sort=creatordate", "--format=%(refname)", f"{KEPT}/{_word(incident)}/"
        ).splitlines():
            *_, playbook, commit = line.split("/")
            found.append(_shown(repository, incident, playbook, commit))
        return found


def patch(repository: Repository, incident: str, commit: str) -> bytes | None:
    """A proposal for `git am`; None where the incident has none of this commit. Raises `GitFailed`."""
    with repository.lock:
        known = [one.commit for one in proposed(repository, incident)]
        if commit not in known:
            return None
        return repository.git("format-patch", "--stdout", "-1", commit)


def _changes(incident: str, proposals: Iterable[Proposal]) -> Iterator[Change]:
    for one in proposals:
        if one.field == "takes":
            yield Change(one.task, f"{incident}: {one.why}, not {one.before}", one.after)
        else:
            said = one.why if one.after == one.why else f"{one.why}. Proposed: {one.after}"
            yield Change(one.task, f"{incident}: {said}")


def _message(incident: str, playbook: str, changes: Iterable[Change]) -> str:
    lines = "\n".join(f"- {f'step {one.task}: ' if one.task else ''}{' '.join(one.remark.split())}" for one in changes)
    return (
        f"Change {playbook} by what was done in {incident}\n\n{lines}\n\n"
        f"Durations are changed where they were wrong; the rest stands as comments and needs judgement.\n\n"
        f"{MARK}: {_word(incident)}/{_word(playbook)}\n"
    )


def _identity(git: Git, by: str, now: Millis) -> dict[str, str]:
    """Who asked for it is its author."""
    name = " ".join("".join(letter for letter in by if letter.isprintable() and letter not in "<>").split()) or ITSELF
    date, mail = f"{now // 1000} +0000", f"{_word(name)}@{git.settings.mail}"
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": ITSELF,
        "GIT_COMMITTER_EMAIL": f"headwater@{git.settings.mail}",
        "GIT_COMMITTER_DATE": date,
    }


def _commit(git: Git, head: str, path: str, text: str, message: str, identity: dict[str, str]) -> str:
    """One commit behind ``head`` that changes one file; no working tree is touched."""
    blob = git("hash-object", "-w", "--stdin", given=text.encode()).decode().strip()
    mode = git.text("ls-tree", head, "--", path).split()[0]
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git("read-tree", head, extra=index)
        git("update-index", "--cacheinfo", f"{mode},{blob},{path}", extra=index)
        tree = git("write-tree", extra=index).decode().strip()
    return git("commit-tree", tree, "-p", head, given=message.encode(), extra=identity).decode().strip()


def _shown(repository: Repository, incident: str, playbook: str, commit: str) -> ProposalOf:
    git = repository.git
    by, at, mark = git.text("log", "-1", f"--format=%an%x1f%at%x1f%(trailers:key={MARK},valueonly)", commit).split(
        "\x1f"
    )
    path = git.text("diff-tree", "--no-commit-id", "--name-only", "-r", commit)
    branch, error = _noted(git, commit)
    merged = _merged(git, commit, mark.strip())
    approvers = approved(git, merged, path).approved_by if merged else ()
    return ProposalOf(
        incident=incident,
        playbook=playbook,
        branch=branch,
        commit=commit,
        by=by,
        at=int(at) * 1000,
        pushed=bool(branch),
        error=error,
        state="merged" if merged else "proposed",
        approved_by=tuple(one for one in approvers if one != by),
        reviewed=any(one != by for one in approvers),
        diff=git.text("diff-tree", "-p", "--no-commit-id", commit),
    )


def _merged(git: Git, commit: str, mark: str) -> str:
    """The commit of the branch that brought it: merged, as it is, or anew with its mark; "" as long as none did."""
    try:
        git("merge-base", "--is-ancestor", commit, BRANCH)
    except GitFailed:
        found = git.text(
            "log", "-1", "--first-parent", "--format=%H", "--fixed-strings", f"--grep={MARK}: {mark}", BRANCH
        )
        return found if mark else ""
    since = git.text("rev-list", "--first-parent", "--ancestry-path", f"{commit}..{BRANCH}").splitlines()
    onto = git.text("rev-list", "--first-parent", BRANCH).splitlines()
    return commit if commit in onto or not since else since[-1]


def _note(git: Git, commit: str, branch: str, error: str) -> None:
    """What became of offering it stays beside the commit."""
    text = f"{branch}\n{error}".encode()
    blob = git("hash-object", "-w", "--stdin", given=text).decode().strip()
    git("update-ref", f"refs/headwater/notes/{commit}", blob)


def _noted(git: Git, commit: str) -> tuple[str, str]:
    try:
        branch, _, error = git.text("cat-file", "blob", f"refs/headwater/notes/{commit}").partition("\n")
    except GitFailed:
        return "", ""
    return branch, error


def _word(text: str) -> str:
    """A stranger's text as a part of a branch's name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", quote(text, safe="")).strip("-.") or "unnamed"
