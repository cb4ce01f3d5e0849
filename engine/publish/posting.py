"""One POST of JSON through the egress guard, judged: what channels that speak HTTP have in common."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.ports import Clock
from engine.publish.asking import asking
from engine.publish.egress import Answer, Egress
from engine.publish.webhook import judge

JSON = {"Content-Type": "application/json; charset=utf-8"}


class Post:
    """POSTs to declared destinations. ``headers`` carry credentials."""

    def __init__(self, egress: Egress, clock: Clock, headers: Mapping[str, str] | None = None) -> None:
        self._egress, self._clock = egress, clock
        self._headers = {**JSON, **(headers or {})}

    def __call__(self, url: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer, of a status 2xx. Raises `SinkError`: refused destinations and 4xx are permanent, a lost answer
        is ambiguous, the rest transient."""
        with asking():
            answer = self._egress.post(url, msgspec.json.encode(body), {**self._headers, **(headers or {})})
        if 200 <= answer.status < 300:
            return answer
        raise judge(answer, self._clock())


def shown(body: object) -> str:
    """JSON as a person reads it."""
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
