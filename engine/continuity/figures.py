"""How ready the organisation is: what is due between incidents, and figures for a registry of readiness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime

import msgspec

from engine.continuity.applicability import Doubt, drift, review_due, stale
from engine.readiness_views import Preparedness, RestoreTest
from engine.signals import Millis
from rules.duty import Weakness, weaknesses
from rules.playbooks.policy import ContinuityPolicy, Exercise
from topology.model import Entity, Topology

DAY: Millis = 86_400_000
YEAR = 365 * DAY


class Due(msgspec.Struct, kw_only=True, frozen=True):
    """Something of the calendar: ``due`` when (None: now, as it was never done), ``overdue``, and what it is about."""

    kind: str
    id: str
    title: str
    due: Millis | None
    overdue: bool
    last: Millis | None = None
    said: str = ""


class RestoreEvidence(msgspec.Struct, kw_only=True, frozen=True):
    """The latest restore test of an entity against its objectives; ``meets_rto`` and ``meets_rpo`` are yes, no or
    unknown, ``declared`` what the catalogue says its restoration takes (seconds)."""

    entity: str
    at: Millis
    seconds: int
    integrity: str
    meets_rto: str
    meets_rpo: str
    rto: int | None = None
    rpo: int | None = None
    declared: int | None = None
    age: int | None = None


class PlaybookStanding(msgspec.Struct, kw_only=True, frozen=True):
    """A playbook in force: what speaks against it, when it was last changed, when its review is due."""

    id: str
    title: str
    state: str
    owner: str
    entities: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    changed_at: Millis | None
    review_due: Millis | None
    updates: int


class ReadinessOf(msgspec.Struct, kw_only=True, frozen=True):
    """All of it at a moment; ``figures`` by name, null where nothing is known."""

    at: Millis
    figures: dict[str, float | None]
    due: tuple[Due, ...]
    playbooks: tuple[PlaybookStanding, ...]
    rosters: tuple[Weakness, ...]
    restores: tuple[RestoreEvidence, ...]
    record: Preparedness


def readiness_of(
    policy: ContinuityPolicy, topology: Topology, record: Preparedness, checks: frozenset[str], now: Millis
) -> ReadinessOf:
    """How ready one is now. ``checks`` are the ids of declared probes and data checks."""
    standings = tuple(_standings(policy, topology, record, checks, now))
    rosters = tuple(one for roster in policy.rosters for one in weaknesses(roster, now))
    due = (*_exercises(policy, record, now), *_contacts(policy, record, now), *_contracts(topology, record, now))
    due = tuple(sorted(due, key=lambda one: (not one.overdue, one.due or 0, one.kind, one.id)))
    restores = tuple(_evidence(topology, one) for one in _latest(record.restores, lambda one: one.entity))
    return ReadinessOf(
        at=now,
        figures=_figures(standings, rosters, due, restores, record, now),
        due=due,
        playbooks=standings,
        rosters=rosters,
        restores=restores,
        record=record,
    )


def _figures(
    standings: tuple[PlaybookStanding, ...],
    rosters: tuple[Weakness, ...],
    due: tuple[Due, ...],
    restores: tuple[RestoreEvidence, ...],
    record: Preparedness,
    now: Millis,
) -> dict[str, float | None]:
    fresh = sum(not one.doubts for one in standings)
    exercises = [one for one in due if one.kind in _HELD]
    begun = [at - declared for _, declared, at in record.initiated]
    good = sum(one.integrity == "yes" and one.meets_rto != "no" for one in restores)
    return {
        "playbooks": float(len(standings)),
        "playbooks_fresh_share": _share(fresh, len(standings)),
        "playbook_updates_90d": float(sum(at > now - 90 * DAY for _, at in record.updates)),
        "exercises_on_time_share": _share(sum(not one.overdue for one in exercises), len(exercises)),
        "exercises_passed_share": _share(sum(o.passed == "yes" for o in record.exercises), len(record.exercises)),
        "restore_tests_good_share": _share(good, len(restores)),
        "contracts_overdue": float(sum(one.overdue and one.kind == "contract" for one in due)),
        "contacts_overdue": float(sum(one.overdue and one.kind == "contact" for one in due)),
        "roster_findings": float(len(rosters)),
        "initiation_seconds_mean": sum(begun) / len(begun) / 1000 if begun else None,
    }


_HELD = frozenset({"tabletop", "failover", "restore", "drill"})


def _share(count: int, of: int) -> float | None:
    return count / of if of else None


def _standings(
    policy: ContinuityPolicy, topology: Topology, record: Preparedness, checks: frozenset[str], now: Millis
) -> Iterator[PlaybookStanding]:
    since = {id: at for id, _, at in record.revised}
    for one in policy.playbooks:
        yield PlaybookStanding(
            id=one.id,
            title=one.title,
            state=one.state,
            owner=one.owner,
            entities=one.entities,
            doubts=(*stale(one, now), *drift(one, topology, checks)),
            changed_at=since.get(one.id),
            review_due=review_due(one),
            updates=sum(id == one.id for id, _ in record.updates),
        )


def _exercises(policy: ContinuityPolicy, record: Preparedness, now: Millis) -> Iterator[Due]:
    """The calendar: each exercise again so long after it was last held."""
    held = {one.exercise: one for one in record.exercises}
    for one in policy.exercises:
        last = held.get(one.id)
        due = None if last is None else last.at + one.every
        said = "" if last is None else f"passed: {last.passed}"
        yield Due(
            kind=one.kind,
            id=one.id,
            title=_title(one),
            due=due,
            overdue=due is None or due <= now,
            last=None if last is None else last.at,
            said=said,
        )


def _title(one: Exercise) -> str:
    return one.title if one.announced else f"{one.title} (unannounced)"


def _contacts(policy: ContinuityPolicy, record: Preparedness, now: Millis) -> Iterator[Due]:
    """Vendors have to be reached once in a while; who could not be reached is overdue at once."""
    tried = {one.vendor: one for one in record.contacts}
    for vendor in policy.vendors:
        last = tried.get(vendor.id)
        due = last.at + vendor.confirm_every if last is not None and last.reached else None
        said = "no contact is written" if not vendor.contacts else ""
        said = f"could not be reached: {last.note}" if last is not None and not last.reached else said
        yield Due(
            kind="contact",
            id=vendor.id,
            title=f"Reach {vendor.id}",
            due=due,
            overdue=due is None or due <= now,
            last=None if last is None else last.at,
            said=said,
        )


def _contracts(topology: Topology, record: Preparedness, now: Millis) -> Iterator[Due]:
    """Contracts are reviewed once a year, and before they expire."""
    seen = {one.entity: one for one in record.contracts}
    for entity in topology.entities.values():
        contract = entity.continuity.contract
        if contract is None:
            continue
        last = seen.get(entity.id)
        due = None if last is None else last.at + YEAR
        ends = moment(contract.expires)
        over = ends is not None and ends <= now
        said = f"expired on {contract.expires}" if over else _lacking(last) if last is not None else ""
        yield Due(
            kind="contract",
            id=entity.id,
            title=f"Review contract {contract.reference}".strip(),
            due=due,
            overdue=due is None or due <= now or over,
            last=None if last is None else last.at,
            said=said,
        )


def _lacking(last: object) -> str:
    said = [name for name in ("capacity", "separation", "access") if getattr(last, name) != "yes"]
    return f"not as promised, or not known: {', '.join(said)}" if said else ""


def _evidence(topology: Topology, one: RestoreTest) -> RestoreEvidence:
    known: Entity | None = topology.entities.get(one.entity)
    rto, rpo = (known.rto, known.rpo) if known is not None else (None, None)
    return RestoreEvidence(
        entity=one.entity,
        at=one.at,
        seconds=one.seconds,
        integrity=one.integrity,
        meets_rto=_met(one.seconds, rto),
        meets_rpo=_met(one.age, rpo),
        rto=rto,
        rpo=rpo,
        declared=known.continuity.restore if known is not None else None,
        age=one.age,
    )


def _met(value: int | None, most: int | None) -> str:
    return "unknown" if value is None or most is None else "yes" if value <= most else "no"


def _latest(rows: Iterable[RestoreTest], key: Callable[[RestoreTest], str]) -> list[RestoreTest]:
    return [one for _, one in sorted({key(one): one for one in rows}.items())]


def moment(text: str) -> Millis | None:
    """The begin of a day (ISO 8601) in UTC; None for what is no date."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
