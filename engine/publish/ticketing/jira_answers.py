"""What Jira's answers say: ids, names, times, and which fields it refuses and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import SinkError
from engine.publish.texts import plain
from engine.publish.ticketing.api import Reply
from engine.signals import Millis

NUMBER = re.compile(r"[0-9]{1,18}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def refused_fields(reply: Reply) -> frozenset[str]:
    """The names in the ``errors`` of a 400; none where there is another reason as well."""
    value = members(reply.value) if reply.status == 400 else {}
    if value.get("errorMessages"):
        return frozenset()
    return frozenset(name for name in members(value.get("errors")) if NAME.fullmatch(str(name)))


def why(reply: Reply) -> str:
    """What was refused, as Jira says it: one line."""
    value = members(reply.value)
    messages = value.get("errorMessages")
    said = [f"{name}: {why}" for name, why in members(value.get("errors")).items()]
    said += map(str, messages if isinstance(messages, list) else ())
    return plain("; ".join(said) or str(value.get("errorMessage", "")) or "it does not say why", 400)


def listed(value: object, name: str) -> list[Mapping[str, Any]]:
    """The objects in a list of this name. Raises `SinkError` where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise SinkError(f"Jira answered without {name}")
    return [one for one in found if isinstance(one, dict)]


def whole(reply: Reply) -> Mapping[str, Any]:
    """The object that an answer is."""
    if not isinstance(reply.value, dict):
        raise SinkError("Jira answered without an object")
    return reply.value


def number(value: object) -> str:
    """An id. Raises `SinkError` for what is none: it becomes part of a path."""
    found = worded(value)
    if not NUMBER.fullmatch(found):
        raise SinkError("Jira named something that has no id", ambiguous=True)
    return found


def members(value: object) -> Mapping[str, Any]:
    """Of an object; none of anything else."""
    return value if isinstance(value, dict) else {}


def is_done(status: object) -> bool:
    """Is this a status of the category done?"""
    return bool(members(members(status).get("statusCategory")).get("key") == "done")


def name_of(value: object) -> str:
    """Of a status, priority or resolution."""
    return worded(members(value).get("name"))


def person(user: object) -> str:
    """A user's name for people."""
    return worded(members(user).get("displayName") or members(user).get("name"))


def worded(value: object) -> str:
    """As text; empty for nothing."""
    return "" if value is None else str(value)


def moment(text: str) -> Millis | None:
    """Times have an offset without a colon: 2026-11-22T23:00:00.000+0000."""
    try:
        return round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)
    except ValueError:
        return None
