"""The `git` command as a guarded subprocess: no shell, no hooks, no configuration of this machine, no questions.

It works on a bare repository of our own. Secrets reach it by its environment, never by its arguments.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from pathlib import Path

from api.restoring_settings import Repository
from engine.continuity.masking import masked, printable
from ingest import process

MOST = 64 << 20
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "gc.auto=0",
    "http.followRedirects=false",
    "protocol.ext.allow=never",
    "safe.directory=*",
    "commit.gpgSign=false",
)


class GitFailed(Exception):
    """Git said no, did not answer in time, or is not there: in one line."""


class Git:
    """A bare repository in ``folder``, and the way to the one that the settings name."""

    def __init__(self, settings: Repository, folder: Path) -> None:
        self.settings, self.folder = settings, folder

    def prepare(self) -> None:
        """Make the repository where there is none. Raises `GitFailed`."""
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self("init", "--bare", "--quiet", ".")

    def __call__(self, *arguments: str, given: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """What it prints. Raises `GitFailed`."""
        argv = ["git", *(word for one in _SAFE for word in ("-c", one)), *arguments]
        environment = {**self._environment(), **(extra or {})}
        folder = str(self.folder)
        try:
            ran = process.run(
                argv, self.settings.timeout, environment=environment, folder=folder, given=given, most=MOST
            )
        except process.NotStarted as error:
            raise GitFailed(f"git cannot be run: {error}") from None
        except TimeoutError:
            raise GitFailed(f"git {arguments[0]} did not end within {self.settings.timeout:g} s") from None
        if ran.code or ran.cut:
            raise GitFailed(f"git {arguments[0]}: {self._said(ran.said)}")
        return ran.said

    def text(self, *arguments: str) -> str:
        """What it prints, as text without the last line's end. Raises `GitFailed`."""
        return self(*arguments).decode("utf-8", "replace").rstrip("\n")

    def _said(self, said: bytes) -> str:
        lines = [one for one in said.decode("utf-8", "replace").splitlines() if one.strip()]
        blamed = [one for one in lines if one.startswith(("fatal:", "error:", " !"))] or lines[-1:] or ["it failed"]
        return " ".join(printable(masked("; ".join(blamed[:3]), [self.settings.token])).split())[:300]

    def _environment(self) -> dict[str, str]:
        found = {
            **process.ENVIRONMENT,
            "HOME": str(self.folder),
            "GIT_DIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        }
        key = f" -i {shlex.quote(self.settings.ssh)} -o IdentitiesOnly=yes" if self.settings.ssh else ""
        found["GIT_SSH_COMMAND"] = f"ssh -o BatchMode=yes{key}"
        if self.settings.token:
            word = base64.b64encode(f"{self.settings.user}:{self.settings.token}".encode()).decode()
            found |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{self.settings.url}.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
            }
        return found
