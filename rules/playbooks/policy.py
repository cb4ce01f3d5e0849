"""All that the folder ``playbooks`` declares, as one part of the rules in force."""

from __future__ import annotations

import msgspec

from rules.duty.model import Roster, Vendor
from rules.playbooks.model import Playbook

HOUR = 3_600_000


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """A tabletop, partial failover, restore test or drill of ``entity`` that is due ``every`` so often; ``roles`` are
    filled by other people each time; ``announced`` False: those on duty do not know when."""

    id: str
    kind: str
    title: str
    every: int
    entity: str = ""
    roles: tuple[str, ...] = ()
    announced: bool = True
    scenario: str = ""


class ReviewPolicy(msgspec.Struct, frozen=True):
    """Incidents of these severities are reviewed within so many milliseconds; who is late is reminded."""

    severities: tuple[str, ...] = ("SEV1", "SEV2")
    within: int = 72 * HOUR
    remind: int = 24 * HOUR


class ContinuityPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Playbooks, who is on duty, vendors, exercises, and how incidents are worked on.

    ``briefings`` is how often teams are briefed, by severity; ``assessor`` the roster of the first assessor;
    ``commands`` and ``urls`` what automated steps may do; ``drill_sinks`` where drills are told.
    """

    playbooks: tuple[Playbook, ...] = ()
    rosters: tuple[Roster, ...] = ()
    vendors: tuple[Vendor, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    commands: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    briefings: tuple[tuple[str, int], ...] = ()
    assessor: str = ""
    review: ReviewPolicy = ReviewPolicy()
    drill_sinks: tuple[str, ...] = ()

    def playbook(self, id: str) -> Playbook | None:
        """The playbook of an id."""
        return next((one for one in self.playbooks if one.id == id), None)

    def vendor(self, id: str) -> Vendor | None:
        """The vendor of an id."""
        return next((one for one in self.vendors if one.id == id), None)

    def roster(self, id: str) -> Roster | None:
        """The roster of an id."""
        return next((one for one in self.rosters if one.id == id), None)
