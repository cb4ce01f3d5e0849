"""What is kept of log records: counts per entity, class and minute; groups of lines; templates.

Counts, groups and their texts are the same in whatever order lines arrive, as long as no table is full. What a full
table gives up (the groups that were seen longest ago) is counted, and from then on a failure that is not known counts
as forgotten, not as new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from engine.evidence.logs.counts import KEPT, MINUTE, Counts
from engine.evidence.logs.drain import ANY, Drain
from engine.evidence.logs.kinds import FAILED, PLAIN, WORDED, class_of, group_of
from engine.evidence.logs.line import MOST, cleaned
from engine.evidence.logs.masking import masked
from engine.evidence.logs.structured import unwrapped
from engine.signals import Millis

GROUPS_PER_ENTITY = 256
MOST_GROUPS = 40_000
"""Groups of all entities together."""
MOST_GAPS = 64
MOST_TEXT = 32
"""Tokens of a group's text."""
MORE = "<...>"
_KNOWN_LINES = 8192
_LEVELS = {
    "warn": "warning", "warning": "warning", "err": "error", "error": "error", "severe": "error", "crit": "critical",
    "critical": "critical", "fatal": "critical", "panic": "critical", "alert": "critical", "emerg": "critical",
    "emergency": "critical", "trace": "trace", "debug": "debug", "info": "info", "notice": "info",
    "information": "info",
}  # fmt: skip


class Group(msgspec.Struct, array_like=True):
    """Lines with the same class and first words. ``text`` is what all of them have in common, masked."""

    said: str
    text: str
    first: int
    template: str
    counts: Counts = msgspec.field(default_factory=Counts)


class EntityLogs(msgspec.Struct):
    """The log records of one entity. ``first`` is the minute of the earliest; ``classes`` are counts of those that are
    not plain; ``lost`` is the last minute in which a group that tells of a failure had to be given up."""

    first: int
    lines: Counts = msgspec.field(default_factory=Counts)
    classes: dict[str, Counts] = {}
    groups: dict[int, Group] = {}
    drain: Drain = msgspec.field(default_factory=Drain)
    lost: int = 0

    def of(self, said: str) -> Counts:
        """Counts of a class; empty ones where there was none."""
        return self.classes.get(said) or Counts()


class Logs(msgspec.Struct):
    """All entities' log records; ``seen`` lines, of which ``cut`` were too long; ``ignored`` were too old to count,
    and ``given_up`` groups did not fit. ``newest`` is the latest minute; ``gaps`` are minutes (first, last) of own
    downtime, in which nothing is known."""

    entities: dict[str, EntityLogs] = {}
    groups: int = 0
    seen: int = 0
    cut: int = 0
    ignored: int = 0
    given_up: int = 0
    newest: int = 0
    gaps: list[tuple[int, int]] = []

    def add(self, entity: str, at: Millis, level: str, message: str) -> None:
        """One record."""
        self.seen += 1
        if len(message) > MOST:
            self.cut += 1
        minute = min(max(0, at // MINUTE), (1 << 32) - 1)
        self.newest = max(self.newest, minute)
        of_entity = self.entities.get(entity)
        if of_entity is None:
            of_entity = self.entities[entity] = EntityLogs(minute)
        if minute < of_entity.lines.last - KEPT:
            self.ignored += 1
            return
        of_entity.first = min(of_entity.first, minute)
        of_entity.lines.add(minute)
        said, number, tokens = understood(level, message)
        if said != PLAIN:
            counts = of_entity.classes.get(said)
            if counts is None:
                counts = of_entity.classes[said] = Counts()
            counts.add(minute)
        self._group(of_entity, said, number, tokens, minute)

    def slept(self, since: Millis, until: Millis) -> None:
        """The engine was down: of these minutes nothing is known."""
        gap = (since // MINUTE, until // MINUTE)
        if gap not in self.gaps:
            self.gaps = sorted([*self.gaps, gap])[-MOST_GAPS:]

    def _group(self, of_entity: EntityLogs, said: str, number: int, tokens: Sequence[str], minute: int) -> None:
        group = of_entity.groups.get(number)
        text = " ".join(tokens[:MOST_TEXT])
        if group is None:
            if len(of_entity.groups) >= GROUPS_PER_ENTITY:
                self._give_up([of_entity], minute)
            elif self.groups >= MOST_GROUPS:
                self._give_up(list(self.entities.values()), minute)
            template = of_entity.drain.add(tokens)
            group = of_entity.groups[number] = Group(said, text, minute, template)
            self.groups += 1
        elif group.text != text:
            group.text = common(group.text, text)
        group.first = min(group.first, minute)
        group.counts.add(minute)

    def _give_up(self, entities: Sequence[EntityLogs], minute: int) -> None:
        """A quarter of the groups, those seen longest ago and of them the rarest; failures are kept longest."""
        rows = sorted(
            (group.counts.last, group.said in (FAILED, WORDED), group.counts.total, number, place)
            for place, of_entity in enumerate(entities)
            for number, group in of_entity.groups.items()
        )
        for _, failing, _, number, place in rows[: max(1, len(rows) // 4)]:
            del entities[place].groups[number]
            if failing:
                entities[place].lost = max(entities[place].lost, minute)
            self.groups -= 1
            self.given_up += 1


def common(one: str, other: str) -> str:
    """What two masked lines have in common: commutative, associative and idempotent.

    >>> common("lookup api on <ip>", "lookup db on <ip> failed")
    'lookup <*> on <ip> <...>'
    """
    left, right = one.split(" "), other.split(" ")
    more = left[-1] == MORE or right[-1] == MORE
    left, right = [t for t in left if t != MORE], [t for t in right if t != MORE]
    more = more or len(left) != len(right)
    tokens = [a if a == b else ANY for a, b in zip(left, right, strict=False)]
    return " ".join([*tokens, MORE] if more else tokens)


_Understood = tuple[str, int, Sequence[str]]
_known: dict[tuple[str, str], _Understood] = {}


def understood(level: str, message: str) -> _Understood:
    """(class, number of the group, masked tokens) of a record: a function of its level and message alone.

    Lines in which nothing was masked are remembered, as they come again and again.
    """
    known = _known.get((level, message))
    if known is not None:
        return known
    text = cleaned(message)
    word = level
    if text[:1] == "{":
        text, inner = unwrapped(text)
        word = level or _LEVELS.get(inner.lower(), "")
        text = cleaned(text)
    tokens = masked(text)
    joined = " ".join(tokens)
    said = class_of(word, joined)
    found = said, group_of(said, tokens), tokens
    if joined == message:
        if len(_known) >= _KNOWN_LINES:
            _known.clear()
        _known[level, message] = found
    return found


def templates(of_entity: EntityLogs) -> Iterator[tuple[str, list[Group]]]:
    """(template's text, its groups), most lines first. A group whose template had to go is its own."""
    found: dict[str, list[Group]] = {}
    for group in list(of_entity.groups.values()):  # one step: the API reads this from another thread
        template = of_entity.drain.templates.get(group.template)
        found.setdefault(template.text if template else group.text, []).append(group)
    yield from sorted(found.items(), key=lambda row: (-sum(group.counts.total for group in row[1]), row[0]))
