"""A real PostgreSQL with a standby that has every commit before it is answered, and the way from one to the other."""

from __future__ import annotations

import shutil
import signal

import psycopg

from tests.real.components import eventually, free_port
from tests.real.postgres import Postgres

STANDBY = "wal_retrieve_retry_interval=100ms"


class Pair(Postgres):
    """A server and the place where its standby is made; after `fail_over` they have changed places.

    The addresses that it gives name both hosts and ask for the one that can be written to.
    """

    def __init__(self, settings: tuple[str, ...] = ()) -> None:
        self.other = free_port()
        self._following = ""
        super().__init__(durable=True, settings=(STANDBY, *settings))

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address of one of its databases, on whichever host it is."""
        hosts = f"127.0.0.1:{self.port},127.0.0.1:{self.other}"
        return f"postgresql://{user}@{hosts}/{database}?target_session_attrs=read-write"

    def follow(self) -> None:
        """Make the standby from a copy of the running server; from now on each commit waits for it."""
        self._following = "second" if self.data == "data" else "data"
        shutil.rmtree(self.folder / self._following, ignore_errors=True)
        where = f"host=127.0.0.1 port={self.port} user=postgres"
        self._run("pg_basebackup", "-D", self._following, "-d", where, "-R", "--checkpoint=fast")
        self._standby = self._spawn(self._following, self.other)
        eventually(lambda: self._seen("streaming"), "the standby follows", 30)
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.execute("SELECT pg_reload_conf()")
        eventually(lambda: self._seen("sync", "sync_state"), "commits wait for the standby", 30)

    def promote(self) -> None:
        """The standby is the server from now on; nobody follows it. Returns when it takes writes."""
        self.data, self._process = self._following, self._standby
        self.port, self.other = self.other, self.port
        self._following = ""
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True) as person:
            person.execute("SELECT pg_promote()")

    def remove(self) -> None:
        """Both."""
        if self._following and self._standby.poll() is None:
            self._standby.send_signal(signal.SIGQUIT)
            self._standby.wait(20)
        super().remove()

    def _seen(self, value: str, column: str = "state") -> bool:
        return (value,) in self.execute(f"SELECT {column} FROM pg_stat_replication")
