"""Playbooks from a Git repository: fetched when somebody asks, read at a commit, with where each version is from.

Where the repository cannot be reached, what was fetched last is used, and it is said.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from api.findings import Finding
from api.restoring.git import Git, GitFailed
from api.restoring.provenance import origin
from api.restoring.schemas import SourceOf
from api.restoring_settings import Repository as RepositorySettings
from engine.continuity.masking import masked
from engine.ports import Clock
from engine.signals import Millis
from rules.playbooks import Playbook
from rules.playbooks.parse import CALENDAR, parse_playbooks
from rules.playbooks.policy import ContinuityPolicy

BRANCH = "refs/headwater/branch"
"""Where the fetched branch is kept."""
SUFFIXES = frozenset({".yaml", ".yml", CALENDAR})
LARGEST = 1 << 20
MOST = 1000
"""Files, and bytes of each, that are read."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Books(NamedTuple):
    """What the fetched commit declares; None where it has mistakes. ``doubt``: why it may not be the newest."""

    policy: ContinuityPolicy | None
    findings: list[Finding]
    commit: str
    doubt: str


class _Seen(msgspec.Struct):
    """How the last tries to fetch went."""

    fetched_at: Millis | None = None
    tried_at: Millis | None = None
    error: str = ""


class Repository:
    """The repository of the settings, kept in ``folder``. Thread-safe."""

    def __init__(self, settings: RepositorySettings, folder: Path, clock: Clock) -> None:
        self.settings, self.git, self._clock = settings, Git(settings, folder), clock
        self._notes = folder / "headwater.json"
        self.lock = threading.RLock()

    def fetch(self) -> SourceOf:
        """Look for a newer commit; how that went."""
        with self.lock:
            now, seen = self._clock(), self._seen()
            try:
                self.git.prepare()
                wanted = f"+refs/heads/{self.settings.branch}:{BRANCH}"
                flags = "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"
                self.git("fetch", *flags, "--", self.settings.url, wanted)
                seen = _Seen(fetched_at=now, tried_at=now)
            except (GitFailed, OSError) as error:
                seen = _Seen(fetched_at=seen.fetched_at, tried_at=now, error=str(error))
            self._note(seen)
            return self.source()

    def source(self) -> SourceOf:
        """Where playbooks are from, and how fresh they are."""
        seen = self._seen()
        return SourceOf(
            url=masked(self.settings.url),
            branch=self.settings.branch,
            folder=self.settings.folder,
            commit=self.head(),
            fetched_at=seen.fetched_at,
            tried_at=seen.tried_at,
            error=seen.error,
        )

    def head(self) -> str:
        """The fetched commit; "" where none is."""
        try:
            return self.git.text("rev-parse", "--verify", "--quiet", f"{BRANCH}^{{commit}}")
        except (GitFailed, OSError):
            return ""

    def books(self, *, fetch: bool = True) -> Books:
        """What the repository declares, after a look for something newer."""
        with self.lock:
            source = self.fetch() if fetch else self.source()
            doubt = _doubt(source)
            findings = [Finding(source.url, 0, doubt, warning=True)] if doubt else []
            if not source.commit:
                return Books(ContinuityPolicy(), findings, "", doubt)
            try:
                texts = dict(self._texts(source.commit))
                policy, problems = parse_playbooks(texts)
                findings += [Finding(one.file, one.line, one.message, one.hint, one.warning) for one in problems]
                if policy is not None and not any(not one.warning for one in findings):
                    return Books(self._with_origins(policy, source.commit), findings, source.commit, doubt)
            except GitFailed as error:
                findings.append(Finding(source.url, 0, str(error)))
            return Books(None, findings, source.commit, doubt)

    def text(self, commit: str, path: str) -> str:
        """A file at a commit. Raises `GitFailed`, UnicodeDecodeError."""
        return self.git("cat-file", "blob", f"{commit}:{path}").decode("utf-8")

    def _texts(self, commit: str) -> Iterator[tuple[str, str]]:
        """Name -> text of the declared folder; links and modules are left out. Raises `GitFailed`."""
        where = ["--", self.settings.folder] if self.settings.folder else []
        listed = self.git("ls-tree", "-r", "-l", "-z", "--full-tree", commit, *where).decode("utf-8", "replace")
        count = 0
        for line in listed.split("\0"):
            facts, _, path = line.partition("\t")
            if not path or PurePosixPath(path).suffix.lower() not in SUFFIXES:
                continue
            mode, _, _, size = facts.split()
            count += 1
            if count > MOST or not mode.startswith("100") or int(size) > LARGEST:
                raise GitFailed(f"{path} is no plain file, too large, or one too many")
            try:
                yield path, self.text(commit, path)
            except UnicodeDecodeError:
                raise GitFailed(f"{path} is not UTF-8") from None

    def _with_origins(self, policy: ContinuityPolicy, commit: str) -> ContinuityPolicy:
        """Each playbook with its version's history; what somebody else approved counts as reviewed then."""
        files = dict.fromkeys(one.file for one in policy.playbooks)
        origins = {file: origin(self.git, commit, file) for file in files}
        found = tuple(_approved(msgspec.structs.replace(one, origin=origins[one.file])) for one in policy.playbooks)
        return msgspec.structs.replace(policy, playbooks=found)

    def _seen(self) -> _Seen:
        try:
            return msgspec.json.decode(self._notes.read_bytes(), type=_Seen)
        except (OSError, msgspec.DecodeError):
            return _Seen()

    def _note(self, seen: _Seen) -> None:
        try:
            self._notes.write_bytes(msgspec.json.encode(seen))
        except OSError:
            return  # nothing depends on it but what is shown


def _approved(playbook: Playbook) -> Playbook:
    found = playbook.origin
    if found is None or not found.approved_by:
        return playbook
    day = (_EPOCH + timedelta(milliseconds=found.at)).date().isoformat()
    if day < playbook.reviewed:
        return playbook
    return msgspec.structs.replace(playbook, reviewed=day, reviewed_by=", ".join(found.approved_by))


def _doubt(source: SourceOf) -> str:
    """Why what was fetched may not be the newest; "" when it is."""
    if not source.error:
        return ""
    if not source.commit:
        return f"the repository of playbooks cannot be reached, and none was ever fetched: {source.error}"
    at = _EPOCH + timedelta(milliseconds=source.fetched_at or 0)
    used = f"commit {source.commit[:12]}, fetched {at:%Y-%m-%d %H:%M} UTC, is used"
    return f"the repository of playbooks cannot be reached; {used}: {source.error}"
