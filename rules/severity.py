"""Severity: three dimensions with three-valued answers, and a level SEV1 (worst) … SEV5 from a policy that is data.

Every condition asks for "at least this much harm", and the level is the worst of all rules that fired: more harm can
never lower it. A rule whose input is unknown does not fire; the input is named in ``missing`` when knowing it could
have made the level worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from rules.ternary import Ternary
from rules.words import RANK

LEVELS = ("SEV1", "SEV2", "SEV3", "SEV4", "SEV5")
"""Worst first."""
MILDEST = LEVELS[-1]


@dataclass(frozen=True)
class SeverityFacts:
    """What is known of an incident; None is unknown.

    ``users`` are bounds (low, high), ``tier`` the best tier hit (0 is the most critical), ``business`` the business
    services and processes hit, ``obligations`` the duties that hang on what is hit, ``rpo_exposed`` whether more
    data than the RPO allows would be lost, ``nondurable`` whether a queue that forgets is hit, ``worst_word`` the
    worst severity word among confirmed or firing alerts.
    """

    users: tuple[int, int] | None = None
    users_total: int | None = None
    tier: int | None = None
    business: tuple[str, ...] = ()
    obligations: tuple[str, ...] | None = None
    rpo_exposed: bool | None = None
    data_stores_down: int | None = None
    nondurable: bool | None = None
    worst_word: str = "none"
    entities_down: int = 0
    entities_degraded: int = 0
    security: bool = False
    lost_heartbeat: bool = False


@dataclass(frozen=True)
class FiredRule:
    """A rule of the policy that applies, with the numbers that made it."""

    id: str
    level: str
    because: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SeverityResult:
    """The level, the three dimensions, every rule that fired (hard rules first), and what is not known."""

    level: str
    user_impact: Ternary
    data_loss: Ternary
    regulatory: Ternary
    fired: tuple[FiredRule, ...]
    missing: tuple[str, ...] = ()


class When(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Conditions, all of which must hold; each says "at least". ``tier`` says "this tier or a more critical one".

    ``users`` counts the lower bound, ``share`` is in thousandths of all users, ``word`` is a severity word.
    """

    users: int | None = None
    share: int | None = None
    tier: int | None = None
    business: int | None = None
    down: int | None = None
    affected: int | None = None
    stores_down: int | None = None
    word: str | None = None
    data_loss: bool | None = None
    regulatory: bool | None = None
    security: bool | None = None
    lost_heartbeat: bool | None = None


class SeverityRule(msgspec.Struct, frozen=True):
    """A hard rule: when all its conditions hold, the incident is at least this severe."""

    id: str
    level: str
    when: When


class Grade(msgspec.Struct, frozen=True):
    """A row of the matrix: an extent of user impact (reached by any of ``any``), and its level for each tier.

    ``levels`` has one level for each of the matrix's tiers and one more for all other or unknown tiers.
    """

    id: str
    any: tuple[When, ...]
    levels: tuple[str, ...]


class Matrix(msgspec.Struct, frozen=True):
    """Extent × tier -> level. ``tiers`` ascend (0 is the most critical); grades go from mild to bad."""

    tiers: tuple[int, ...] = ()
    grades: tuple[Grade, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """A severity policy."""

    rules: tuple[SeverityRule, ...] = ()
    matrix: Matrix = Matrix()


Known = dict[str, int | None]
"""Fact -> amount of harm; None is unknown. A tier is negated, so that more is always worse."""


def assess(policy: Policy, facts: SeverityFacts) -> SeverityResult:
    """The severity of an incident under a policy."""
    data_loss, regulatory = _data_loss(facts), _regulatory(facts)
    known = _known(facts, data_loss, regulatory)
    fired: list[FiredRule] = []
    open_rules: list[tuple[str, frozenset[str]]] = []
    for rule, level, when in _applicable(policy, known):
        unknown = _unmet(when, known)
        if unknown is None:
            continue
        if unknown:
            open_rules.append((level, unknown))
        else:
            fired.append(FiredRule(rule, level, _because(when, known, facts)))
    level = min((rule.level for rule in fired), default=MILDEST)
    missing = {fact for possible, unknown in open_rules if possible < level for fact in unknown}
    missing |= _missing_tier(policy.matrix, facts, level)
    return SeverityResult(level, _user_impact(facts), data_loss, regulatory, tuple(fired), tuple(sorted(missing)))


def _applicable(policy: Policy, known: Known) -> Iterator[tuple[str, str, When]]:
    """(rule id, level, conditions): hard rules, then the worst alternative that holds of each grade."""
    for rule in policy.rules:
        yield rule.id, rule.level, rule.when
    column = _column(policy.matrix, known["tier"])
    for grade in policy.matrix.grades:
        yield from _grade(grade, column, known)


def _grade(grade: Grade, column: int, known: Known) -> Iterator[tuple[str, str, When]]:
    """The first alternative that holds; if none does, those that may hold."""
    name, level = f"matrix-{grade.id}", grade.levels[column]
    for when in grade.any:
        if _unmet(when, known) == frozenset():
            yield name, level, when
            return
    for when in grade.any:
        yield name, level, when


def _column(matrix: Matrix, tier: int | None) -> int:
    """The place of the (negated) tier among the matrix's tiers; the last column is for all others."""
    if tier is None:
        return len(matrix.tiers)
    return next((place for place, limit in enumerate(matrix.tiers) if -tier <= limit), len(matrix.tiers))


def _unmet(when: When, known: Known) -> frozenset[str] | None:
    """None when a condition fails; else the facts that one would have to know (empty: all conditions hold)."""
    unknown = set()
    for fact, least in _conditions(when):
        amount = known[fact]
        if amount is None:
            unknown.add(fact)
        elif amount < least:
            return None
    return frozenset(unknown)


def _conditions(when: When) -> Iterator[tuple[str, int]]:
    for fact in When.__struct_fields__:
        wanted = getattr(when, fact)
        if wanted is None or wanted is False:
            continue
        if fact == "tier":
            yield fact, -wanted
        else:
            yield fact, RANK[wanted] if fact == "word" else int(wanted)


def _known(facts: SeverityFacts, data_loss: Ternary, regulatory: Ternary) -> Known:
    low = None if facts.users is None else facts.users[0]
    share = None if low is None or not facts.users_total else low * 1000 // facts.users_total
    return {
        "users": low,
        "share": share,
        "tier": None if facts.tier is None else -facts.tier,
        "business": len(facts.business),
        "down": facts.entities_down,
        "affected": facts.entities_down + facts.entities_degraded,
        "stores_down": facts.data_stores_down,
        "word": RANK[facts.worst_word],
        "data_loss": _amount(data_loss),
        "regulatory": _amount(regulatory),
        "security": int(facts.security),
        "lost_heartbeat": int(facts.lost_heartbeat),
    }


def _amount(answer: Ternary) -> int | None:
    return {Ternary.YES: 1, Ternary.NO: 0}.get(answer)


def _because(when: When, known: Known, facts: SeverityFacts) -> dict[str, object]:
    """The numbers behind the conditions, in the words of the facts."""
    numbers: dict[str, object] = {fact: known[fact] for fact, _ in _conditions(when)}
    words = {
        "tier": facts.tier,
        "word": facts.worst_word,
        "business": list(facts.business),
        "users": list(facts.users or ()),
        "regulatory": list(facts.obligations or ()),
    }
    return {fact: words.get(fact, True if getattr(when, fact) is True else number) for fact, number in numbers.items()}


def _missing_tier(matrix: Matrix, facts: SeverityFacts, level: str) -> set[str]:
    """An unknown tier is missing if the worst column could have given a worse level."""
    if facts.tier is not None or not matrix.tiers:
        return set()
    return {"tier"} if any(grade.levels[0] < level for grade in matrix.grades) else set()


def _user_impact(facts: SeverityFacts) -> Ternary:
    """Yes from the first user that is certain, or when a business service or process is hit."""
    if facts.business:
        return Ternary.YES
    if facts.users is None:
        return Ternary.CANNOT_EXCLUDE
    low, high = facts.users
    return Ternary.YES if low > 0 else Ternary.NO if high == 0 else Ternary.CANNOT_EXCLUDE


def _data_loss(facts: SeverityFacts) -> Ternary:
    """Exposed: beyond the RPO, or a queue that forgets is hit. Where no data store is down, the RPO is not at stake."""
    rpo = Ternary.of(facts.rpo_exposed)
    if facts.rpo_exposed is None and facts.data_stores_down == 0:
        rpo = Ternary.NO
    return rpo | Ternary.of(facts.nondurable)


def _regulatory(facts: SeverityFacts) -> Ternary:
    """Reached obligations say yes; a security incident may always have to be reported."""
    reached = Ternary.of(None if facts.obligations is None else bool(facts.obligations))
    return reached | (Ternary.CANNOT_EXCLUDE if facts.security else Ternary.NO)
