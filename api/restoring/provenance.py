"""Who wrote and who approved a version of a file, as the history of its branch tells.

The version is the last commit on the branch itself (its first parents) that changed the file. What a merge brings was
written by the authors of its commits, and approved by whoever merged it or is named in a trailer; a commit of its own
was approved by whoever its trailers name. Nobody approves what they wrote. Git does not prove who somebody is: the
protection of the branch does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from api.restoring.git import Git
from api.restoring_settings import Repository
from rules.playbooks.model import Origin


class Person(NamedTuple):
    """As Git names people."""

    name: str
    mail: str

    def same(self, other: Person) -> bool:
        """Is it the same person? Either name or address is enough."""
        names = self.name.casefold() == other.name.casefold()
        return names or (bool(self.mail) and self.mail.casefold() == other.mail.casefold())


class _Commit(NamedTuple):
    id: str
    parents: tuple[str, ...]
    author: Person
    at: int
    named: tuple[Person, ...]


def origin(git: Git, head: str, path: str) -> Origin | None:
    """Where a file's version is from; None where the branch never had it. Raises `api.restoring.git.GitFailed`."""
    found = next(_commits(git, "-1", "--first-parent", head, "--", path), None)
    return approved(git, found.id, path) if found is not None else None


def approved(git: Git, commit: str, path: str) -> Origin:
    """The same of a commit on the branch. Raises `api.restoring.git.GitFailed`."""
    found = next(_commits(git, "-1", commit))
    inner: list[_Commit] = []
    if len(found.parents) > 1:
        inner = list(_commits(git, "--no-merges", found.id, f"^{found.parents[0]}", "--", path))
    authors = list(dict.fromkeys(one.author for one in inner)) or [found.author]
    approvers = [person for one in (found, *inner) for person in one.named]
    if inner and "merge" in git.settings.reviewed_by:
        approvers.append(found.author)
    others = [one for one in dict.fromkeys(approvers) if not any(one.same(author) for author in authors)]
    return Origin(
        commit=found.id,
        path=path,
        at=found.at,
        authors=tuple(one.name for one in authors),
        approved_by=tuple(dict.fromkeys(one.name for one in others)),
    )


def _commits(git: Git, *which: str) -> Iterator[_Commit]:
    wanted = _trailers(git.settings)
    shape = "%x1e".join(("%H", "%P", "%an", "%ae", "%at", *wanted))
    for line in git("log", "-z", f"--format={shape}", *which).decode("utf-8", "replace").split("\0"):
        if not line.strip():
            continue
        id, parents, name, mail, at, *named = line.split("\x1e")
        yield _Commit(id.strip(), tuple(parents.split()), Person(name, mail), int(at) * 1000, tuple(_people(named)))


def _trailers(settings: Repository) -> tuple[str, ...]:
    if "trailer" not in settings.reviewed_by:
        return ()
    return tuple(f"%(trailers:key={key},valueonly,unfold,separator=%x1f)" for key in settings.trailers)


def _people(fields: Iterable[str]) -> Iterator[Person]:
    for one in (part for field in fields for part in field.split("\x1f")):
        name, _, mail = one.strip().partition("<")
        if name.strip() or mail:
            yield Person(name.strip() or mail.rstrip("> "), mail.rstrip("> "))
