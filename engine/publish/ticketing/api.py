"""One ticketing system's HTTP API, in JSON, through the one egress guard: what trackers speak through.

Nothing is tried twice here. What a stranger's system answers is judged by its status alone; of its words only one
capped line goes into the error.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from engine.errors import SinkError
from engine.ports import Clock
from engine.publish.asking import asking
from engine.publish.egress import Answer, Egress
from engine.publish.texts import plain
from engine.publish.ticketing.tracker import Conflict
from engine.publish.webhook import judge

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
SAID = 200
BROKEN, AWAY = 500, 503
"""It failed, perhaps after the work was done; it did not begin."""
CONFLICTS = frozenset({409, 412})

Query = Mapping[str, str] | Sequence[tuple[str, str]]


class Unreadable(SinkError):
    """A success that is no JSON, or more of it than is read."""


class Reply(msgspec.Struct, frozen=True):
    """A success, or a status that was asked for: its JSON, None where there is none."""

    status: int
    headers: Mapping[str, str]
    value: Any = None


class Api:
    """Requests to paths below ``base``. ``headers`` carry the credentials."""

    def __init__(self, egress: Egress, base: str, headers: Mapping[str, str], clock: Clock) -> None:
        self._egress, self._base, self._clock = egress, base.rstrip("/"), clock
        self._headers = {**JSON, **headers}

    def get(self, path: str, query: Query = (), *, accept: Sequence[int] = ()) -> Reply:
        """Read. A failure is never ambiguous: nothing can have come of it. Raises `SinkError`."""
        try:
            return self.ask("GET", path, query, accept=accept)
        except SinkError as error:
            error.ambiguous = False
            raise

    def ask(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        accept: Sequence[int] = (),
    ) -> Reply:
        """Any request. Statuses beside 2xx are errors unless they are in ``accept``. Raises `SinkError`, `Conflict`."""
        found = f"{path}?{urlencode(query)}" if query else path
        answer = self._answer(method, self._base + found, body, {**self._headers, **(headers or {})})
        said = f"{method} {path.partition('?')[0]}"
        if not 200 <= answer.status < 300 and answer.status not in accept:
            raise self._failure(said, answer)
        return Reply(answer.status, answer.headers, _value(answer, said))

    def _answer(self, method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
        content = b"" if body is None else msgspec.json.encode(body)
        egress = self._egress
        with asking():
            if method == "GET":
                return egress.get(url, headers)
            if method == "DELETE":
                return egress.delete(url, headers)
            return {"POST": egress.post, "PUT": egress.put, "PATCH": egress.patch}[method](url, content, headers)

    def _failure(self, said: str, answer: Answer) -> SinkError:
        words = _words(answer.body)
        detail = f"{said} was answered {answer.status}" + (f": {words}" if words else "")
        if answer.status in CONFLICTS:
            return Conflict(detail)
        judged = judge(answer, self._clock())
        unclear = judged.ambiguous or (answer.status >= BROKEN and not judged.busy and answer.status != AWAY)
        return SinkError(
            detail, permanent=judged.permanent, ambiguous=unclear, after=judged.after, busy=judged.busy
        )  # fmt: skip


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")}


def segment(text: str) -> str:
    """A stranger's text as one segment of a path."""
    return quote(text, safe="")


def _value(answer: Answer, said: str) -> Any:
    """The JSON of an answer. A page of HTML behind a success may be a login page or a proxy's: it says nothing."""
    if not answer.body.strip():
        return None
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if not 200 <= answer.status < 300:
            return None
        raise Unreadable(f"{said} was answered {answer.status}, but not in JSON", ambiguous=True) from None


def _words(body: bytes) -> str:
    """What the system says went wrong, where it says so in one of the usual places of a JSON answer."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    for _ in range(2):
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in ("message", "msg", "error", "errors", "detail") if value.get(key)), "")
    if isinstance(value, list):
        value = "; ".join(map(str, value[:3]))
    return plain(value, SAID) if isinstance(value, str) else ""
