"""`headwater topics`: the declared topics of Kafka, made and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from api import settings
from api.commands.console import DONE, UNAVAILABLE, WRONG, Failed, say
from api.kafka.steward import Told, stewards
from api.settings import Settings


def create(config: Path | None, *, as_json: bool) -> int:
    """Make those that are missing."""
    return _told(config, make=True, as_json=as_json)


def show(config: Path | None, *, as_json: bool) -> int:
    """Compare."""
    return _told(config, make=False, as_json=as_json)


def _told(config: Path | None, *, make: bool, as_json: bool) -> int:
    found: Settings = settings.load(config)
    if not found.kafka and not found.sinks.kafka and found.cluster is None:
        raise Failed("the settings declare no topics", "kafka:, sinks.kafka: and cluster: do")
    told: dict[str, Sequence[Told]] = {}
    for name, steward in stewards(found.kafka, found.sinks.kafka, found.cluster).items():
        try:
            with closing(steward()) as opened:
                told[name] = opened.create() if make else opened.show()
        except Exception as error:
            raise Failed(f"{name}: {type(error).__name__}: {error}", code=UNAVAILABLE) from error
    say(json.dumps(_plain(told)) if as_json else _words(told))
    return WRONG if any(one.differences for rows in told.values() for one in rows) else DONE


def _plain(told: Mapping[str, Sequence[Told]]) -> dict[str, object]:
    return {name: [one._asdict() for one in rows] for name, rows in told.items()}


def _words(told: Mapping[str, Sequence[Told]]) -> str:
    lines = []
    for name, rows in told.items():
        lines.append(f"{name}:")
        for one in rows:
            state = "created" if one.created else "as declared"
            lines.append(f"  {one.topic}: {'; '.join(one.differences) or state}")
    return "\n".join(lines)
