"""When an incident began, and what belongs to it, as a revision shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.signals import Millis


class OnsetView(msgspec.Struct, kw_only=True, frozen=True):
    """The first sign of an incident's trouble, if it is earlier than its first alert: of ``entity``, in its ``source``
    (series, logs, spans), in ``what`` (metric; template; operation or edge). It was as usual at ``after`` (None: not
    known); ``unsure``: in between nothing was seen for a while, so that it may have begun before ``at``."""

    at: Millis
    entity: str
    source: str
    what: str
    after: Millis | None = None
    unsure: bool = False
    facts: dict[str, Any] = {}


class MemberView(msgspec.Struct, kw_only=True, frozen=True):
    """What belongs to an incident, and why. ``kind`` and ``reason``:

    ``alerting``: the reason of the join, by the entities ``because``;
    ``deviating`` (it has not alerted) and ``inferred`` (a cause of which nothing is measured): provider, consumer or
    unconnected, ``because`` the way to an entity of the incident;
    ``changed``: before_onset or after_onset, ``because`` the change.
    """

    entity: str
    kind: str
    reason: str
    because: tuple[str, ...] = ()
    since: Millis | None = None
    source: str = ""
    what: str = ""
    facts: dict[str, Any] = {}
