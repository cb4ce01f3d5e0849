"""`headwater key`, `user`, `trail` and `erase`: on the data itself, whether or not a server runs."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from api import bootstrap, settings, stores
from api.access_settings import Role
from api.auth import keys, opening, people
from api.auth.keys import Refused
from api.auth.principal import Kind, Principal
from api.auth.sqlite import DATABASE
from api.auth.store import TRAIL, Store
from api.auth.trail import Trail
from api.commands.audit import in_words
from api.commands.console import DONE, WRONG, Failed, say, warn
from engine.chain import Head
from engine.chain import verify as verify_chain
from engine.signals import Millis


class _Anchor(msgspec.Struct):
    seq: int
    link: str


def create_key(
    config: Path | None, data: Path | None, name: str, role: str, scopes: tuple[str, ...], days: float | None
) -> int:
    """Print the key, once."""
    with _changing(config, data, f"key create {role} {name}") as store:
        made = keys.create(store, name, _role(role), bootstrap.now(), _me(), scopes, days)
    warn(f"The key {made.key.id}, shown this once; send it as Authorization: Bearer KEY:")
    say(made.secret)
    return DONE


def list_keys(config: Path | None, data: Path | None, *, as_json: bool) -> int:
    """A line each."""
    with _store(config, data) as store:
        found = store.keys()
    if as_json:
        say(msgspec.json.encode(found).decode())
        return DONE
    rows = [("id", "name", "role", "scopes", "expires", "last used", "")]
    for one in found:
        times = (_when(one.expires_at), _when(one.used_at), "revoked" if one.revoked_at else "")
        rows.append((one.id, one.name, one.role.value, ",".join(one.scopes) or "all", *times))
    _table(rows)
    return DONE


def revoke_key(config: Path | None, data: Path | None, id: str) -> int:
    """1 when there is none."""
    with _changing(config, data, f"key revoke {id}") as store:
        if not store.revoke_key(id, bootstrap.now()):
            raise Failed(f"there is no key {id!r} to revoke", "headwater key list shows them")
    say(f"{id} opens nothing any more")
    return DONE


def add_user(config: Path | None, data: Path | None, name: str, role: str) -> int:
    """Asks for the password."""
    with _changing(config, data, f"user add {role} {name}") as store:
        people.put(store, name, bootstrap.now(), role=_role(role), password=_password(), fresh=True)
    say(f"{name} may log in as {role}")
    return DONE


def list_users(config: Path | None, data: Path | None, *, as_json: bool) -> int:
    """A line each."""
    with _store(config, data) as store:
        found = store.users()
    if as_json:
        say(msgspec.json.encode(found).decode())
        return DONE
    rows = [("name", "role", "changed", "")]
    rows += [(one.name, one.role.value, _when(one.changed_at), "disabled" if one.disabled else "") for one in found]
    _table(rows)
    return DONE


def change_user(
    config: Path | None, data: Path | None, name: str, role: str | None, *, password: bool, disable: bool | None
) -> int:
    """Ends the sessions too."""
    if role is None and not password and disable is None:
        raise Failed("nothing is to be changed", "name --role, --password, --disable or --enable")
    with _changing(config, data, f"user change {name}") as store:
        if store.password(name) is None:
            raise Failed(f"there is no user {name!r}", "headwater user list shows them")
        given = _password() if password else None
        people.put(store, name, bootstrap.now(), role=_role(role) if role else None, password=given, disabled=disable)
    say(f"{name} is changed and logged out everywhere")
    return DONE


def verify(config: Path | None, data: Path | None, anchor: Path | None, *, as_json: bool) -> int:
    """1 when the trail is broken."""
    known = _anchor(anchor) if anchor else None
    with _store(config, data) as store:
        report = msgspec.structs.replace(verify_chain(store.trail(), known, store.head()), domain=TRAIL)
    say(msgspec.json.encode(report).decode() if as_json else in_words(report))
    return DONE if report.intact else WRONG


def head(config: Path | None, data: Path | None) -> int:
    """The end as JSON."""
    with _store(config, data) as store:
        end = store.head()
    say(msgspec.json.encode(_Anchor(end.seq, end.link.hex())).decode())
    return DONE


def erase(config: Path | None, data: Path | None, person: str) -> int:
    """Says what was forgotten, and what is left."""
    kept = settings.kept(config, data)
    with opening.stored(kept) as store:
        records = store.erase_records(who=person)
        sessions = store.end_sessions(person=person)
        known = store.remove_user(person)
        _told(store, "erase a person")
    decisions = 0
    if kept.address or kept.file.exists():
        with stores.erasing(kept) as record:
            named = msgspec.json.encode(person)
            for domain in record.domains():
                found = {row.position for row in record.chain(domain) if row.payload and named in row.payload}
                decisions += sum(record.erase(domain, position) for position in sorted(found))
    user = "the user, " if known else ""
    say(f"forgotten: {user}{sessions} sessions, {records} records of the trail, {decisions} of the record of decisions")
    say("left: timelines of incidents, and the input log for as long as retention.input_log says")
    return DONE


@contextmanager
def _store(config: Path | None, data: Path | None) -> Iterator[Store]:
    kept = settings.kept(config, data)
    if not kept.address and not (kept.folder / DATABASE).exists():
        raise Failed(f"{kept}: nothing is known of access", "start `headwater serve` first, or name --data")
    with opening.stored(kept) as store:
        yield store


@contextmanager
def _changing(config: Path | None, data: Path | None, what: str) -> Iterator[Store]:
    """The store, with a record in the trail behind it; what is refused is told as the person's fault."""
    with opening.stored(settings.kept(config, data)) as store:
        try:
            yield store
        except Refused as error:
            raise Failed(str(error)) from None
        _told(store, what)


def _told(store: Store, what: str) -> None:
    who = Principal(_me(), frozenset({Role.ADMIN}), Kind.LOCAL)
    Trail(store, bootstrap.now).record(who, "access", what, "command line", 0)


def _role(name: str) -> Role:
    if name not in set(Role):
        raise Failed(f"there is no role {name!r}", f"use one of {', '.join(Role)}")
    return Role(name)


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in the container
        return "unknown"


def _password() -> str:
    """From the terminal, twice, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Once more: "):
        raise Failed("the passwords differ")
    return first


def _anchor(file: Path) -> Head:
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_Anchor)
        return Head(TRAIL, found.seq, bytes.fromhex(found.link))
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise Failed(f"{file}: no head can be read: {error}", "write it with: headwater trail head") from None


def _when(at: Millis | None) -> str:
    return "never" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
