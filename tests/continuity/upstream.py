"""A real Git repository on disk that playbooks are from, and people who write, approve and merge."""

from __future__ import annotations

import subprocess
from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


class Upstream:
    """A bare repository, ``url``, and a working copy of it."""

    def __init__(self, folder: Path) -> None:
        self.url, self._work = folder / "upstream.git", folder / "work"
        folder.mkdir(parents=True, exist_ok=True)
        self._at = 1_760_000_000
        self.git("Ann", "init", "-q", "--bare", "-b", "main", str(self.url), where=folder)
        self.git("Ann", "init", "-q", "-b", "main", str(self._work), where=folder)
        self.git("Ann", "remote", "add", "origin", str(self.url))

    def git(self, who: str, *arguments: str, where: Path | None = None) -> str:
        """What git prints when somebody runs it, an hour after the last time."""
        self._at += 3600
        people = {
            f"GIT_{part}_{what}": value
            for part in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", who), ("EMAIL", f"{who.lower()}@example.com"), ("DATE", f"{self._at} +0000"))
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=where or self._work,
            env={**ENVIRONMENT, **people},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout.decode().rstrip("\n")

    def commit(self, who: str, message: str, path: str, text: str, branch: str = "main") -> str:
        """Somebody writes a file, and pushes the branch; the commit."""
        if branch != "main":
            self.git(who, "checkout", "-q", "-B", branch)
        file = self._work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.git(who, "add", "-A")
        self.git(who, "commit", "-q", "-m", message)
        found = self.git(who, "rev-parse", "HEAD")
        self.git(who, "push", "-q", "origin", branch)
        if branch != "main":
            self.git(who, "checkout", "-q", "main")
        return found

    def merge(self, who: str, branch: str, *, how: str = "--no-ff") -> str:
        """Somebody merges a branch; the commit."""
        self.git(who, "fetch", "-q", "origin")
        ref = f"origin/{branch}"
        self.git(who, "merge", "-q", how, *(["-m", f"Merge {branch}"] if how == "--no-ff" else []), ref)
        if how == "--squash":
            message = self.git(who, "log", "-1", "--format=%B", ref)
            author = self.git(who, "log", "-1", "--format=%an <%ae>", ref)
            self.git(who, "commit", "-q", "--author", author, "-m", message)
        self.git(who, "push", "-q", "origin", "main")
        return self.git(who, "rev-parse", "HEAD")
