"""Where the database is: a `postgresql://` address, and how to name it without its password."""

from __future__ import annotations

from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from engine.errors import StoreUnavailable

_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "fallback_application_name": "headwater",
    "client_encoding": "utf8",
}
"""What libpq is told where the address says nothing: a server that vanishes is noticed within half a minute."""


class Address:
    """A database of PostgreSQL. ``str`` gives it without what is secret. Raises `StoreUnavailable` for no address."""

    def __init__(self, dsn: str) -> None:
        given = _read(dsn)
        self._shown = _shown(given)
        self._secret = given.get("password", "")
        self.conninfo = make_conninfo("", **{**_DEFAULTS, **given})

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"Address({self._shown})"

    def hide(self, text: str) -> str:
        """A message of the server or of libpq, on one line, surely without the password."""
        plain = " ".join(text.split()).removesuffix(
            "Is the server running on that host and accepting TCP/IP connections?"
        )
        return (plain.replace(self._secret, "***") if self._secret else plain).strip()


def _read(dsn: str) -> dict[str, str]:
    """What libpq makes of it. A password that is not encoded ends up in other parts, and nothing of it may be shown."""
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    except psycopg.Error:
        given = {}
    torn = "@" in given.get("host", "") + given.get("dbname", "")
    if not given or torn or not given.get("port", "0").replace(",", "").isdecimal():
        raise StoreUnavailable(
            "Its address cannot be read: it should look like postgresql://user@host:5432/database, with every "
            "character of a password that is no letter or digit percent-encoded."
        )
    return given


def _shown(given: dict[str, str]) -> str:
    user = f"{quote(given['user'])}@" if "user" in given else ""
    hosts = given.get("host", given.get("hostaddr", "")).split(",")
    ports = given["port"].split(",") if "port" in given else [""]
    ports = ports * len(hosts) if len(ports) == 1 else ports
    where = ",".join(
        quote(host, safe="" if host.startswith("/") else ":[]") + (f":{port}" if port else "")
        for host, port in zip(hosts, ports, strict=False)
    )
    return f"postgresql://{user}{where}/{quote(given.get('dbname', ''))}"


def with_password(dsn: str, password: str) -> str:
    """The address with this password in it, if there is one. Raises `StoreUnavailable` for no address."""
    Address(dsn)
    return make_conninfo(dsn, password=password) if password else dsn
