"""`headwater publish`: try a sink out; print what is or would be sent, from the settings and the data on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from api import bootstrap, settings
from api.commands.console import DONE, UNAVAILABLE, WRONG, Failed, say
from api.commands.explain import serving
from api.settings import Settings
from api.sinks import trial
from api.sinks.declared import World
from engine.outcomes import Publication
from engine.sending import Link, OutboxRow

UNFINISHED = ("new", "claimed", "sent", "ambiguous")
PAGE = 500
NONE = 404


class Asked(NamedTuple):
    """Which sink (empty: all), the settings file, the data folder."""

    sink: str
    config: Path | None
    data: Path | None


class Shown(NamedTuple):
    """One publication as one sink gets it; ``state`` is empty where it was never put out for that sink."""

    sink: str
    kind: str
    key: str
    state: str
    text: str


def test(asked: Asked, *, dry_run: bool, as_json: bool) -> int:
    """Send a test, or print it; 1 when it is not taken."""
    found = _settings(asked)
    _known(found, asked.sink)
    with ExitStack() as stack:
        world = World(bootstrap.now, found.data, stack)
        if dry_run:
            sink = found.sinks.one(asked.sink, world)
            row = trial.trial_row(sink.name, sorted(sink.audiences)[0], bootstrap.now())
            say(trial.shown(sink, row))
            return DONE
        found.data.mkdir(parents=True, exist_ok=True)
        tested = trial.attempt(found.sinks, asked.sink, world)
    assert tested is not None  # noqa: S101 - it is a known name
    if as_json:
        say(json.dumps(msgspec.to_builtins(tested)))
    else:
        about = f" ({tested.failure})" if tested.failure else ""
        say(f"{'ok' if tested.ok else 'failed'}: {tested.name}, {tested.kind}: {tested.said}{about}")
    return DONE if tested.ok else WRONG


def waiting(asked: Asked, *, as_json: bool) -> int:
    """Print what waits in the outbox, as each sink would get it, the oldest first."""
    found = _settings(asked)
    _known(found, asked.sink)
    rows = reversed(_rows(found, state=UNFINISHED))
    wanted = [row for row in rows if asked.sink in ("", row["sink"])]
    return _print(found, wanted, as_json=as_json, none="Nothing waits to be sent.")


def show(asked: Asked, incident: str, *, as_json: bool) -> int:
    """Print an incident's latest publication of each audience as every sink gets it that serves the audience."""
    found = _settings(asked)
    _known(found, asked.sink)
    rows = _rows(found, incident=incident)
    if not rows:
        raise Failed(f"nothing was put out of an incident {incident!r}", "ids look like INC-42")
    latest: dict[str, dict[str, Any]] = {}
    for row in rows:
        latest.setdefault(row["audience"], row)
    states = {(row["key"], row["sink"]): row for row in rows}
    wanted = [
        states.get((one["key"], sink)) or {**one, "sink": sink, "state": "", "remote": ""}
        for one in latest.values()
        for sink, audiences in found.sinks.serving().items()
        if asked.sink in ("", sink) and _publication(one).serves(sink, audiences)
    ]
    return _print(found, wanted, as_json=as_json, none="No declared sink gets it.", before=rows)


def redrive(id: int, url: str | None, token: str, config: Path | None, *, as_json: bool) -> int:
    """Ask a running server to send a dead publication again; 1 when it has no such dead one."""
    with closing(serving(url, token, config)) as client:
        try:
            answer = client.post(f"/api/v1/outbox/{id}/redrive")
        except httpx.HTTPError as error:
            raise Failed(f"{client.base_url} does not answer: {error}", code=UNAVAILABLE) from None
    said = answer.json()
    if answer.is_error:
        mend = "GET /api/v1/outbox?state=dead lists them" if answer.status_code == NONE else ""
        raise Failed(str(said.get("detail", answer.status_code)), mend)
    say(json.dumps(said) if as_json else f"{id}: is sent again.")
    return DONE


def _settings(asked: Asked) -> Settings:
    return settings.load(asked.config, overrides=settings.at(asked.data))


def _known(found: Settings, name: str) -> None:
    kinds = found.sinks.kinds()
    if name and name not in kinds:
        raise Failed(f"there is no sink {name!r}", f"the settings declare {', '.join(kinds) or 'none'}")


def _rows(found: Settings, incident: str = "", state: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The newest of them, at most a page."""
    if not found.kept.there:
        raise Failed(f"{found.kept} holds no data", "start `headwater serve`, or name --data", UNAVAILABLE)
    with bootstrap.stored(found.kept) as reader:
        page = reader.outbox(incident=incident, state=state, limit=PAGE)
    return [msgspec.to_builtins(row) for row in page.items]


def _print(
    found: Settings,
    rows: Sequence[dict[str, Any]],
    *,
    as_json: bool,
    none: str,
    before: Sequence[dict[str, Any]] = (),
) -> int:
    with ExitStack() as stack:
        shown = list(_shown(found, rows, before or rows, World(bootstrap.now, found.data, stack)))
    if as_json:
        say(json.dumps([one._asdict() for one in shown], ensure_ascii=False))
    for one in shown if not as_json else ():
        say(f"== {one.sink} ({one.kind}), {one.key}, {one.state or 'never put out for it'}\n{one.text}\n")
    if not shown and not as_json:
        say(none)
    return DONE


def _shown(
    found: Settings, rows: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]], world: World
) -> Iterator[Shown]:
    kinds = found.sinks.kinds()
    sinks = {name: found.sinks.one(name, world) for name in {row["sink"] for row in rows} & set(kinds)}
    for row in rows:
        if row["sink"] in sinks:
            made = OutboxRow(
                id=0, publication=_publication(row), sink=row["sink"], attempts=0, epoch=0, link=_link(row, before)
            )
            text = trial.shown(sinks[row["sink"]], made)
            yield Shown(row["sink"], kinds[row["sink"]][0], row["key"], row["state"], text)


def _publication(row: dict[str, Any]) -> Publication:
    return msgspec.convert({name: row[name] for name in Publication.__struct_fields__}, Publication)


def _link(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Link | None:
    """What an earlier publication of the same incident left at the same sink, if it was taken."""
    about = (row["sink"], row["incident"])
    for one in reversed(rows):
        if one["remote"] and one["id"] < row["id"] and (one["sink"], one["incident"]) == about:
            return Link(sink=about[0], incident=about[1], generation=row["generation"], remote=one["remote"])
    return None
