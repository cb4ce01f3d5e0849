"""When inputs are refused: the section ``overload:`` of `headwater.yaml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from api.sinks.declared import strict

MIB = 1024 * 1024


@dataclass(frozen=True, config=strict)
class Overload:
    """When inputs are refused, the least urgent first. Seconds that the oldest alert may have waited to be stored until
    ``backfill``, ``telemetry``, ``alerts`` are refused; ``old``: seconds after which telemetry counts as backfill.
    ``records`` and ``bytes``: what may wait in all. Telemetry is refused when less is free than ``disk_low``, a share
    of the file system, and less than ``disk_low_bytes``. ``ballast``: bytes of room that are kept for when the disk is
    full (at most a twentieth of the file system).
    """

    backfill: Annotated[float, Field(gt=0, le=300)] = 5.0
    telemetry: Annotated[float, Field(gt=0, le=300)] = 15.0
    alerts: Annotated[float, Field(gt=0, le=300)] = 30.0
    old: Annotated[float, Field(ge=60)] = 900.0
    records: Annotated[int, Field(ge=100, le=10_000_000)] = 20_000
    bytes: Annotated[int, Field(ge=16 * MIB, le=16_384 * MIB)] = 256 * MIB
    disk_low: Annotated[float, Field(ge=0, le=0.9)] = 0.10
    disk_low_bytes: Annotated[int, Field(ge=0)] = 8192 * MIB
    ballast: Annotated[int, Field(ge=0, le=65_536 * MIB)] = 512 * MIB
