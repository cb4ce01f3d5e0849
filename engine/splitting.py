"""Stage 1 in one function: what one input becomes for each shard."""

from __future__ import annotations

import msgspec

from engine.envelope import encode
from engine.ports import Decoded, Origin, Record
from engine.routes import Routes
from topology.model import UNMAPPED


class Sent(msgspec.Struct, frozen=True):
    """One record for the topic of shards: ``body`` is an envelope for the shard, ``origin`` where it came from."""

    shard: int
    body: bytes
    origin: Origin


def split(record: Record, decoded: Decoded, routes: Routes) -> list[Sent]:
    """The envelopes of an input, by shard. What could not be decoded goes where alerts of nothing known go."""
    origin = Origin(record.source, record.partition, record.offset, record.format)
    parts = routes.split(decoded.signals)
    home = routes.of_domain(UNMAPPED)
    if decoded.rejects:
        parts.setdefault(home, [])
    rejects = [one if one.raw else msgspec.structs.replace(one, raw=record.body) for one in decoded.rejects]
    return [
        Sent(shard, encode(signals, rejects if shard == home else ()), origin)
        for shard, signals in sorted(parts.items())
    ]
