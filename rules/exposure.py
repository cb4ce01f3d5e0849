"""Which metrics say how much data a store would lose: replication lag, and the age of the last backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from rules.matchers import Matcher, matches_all

Measure = Literal["lag_seconds", "backup_age_seconds"]
Unit = Literal["seconds", "milliseconds", "timestamp"]


class ExposureRule(msgspec.Struct, frozen=True):
    """Samples whose labels (the metric's name is ``__name__``) satisfy all matchers give this measure.

    ``timestamp``: the value is the time of the last copy, in seconds since 1970.
    """

    id: str
    matchers: tuple[Matcher, ...]
    gives: Measure
    unit: Unit = "seconds"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels gives the measure."""
        return matches_all(self.matchers, labels)

    def milliseconds(self, value: float, at: int) -> int:
        """How far a copy is behind at the time of the sample; never negative."""
        if self.unit == "timestamp":
            return max(0, round(at - value * 1000))
        return max(0, round(value * 1000 if self.unit == "seconds" else value))


def _named(id: str, pattern: str, gives: Measure, unit: Unit = "seconds") -> ExposureRule:
    return ExposureRule(id, (Matcher("__name__", "=~", pattern),), gives, unit)


DEFAULT = (
    _named("postgresql-lag", r"pg_(stat_)?replication_(replay_)?lag(_seconds)?", "lag_seconds"),
    _named(
        "mysql-lag",
        r"mysql_(slave|replica)_(status_seconds_behind_(master|source)|lag_seconds)",
        "lag_seconds",
    ),
    _named("mongodb-lag", r"mongodb_(mongod_replset_member|rs_members|mongod_replset)_replication_lag", "lag_seconds"),
    _named("rds-lag", r"aws_rds_(aurora_)?replica_lag(_average|_maximum)?", "lag_seconds"),
    _named("lag", r"(database_)?replication_lag_seconds", "lag_seconds"),
    _named("pgbackrest-age", r"pgbackrest_backup_since_last_completion_seconds", "backup_age_seconds"),
    _named("backup-age", r"backup_age_seconds", "backup_age_seconds"),
    _named("backup-time", r"backup_last_success(ful)?_timestamp(_seconds)?", "backup_age_seconds", "timestamp"),
)
"""The names of the usual exporters (PostgreSQL, MySQL, MongoDB, CloudWatch, pgBackRest), and plain ones."""
