"""Silences of an Alertmanager: ``GET /api/v2/silences``, version 2 of its API.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (gettableSilence). What cannot be read is
told as such, never as having no silences.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.signals import Millis, SilenceElsewhere

MOST = 5_000


class _Matcher(msgspec.Struct):
    name: str
    value: str
    is_regex: bool = msgspec.field(name="isRegex")
    is_equal: bool = msgspec.field(name="isEqual", default=True)

    def __str__(self) -> str:
        sign = ("=~" if self.is_equal else "!~") if self.is_regex else ("=" if self.is_equal else "!=")
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{sign}"{escaped}"'


class _Status(msgspec.Struct):
    state: str


class _Silence(msgspec.Struct):
    id: str
    status: _Status
    matchers: list[_Matcher]
    starts: datetime = msgspec.field(name="startsAt")
    ends: datetime = msgspec.field(name="endsAt")
    updated: datetime = msgspec.field(name="updatedAt")
    by: str = msgspec.field(name="createdBy", default="")
    comment: str = ""


def silences_in(status: int, body: bytes) -> str:
    """Those that are active or pending as JSON, as the command `reconcile` takes it, or why there are none to be had.

    >>> silences_in(503, b"")
    '{"error":"it answered 503"}'
    """
    if status != 200:
        return unread(f"it answered {status}")
    try:
        found = msgspec.json.decode(body, type=list[_Silence])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return unread(f"its answer cannot be understood: {error}")
    live = [one for one in found if one.status.state != "expired"]
    if len(live) > MOST:
        return unread(f"it has more than {MOST} silences")
    return msgspec.json.encode([_plain(one) for one in live]).decode()


def _plain(one: _Silence) -> SilenceElsewhere:
    return SilenceElsewhere(
        id=one.id,
        matchers=",".join(map(str, one.matchers)),
        starts_at=_millis(one.starts),
        ends_at=_millis(one.ends),
        changed_at=_millis(one.updated),
        by=one.by,
        comment=one.comment,
    )


def _millis(at: datetime) -> Millis:
    return round(at.timestamp() * 1000)


def unread(why: str) -> str:
    """What stands for silences that could not be read."""
    return msgspec.json.encode({"error": why}).decode()
