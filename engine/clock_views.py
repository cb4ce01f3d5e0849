"""Regimes and clocks of an incident as a revision shows them. Advisory: a named person presses every mark.

Frozen: an answer that changes is another object, so that a revision never changes behind its reader's back.
"""

from __future__ import annotations

import msgspec

from engine.signals import Millis
from rules.regimes.model import Value


class Said(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a person said of a fact: ``value`` None takes back what was said before. ``origin`` is the incident that it
    was said of, where that was merged into this one."""

    value: Value | None = None
    by: str
    at: Millis
    reason: str = ""
    origin: str = ""


class Pressed(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A mark set by a person: ``at`` is the moment that they name, ``pressed_at`` when they did. It is kept when
    withdrawn."""

    at: Millis
    by: str
    pressed_at: Millis
    reason: str = ""
    origin: str = ""
    withdrawn_by: str = ""
    withdrawn_at: Millis | None = None
    withdrawn_why: str = ""


class Dismissal(msgspec.Struct, kw_only=True, frozen=True):
    """Who ended a clock without its mark, when and why; ``applies`` is what the engine said of it then."""

    by: str
    at: Millis
    reason: str
    applies: str


class FactView(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A fact as the regime counts it: what a person said, else the operator's value, else the engine's own (``engine``,
    shown beside in any case). ``said`` is everything that people said of it, oldest first."""

    id: str
    question: str
    kind: str = "truth"
    unit: str = ""
    value: Value | None = None
    by: str = ""
    estimated: bool = False
    note: str = ""
    engine: Value | None = None
    said: tuple[Said, ...] = ()


class CriterionView(msgspec.Struct, kw_only=True, frozen=True):
    """A criterion: yes, no or cannot_exclude, with its numbers, what is unknown, and its article."""

    id: str
    name: str
    answer: str
    because: tuple[str, ...]
    unknown: tuple[str, ...]
    estimated: bool
    article: str


class MissingView(msgspec.Struct, kw_only=True, frozen=True):
    """A fact worth asking for. ``decides``: 2 any answer settles the classification, 1 some answer does, 0 none."""

    fact: str
    question: str
    given: str
    decides: int


class MarkView(msgspec.Struct, kw_only=True, frozen=True):
    """A mark: the moment that counts (None: not set), who set it, and all that was pressed, oldest first.

    ``proposed`` is the engine's guess of it, which counts for nothing until a person presses it.
    """

    id: str
    question: str
    counts: str
    at: Millis | None = None
    by: str = ""
    proposed: Millis | None = None
    pressed: tuple[Pressed, ...] = ()


class RegimeView(msgspec.Struct, kw_only=True, frozen=True):
    """A regime that the incident is judged by: version ``since`` of it, from version ``rules`` of the rules.

    ``answer`` is the engine's to whether it is a reportable incident (``classification``), at ``at``. ``missing`` are
    the facts to ask for first. Whether it *is* one says only the person behind the mark ``classified_by_mark``.
    """

    regime: str
    name: str
    since: str
    rules: str
    jurisdiction: str
    authority: str
    classification: str
    classified_by_mark: str
    answer: str
    because: tuple[str, ...]
    act: str
    article: str
    quote: str
    criteria: tuple[CriterionView, ...]
    missing: tuple[MissingView, ...]
    missing_total: int
    estimated: tuple[str, ...]
    facts: tuple[FactView, ...]
    marks: tuple[MarkView, ...]
    at: Millis


class DueWas(msgspec.Struct, kw_only=True, frozen=True):
    """A deadline that another one took the place of at ``until``, and why (``None``: none took its place)."""

    due: Millis
    until: Millis
    why: str


class BasisFact(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A value that an answer rests on, and who gave it."""

    value: Value | None = None
    by: str = ""
    estimated: bool = False


class Basis(msgspec.Struct, kw_only=True, frozen=True):
    """What a clock's answer rests on, as of when it last changed: revision of the incident, its alerts (``evidence``,
    numbers, the first `engine.clocks.SHOWN`), versions, facts and marks."""

    at: Millis
    revision: int
    evidence: tuple[int, ...]
    topology: str
    rules: str
    facts: dict[str, BasisFact]
    marks: dict[str, Millis]


class ClockView(msgspec.Struct, kw_only=True, frozen=True):
    """A duty of a regime, with its countdown.

    ``state``: waiting (no deadline yet, or a ``provisional`` one), running, overdue, fulfilled, not_applicable (as far
    as the facts say, until a person dismisses it) or dismissed. ``applies`` is yes, no or cannot_exclude.
    ``reasons`` explain ``due``; ``waits_for`` names marks not set yet; ``promptly`` quotes a law that names no time.
    ``soon_at`` is when a quarter of its time is left; ``passed``: the deadline is over, also where it was provisional.
    ``proposed_due`` would follow from marks that the engine proposes. ``history`` are deadlines that no longer hold,
    oldest first.
    """

    regime: str
    clock: str
    name: str
    notify: str
    since: str
    rules: str
    act: str
    article: str
    quote: str
    stops: str
    applies: str
    because: tuple[str, ...] = ()
    state: str
    due: Millis | None = None
    reasons: tuple[str, ...] = ()
    provisional: bool = False
    waits_for: tuple[str, ...] = ()
    unmoved: Millis | None = None
    promptly: str = ""
    soon_at: Millis | None = None
    soon: bool = False
    passed: bool = False
    proposed_due: Millis | None = None
    shown_at: Millis
    started_at: Millis | None = None
    fulfilled_at: Millis | None = None
    fulfilled_by: str = ""
    late: bool = False
    dismissed: Dismissal | None = None
    history: tuple[DueWas, ...] = ()
    basis: Basis


OPEN_CLOCKS = frozenset({"waiting", "running", "overdue", "not_applicable"})
"""States that only a person ends."""
COUNTED_CLOCKS = frozenset({"waiting", "running", "overdue"})
"""States in which a duty may have to be done."""
