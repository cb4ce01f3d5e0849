"""What the API answers about continuity. Moments and spans are milliseconds."""

from __future__ import annotations

import msgspec

from api.schemas import Versions
from engine.continuity.applicability import Doubt
from engine.continuity.figures import PlaybookStanding
from engine.response_views import Response
from engine.signals import Millis
from rules.duty import Contact, Weakness
from rules.playbooks import Playbook


class FollowUp(msgspec.Struct, kw_only=True):
    """A ticket of an action or of the problem record, by the ``id`` that it has in the response: the ticketing system
    ``sink``, its own id ``remote``, and where to look at it. ``state`` is open, closed or duplicate."""

    id: str
    sink: str
    remote: str
    url: str
    state: str


class ResponseOf(msgspec.Struct, kw_only=True):
    """How an incident is being worked on; ``situation`` is the report to read out, made from the same revision.

    ``applicable`` are the playbooks in force for what is in trouble, each with what speaks against it; ``tickets`` are
    those of actions and of the problem record."""

    incident: str
    revision: int
    state: str
    at: Millis
    response: Response
    situation: str
    held_open: tuple[str, ...]
    applicable: list[PlaybookStanding]
    versions: Versions
    tickets: list[FollowUp] = []


class PlaybooksOf(msgspec.Struct, kw_only=True):
    """Playbooks in force by id, with what speaks against each; ``source`` is the repository that they are from (null: a
    folder)."""

    items: list[PlaybookStanding]
    at: Millis
    versions: Versions
    next: str = ""
    source: dict[str, str | int | None] | None = None


class PlaybookOf(msgspec.Struct, kw_only=True):
    """A playbook in force: its task graph in an order that works, the chain that decides on how long it takes, and how
    it fits the topology in force. ``changed`` are the entities that it touches which differ from the topology that it
    was proven against, by step, as far as that one is stored."""

    playbook: Playbook
    order: tuple[str, ...]
    critical: tuple[str, ...]
    takes: Millis
    doubts: tuple[Doubt, ...]
    changed: list[str]
    at: Millis
    versions: Versions


class OnDuty(msgspec.Struct, kw_only=True):
    """Who fills a role now, how to reach them, and what is wrong with its roster."""

    roster: str
    people: tuple[str, ...]
    reach: dict[str, str]
    findings: tuple[Weakness, ...]


class VendorOf(msgspec.Struct, kw_only=True):
    """A vendor: whom to call, what is promised (null: nothing), and when they were last reached."""

    vendor: str
    entity: str
    contract: str
    response: Millis | None
    contacts: tuple[Contact, ...]
    reached: bool | None
    confirmed_at: Millis | None
    overdue: bool


class DutyOf(msgspec.Struct, kw_only=True):
    """Who is on duty at a moment, and which vendors can be called."""

    at: Millis
    rosters: list[OnDuty]
    vendors: list[VendorOf]


class TabletopOf(msgspec.Struct, kw_only=True):
    """A tabletop made of the topology: what fails, what people will see and when, who will be asked for what.

    ``injects`` are read out in their order, ``questions`` are for those who play."""

    entity: str
    title: str
    roles: tuple[str, ...]
    injects: list[str]
    questions: list[str]
    playbooks: tuple[str, ...]
    versions: Versions
