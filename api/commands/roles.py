"""`headwater ingest`, `headwater work`, `headwater publish run`, `headwater api`: one role of a cluster each."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from api.commands import serve
from api.roles import compose

ROLES: dict[str, serve.Make] = {
    "ingest": partial(compose.front, raw=True),
    "api": partial(compose.front, raw=False),
    "work": compose.work,
    "publish": compose.publish,
}


def run(role: str, config: Path | None, host: str | None, port: int | None) -> int:
    """Until Ctrl-C or SIGTERM: then what is under way is finished."""
    return serve.run(config, host, port, None, ROLES[role])
