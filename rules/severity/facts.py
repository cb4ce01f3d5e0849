"""What is known of an incident's harm."""

from __future__ import annotations

from dataclasses import dataclass

Bounds = tuple[int, int | None]
"""At least, and at most; None is open."""


@dataclass(frozen=True)
class SeverityFacts:
    """What is known of an incident; None is unknown. Instants are milliseconds since the epoch.

    ``users``, ``transactions`` and ``value`` (daily averages, EUR) are bounds, ``users_total`` those of all there are.
    ``tier`` is the best tier hit (0 is the most critical), ``tier_possible`` the best that may be, ``business`` the
    business services and processes hit, ``regions`` the countries where what is hit is used, ``critical`` the critical
    or important functions hit; the ``…_open`` say that there may be more. ``obligations`` are the duties that hang on
    what is hit, ``rpo_exposed`` whether more data than an RPO allows would be lost, ``nondurable`` whether a queue that
    forgets is down, ``worst_word`` the worst severity word among confirmed or firing alerts. ``entities_at_risk`` still
    work but have lost their margin, of ``entities_uncertain`` the health is known only within bounds, ``later_down``
    will be down unless something is done.

    ``at`` is until when it has lasted: now, or when the last alert ended. ``since`` is its onset, the others say since
    when the longest of these has been down; None: none is. ``rto_breach``: an RTO is missed, or will be for certain.
    """

    users: Bounds | None = None
    users_total: Bounds | None = None
    tier: int | None = None
    tier_possible: int | None = None
    business: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    regions_open: bool = True
    critical: tuple[str, ...] = ()
    critical_open: bool = True
    transactions: Bounds | None = None
    value: Bounds | None = None
    obligations: tuple[str, ...] | None = None
    rpo_exposed: bool | None = None
    data_stores_down: int | None = None
    nondurable: bool | None = None
    worst_word: str = "none"
    entities_down: int = 0
    entities_degraded: int = 0
    entities_at_risk: int = 0
    entities_uncertain: int = 0
    later_down: int = 0
    security: bool = False
    lost_heartbeat: bool = False
    at: int = 0
    since: int | None = None
    down_since: int | None = None
    business_down_since: int | None = None
    critical_down_since: int | None = None
    rto_breach: bool | None = None
