"""What the API answers about risk. Probabilities are 0 … 1, within ``horizon`` seconds."""

from __future__ import annotations

import msgspec


class BasicFailure(msgspec.Struct):
    """What can fail by itself: an entity, or a shared fate that strikes several. ``assumed``: nobody stated its
    probability; it is the default for its kind."""

    name: str
    fate: bool
    probability: float
    assumed: bool


class EntityRisk(msgspec.Struct, kw_only=True):
    """How probable it is that an entity goes down; ``low`` … ``high`` is the 95 % confidence interval.

    ``fate_share`` of it is owed to shared fates. ``method``: ``exact`` (every world was looked at), ``sampled`` (of
    ``worlds``, ``hits`` had it down), or ``conditional`` (only worlds with two or more failures were drawn, weighted
    with their probability, ``stratum``). ``alone``: what takes it down alone, the most probable first, of
    ``alone_total``; this part is always exact. ``together``: how many failures can contribute otherwise. ``assumed``:
    how many of both have an assumed probability.
    """

    entity: str
    name: str
    kind: str
    tier: int | None
    users: int | None
    probability: float
    low: float
    high: float
    fate_share: float
    method: str
    worlds: int
    hits: int
    stratum: float
    alone: list[BasicFailure]
    alone_total: int
    together: int
    assumed: int


class RiskOf(msgspec.Struct, kw_only=True):
    """Business services and processes (or the entities asked for), the most important first.

    ``expected``: how many of ``items`` go down, on average. ``left_off``: how many were too many for one answer.
    ``defaults``: the probabilities taken for kinds of entities that state none, and for shared fates (``fate``).
    """

    version: str
    horizon: int
    worlds: int
    total: int
    left_off: int
    expected: float
    defaults: dict[str, float]
    items: list[EntityRisk]


class NextRisk(EntityRisk, kw_only=True):
    """The risk of an entity that still works, and ``double``: pairs of failures that take it down though neither does
    alone, the most probable first, of ``double_total``."""

    double: list[list[BasicFailure]]
    double_total: int


class NextRisks(msgspec.Struct, kw_only=True):
    """What goes down next, given what is ``down`` (in ``revision`` of ``incident``, if one was named), the most
    probable first. ``fallen``: business that is down because of it. ``complete``: every pair is known; else there were
    more candidates than are looked at."""

    version: str
    incident: str = ""
    revision: int = 0
    down: list[str]
    fallen: list[str]
    horizon: int
    worlds: int
    total: int
    left_off: int
    expected: float
    complete: bool
    defaults: dict[str, float]
    items: list[NextRisk]


class BusinessBehind(msgspec.Struct, kw_only=True):
    """The business that a failure hits: ``tier`` is the best one, ``business`` how many services and processes,
    ``users`` bounds (the largest, and all of them, at most as many as the rules say there are); ``first`` of these, the
    most important first."""

    tier: int | None
    business: int
    users: tuple[int, int] | None
    obligations: list[str]
    first: list[str]


class SinglePoint(BusinessBehind, kw_only=True):
    """A failure that takes business down alone; ``path`` leads from it to the most important, which is down ``after``
    so many seconds, when the buffers between are spent."""

    failure: BasicFailure
    kind: str
    owner: str
    path: tuple[str, ...]
    after: float


class DegradingPoint(SinglePoint, kw_only=True):
    """A failure that takes no business down, but leaves some with as little as ``lowest`` (thousandths)."""

    lowest: int


class HollowGroup(BusinessBehind, kw_only=True):
    """A redundancy group (``need`` of ``members``) that a single failure takes down: ``shared``, the nearest first, of
    ``shared_total``. The business is that behind the nearest."""

    consumer: str
    group: str
    members: tuple[str, ...]
    need: int
    shared: list[BasicFailure]
    shared_total: int


class SinglePointsOf(msgspec.Struct, kw_only=True):
    """Single points of failure of the catalogue, worst first; each list is cut at ``limit`` and its total given.

    ``hollow`` are groups that are redundant on paper only. ``business``: how many services and processes there are;
    ``failures`` were tried; ``unexamined`` of them not for merely degrading, as there were too many.
    """

    version: str
    rules: str = ""
    business: int
    failures: int
    points_total: int
    points: list[SinglePoint]
    hollow_total: int
    hollow: list[HollowGroup]
    degrading_total: int
    degrading: list[DegradingPoint]
    unexamined: int
