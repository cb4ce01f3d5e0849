"""The command line in this process, which takes a tenth of the time, and files as another process sees them."""

from __future__ import annotations

import io
import subprocess
from contextlib import redirect_stderr
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from api.cli import app
from api.commands.console import failure


class Done(NamedTuple):
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


def headwater(*arguments: str, text: str = "") -> Done:
    """As the console script does it."""
    result = CliRunner().invoke(app, arguments, input=text)
    if result.exception is None or isinstance(result.exception, SystemExit):
        return Done(result.exit_code, result.stdout, result.stderr)
    assert isinstance(result.exception, Exception)
    with redirect_stderr(io.StringIO()) as said:
        code = failure(result.exception)
    return Done(code, result.stdout, result.stderr + said.getvalue())


def raw(folder: Path, pattern: str) -> bytes:
    """The bytes of files, read elsewhere: closing a file here would drop this process's locks on it (POSIX)."""
    paths = [str(path) for path in sorted(folder.rglob(pattern)) if path.is_file()]
    return subprocess.run(["cat", *paths], capture_output=True, check=True).stdout
