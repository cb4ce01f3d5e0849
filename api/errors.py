"""Problems that the API tells a client: RFC 9457 problem details with a JSON pointer (RFC 6901) for every fault."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from starlette.responses import Response

PROBLEM_JSON = "application/problem+json"
SHOWN_FAULTS = 100
"""More faults than these are counted, not listed."""


class Fault(NamedTuple):
    """One thing that is wrong: where (JSON pointer, empty for the whole) and why."""

    pointer: str
    reason: str


class Problem(Exception):
    """A request that cannot be served as asked. ``type`` is a stable word, ``detail`` a sentence for people."""

    def __init__(
        self,
        status: int,
        type: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.type = type
        self.detail = detail
        self.faults = faults
        self.headers = headers or {}
        self.members = members or {}

    def body(self) -> bytes:
        """The problem details object as JSON."""
        content: dict[str, object] = {
            "type": f"urn:headwater:problem:{self.type}",
            "title": self.type.replace("-", " "),
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }
        if self.faults:
            content["errors"] = [_shown(fault) for fault in self.faults[:SHOWN_FAULTS]]
            content["errors_total"] = len(self.faults)
        return msgspec.json.encode(content)

    def response(self) -> Response:
        """The HTTP response."""
        return Response(self.body(), self.status, dict(self.headers), media_type=PROBLEM_JSON)


def _shown(fault: Fault) -> dict[str, str]:
    return {"pointer": fault.pointer, "reason": fault.reason[:500]}


def not_found(what: str, id: str) -> Problem:
    """There is no such thing."""
    return Problem(404, "not-found", f"There is no {what} {id[:200]!r}.")


def overloaded(detail: str, after: float | None = None, status: int = 503) -> Problem:
    """Try again after so many seconds; by default 5 to 30, spread so that senders do not come back together."""
    after = 5 + random.random() * 25 if after is None else after  # noqa: S311 - jitter, not a secret
    word = "too-many-requests" if status == 429 else "unavailable"
    return Problem(status, word, detail, headers={"Retry-After": str(round(after))})


def invalid(detail: str, faults: Iterable[Fault], members: Mapping[str, object] | None = None) -> Problem:
    """The sender's fault, all of it at once."""
    return Problem(400, "invalid-request", detail, faults=tuple(faults), members=members)
