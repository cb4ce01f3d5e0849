"""What deviated in an incident without any alert: the rule that would have told, and its effect on what is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from engine.governance.undetected import BackTested, ProposedRule, back_tested, proposed
from engine.outcomes import IncidentView
from engine.ports import Decode, Entry, StoredLog
from engine.signals import Labels, Millis, Samples, SampleTable, Signal

MOST = 20_000
"""Inputs that a back-test reads, the newest."""
Points = Mapping[Labels, Sequence[tuple[Millis, float]]]


class Undetected(msgspec.Struct, kw_only=True, frozen=True):
    """An entity that deviated without any alert. ``rule`` and ``back_test`` are None where no series showed it;
    ``alert`` is the rule as Prometheus has it in a file."""

    entity: str
    source: str
    what: str
    since: Millis | None
    rule: ProposedRule | None = None
    alert: str = ""
    back_test: BackTested | None = None


class UndetectedOf(msgspec.Struct, kw_only=True):
    """All of an incident; the back-test has read ``inputs``, and ``cut``: there are older ones that it has not."""

    incident: str
    items: list[Undetected]
    inputs: int
    cut: bool


def undetected(
    view: IncidentView,
    log: StoredLog,
    decode: Decode,
    entity_of: Callable[[Labels], str],
    others: Callable[[str], Iterable[IncidentView]],
) -> UndetectedOf:
    """``entity_of`` names the entity of a series, ``others`` are the stored incidents of an entity. Raises
    `engine.errors.StoreUnavailable`."""
    members = [one for one in view.members if one.kind == "deviating"]
    rules = {one.entity: rule for one in members if (rule := proposed(one)) is not None}
    first, last, _ = log.reach()
    begin = max(first - 1, last - MOST) if rules else last
    wanted = {(rule.entity, rule.metric) for rule in rules.values()}
    found = _points(log.entries(begin, last), decode, entity_of, wanted)
    items = []
    for one in members:
        rule = rules.get(one.entity)
        tested = None if rule is None else back_tested(rule, found[rule.entity, rule.metric], others(rule.entity))
        items.append(
            Undetected(
                entity=one.entity,
                source=one.source,
                what=one.what,
                since=one.since,
                rule=rule,
                alert="" if rule is None else written(rule),
                back_test=tested,
            )
        )
    return UndetectedOf(incident=view.id, items=items, inputs=last - begin, cut=begin >= first)


def _points(
    entries: Iterable[Entry], decode: Decode, entity_of: Callable[[Labels], str], wanted: set[tuple[str, str]]
) -> dict[tuple[str, str], Points]:
    found: dict[tuple[str, str], dict[Labels, list[tuple[Millis, float]]]] = defaultdict(lambda: defaultdict(list))
    known: dict[Labels, tuple[str, str]] = {}
    metrics = {metric for _, metric in wanted}
    for entry in entries:
        for one in _samples(() if entry.poison else decode(entry.format, entry.body).signals):
            key = known.get(one.labels)
            if key is None:
                metric = one.labels.as_dict().get("__name__", "")
                key = known[one.labels] = (entity_of(one.labels) if metric in metrics else "", metric)
            if key in wanted:
                found[key][one.labels] += zip(one.times, one.values, strict=False)
    return {key: found[key] for key in wanted}


def _samples(signals: Iterable[Signal]) -> Iterator[Samples]:
    for one in signals:
        if isinstance(one, Samples):
            yield one
        elif isinstance(one, SampleTable):
            yield from one.one_by_one()


def written(rule: ProposedRule) -> str:
    """The rule for a file of Prometheus. Names are quoted: they are a stranger's."""
    name = msgspec.json.encode(f"{rule.entity} {rule.metric} {'high' if rule.above else 'low'}").decode()
    metric, entity = msgspec.json.encode(rule.metric).decode(), msgspec.json.encode(rule.entity).decode()
    sign = ">" if rule.above else "<"
    query = msgspec.json.encode(f"{{__name__={metric}, service={entity}}} {sign} {rule.threshold:g}").decode()
    return f"- alert: {name}\n  expr: {query}\n  for: 5m\n  labels: {{severity: warning}}\n"
