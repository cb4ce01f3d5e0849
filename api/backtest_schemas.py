"""The answer of a back-test, as JSON. Times are Unix seconds, pairs are before (the rules then) and after (yours)."""

from __future__ import annotations

from typing import Literal

import msgspec


class Pair(msgspec.Struct, array_like=True, frozen=True):
    """A number under the rules in force then, and under the rules that were asked about."""

    before: int = 0
    after: int = 0


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides started from.

    ``how``: ``snapshot`` (a stored state of the engine), ``beginning`` (the log's first input; exact), ``warm_up`` (an
    empty engine some time before; what began earlier is not known). ``complete_since`` is the log's first input.
    """

    how: Literal["snapshot", "beginning", "warm_up"]
    at: float
    position: int
    complete_since: float


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One incident as one side saw it. ``told_at``: when people were first told; None: never."""

    id: str
    opened_at: float
    told_at: float | None
    state: str
    severity: str
    worst: str
    fired: tuple[str, ...]
    cause: str | None
    abstained: str
    entities: tuple[str, ...]
    alerts: int
    tier: int | None = None
    people: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that both sides know, with what differs and why."""

    before: Side
    after: Side
    why: str = ""


class Regrouped(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents that became one, or one that became several."""

    before: tuple[Side, ...]
    after: tuple[Side, ...]


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One alert event, by the engine's id of it (``position-index``)."""

    event: str
    name: str
    entity: str
    at: float
    before: str
    after: str


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule keeps back: alert events suppressed or held by it, at any time of their life."""

    rule: str
    what: str
    kept: Pair
    added: int
    removed: int
    examples: tuple[Example, ...]


class Silenced(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of which nobody would hear: why it counts as a fault, and what becomes of its alerts."""

    incident: Side
    fault: str
    how: Literal["kept_back", "not_told"]
    dispositions: dict[str, int]
    rules: tuple[str, ...]


class LostCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A person's command that could not be carried out under the other rules."""

    position: int
    at: float
    actor: str
    action: str
    target: str
    why: str


class Unheard(msgspec.Struct, frozen=True, kw_only=True):
    """Alert events that reached people before and would reach nobody."""

    total: int
    examples: tuple[Example, ...]


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """When people were told of incidents that both sides told: how many sooner and later, and the median in seconds."""

    sooner: int = 0
    later: int = 0
    median: float = 0.0


class BackTest(msgspec.Struct, frozen=True, kw_only=True):
    """The difference. Lists are cut at `api.backtest_difference.SHOWN`; ``counts``, by kind, are whole."""

    since: float
    until: float
    start: Start
    versions: dict[str, tuple[str, str]]
    suppression: str
    inputs: int
    alert_events: int
    equal: bool
    counts: dict[str, int]
    agreement: float
    incidents: Pair
    dispositions: dict[str, Pair]
    pages: Pair
    tickets: Pair
    notifications: Pair
    opening: Opening
    silenced: tuple[Silenced, ...]
    gone: tuple[Side, ...]
    new: tuple[Side, ...]
    merged: tuple[Regrouped, ...]
    split: tuple[Regrouped, ...]
    severity: tuple[Change, ...]
    cause: tuple[Change, ...]
    timing: tuple[Change, ...]
    unheard: Unheard
    rules: tuple[RuleChange, ...]
    commands: tuple[LostCommand, ...]
    notes: tuple[str, ...]
