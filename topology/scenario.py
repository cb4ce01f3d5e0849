"""Saved what-if questions with expected answers: read from files with every mistake at its line, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel, ValidationError

from topology.assumptions import Assumptions, knows
from topology.errors import Mistakes, Problem, did_you_mean
from topology.groups import UP
from topology.impact import Impact
from topology.model import Topology
from topology.question import Named, Place, named
from topology.scenario_form import ExpectForm, ScenarioForm, ScenariosForm, TimesForm
from topology.whatif import Answer, first, state
from topology.yamlfile import MAX_BYTES, Document, read, refuse_size

NEVER = "never"


class Told(msgspec.Struct, frozen=True):
    """What an answer says beyond health, at one moment: the severity, and bounds on affected users (None: unknown)."""

    severity: str = ""
    users: tuple[int, int] | None = None


class Mention(msgspec.Struct, frozen=True):
    """A name that a scenario uses, and the line on which it does."""

    what: str
    name: str
    line: int


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A question and what is expected of its answer. Times are milliseconds; ``mentions`` are checked when it is run,
    because a topology may lose an entity later."""

    id: str
    title: str
    assumed: Assumptions
    moments: tuple[int, ...]
    expect: tuple[ExpectForm, ...]
    times: Mapping[str, TimesForm]
    file: str
    line: int
    mentions: tuple[Mention, ...]

    def strangers(self, topology: Topology) -> list[Mention]:
        """Every name that this topology does not have."""
        return [one for one in self.mentions if not knows(topology, one.what, one.name)]

    def unknown(self, topology: Topology) -> list[str]:
        """The same in words."""
        return [
            f"{self.file}:{one.line}: the catalogue has no {one.what} {one.name!r}" for one in self.strangers(topology)
        ]


class Mismatch(msgspec.Struct, frozen=True):
    """An expectation that is not met: of what (an entity, ``severity``, ``users``), when (milliseconds; None: over all
    time), and what was found."""

    at: int | None
    subject: str
    expected: str
    found: str


# ----------------------------------------------------------------------------------------------------- reading


def parse_scenarios(files: Mapping[str, bytes]) -> tuple[list[Scenario], list[Problem]]:
    """The right ones among the scenarios of these files (name -> content), by id, and everything that is wrong."""
    mistakes = Mistakes()
    found: dict[str, Scenario] = {}
    for name in sorted(files):
        for scenario in _file(name, files[name], mistakes):
            earlier = found.setdefault(scenario.id, scenario)
            if earlier is not scenario:
                where = f"{earlier.file}:{earlier.line}"
                mistakes.add(name, scenario.line, f"the scenario {scenario.id!r} is there twice; first at {where}")
    return [found[id] for id in sorted(found)], mistakes.listed()


def _file(name: str, content: bytes, mistakes: Mistakes) -> Iterator[Scenario]:
    if len(content) > MAX_BYTES:
        refuse_size(name, mistakes)
        return
    try:
        document = read(name, content.decode("utf-8-sig"), mistakes)
    except UnicodeDecodeError as error:
        mistakes.add(name, content.count(b"\n", 0, error.start) + 1, "not UTF-8")
        return
    if document is None:
        return
    if not isinstance(document.data, dict):
        mistakes.add(name, document.line(()), "a file of scenarios is a mapping with the key 'scenarios'")
        return
    listed = document.data.get("scenarios")
    rest = {**document.data, "scenarios": []} if isinstance(listed, list) else document.data
    _validated(ScenariosForm, rest, document, (), mistakes)
    for number, raw in enumerate(listed if isinstance(listed, list) else ()):
        place: Place = ("scenarios", number)
        form = _validated(ScenarioForm, raw, document, place, mistakes)
        if isinstance(form, ScenarioForm):
            yield _scenario(form, raw, document, place)


def _validated(
    form: type[BaseModel], raw: object, document: Document, place: Place, mistakes: Mistakes
) -> BaseModel | None:
    try:
        return form.model_validate(raw)
    except ValidationError as error:
        for fault in faults(error, form, raw):
            mistakes.add(document.file, document.line((*place, *fault.place)), fault.message, fault.hint)
        return None


class FormFault(NamedTuple):
    """What is wrong with data of a form, where, and how to mend it."""

    place: Place
    message: str
    hint: str = ""


def faults(error: ValidationError, form: type[BaseModel], raw: object) -> list[FormFault]:
    """Everything that pydantic found in ``raw``, in the operator's words; of alternatives one is enough."""
    found: list[FormFault] = []
    values: dict[Place, list[str]] = {}
    keys = _keys(form)
    for fault in error.errors(include_url=False, include_context=False):
        place = _place(raw, fault["loc"])
        key = str(fault["loc"][-1])[:80] if fault["loc"] else "entry"
        if fault["type"] == "missing":
            found.append(FormFault(place, f"{key!r} is missing"))
        elif fault["type"] == "extra_forbidden":
            found.append(FormFault(place, f"unknown key {key!r}", did_you_mean(key, keys)))
        else:
            message = fault["msg"].removeprefix("Input ").removeprefix("String ")
            if not message.startswith("Value error, "):
                message += f" and is {msgspec.json.encode(fault['input'], enc_hook=str).decode()[:80]}"
            values.setdefault(place, []).append(message.removeprefix("Value error, "))
    for place, messages in values.items():
        what = next((part for part in reversed(place) if isinstance(part, str)), "entry")[:80]
        found.append(FormFault(place, f"{what}: {', or '.join(messages)}"))
    return found


def _place(raw: Any, location: Iterable[str | int]) -> Place:
    """The part of pydantic's location that is in the data: it adds the names of the alternatives that it tried."""
    place: list[str | int] = []
    for step in location:
        listed = isinstance(raw, list) and isinstance(step, int) and step < len(raw)
        if listed or (isinstance(raw, dict) and step in raw):
            raw = raw[step]
            place.append(step)
    return tuple(place)


def _keys(form: type[BaseModel]) -> set[str]:
    schema = form.model_json_schema(by_alias=True)
    return {key for part in (schema, *schema.get("$defs", {}).values()) for key in part.get("properties", {})}


def _scenario(form: ScenarioForm, raw: dict[str, Any], document: Document, place: Place) -> Scenario:
    moments = {1000 * at for at in form.at} | {1000 * expected.at for expected in form.expect}

    def mention(where: Place, what: str, name: str) -> Mention:
        return Mention(what, name, document.line((*place, *where)))

    mentions = [mention(("assume", *one.place), one.what, one.name) for one in named(raw.get("assume"))]
    new = set(form.assume.changes.entities)
    for number, expected in enumerate(form.expect):
        mentions += [mention(("expect", number, "entities", e), "entity", e) for e in expected.entities if e not in new]
    mentions += [mention(("times", entity), "entity", entity) for entity in form.times if entity not in new]
    return Scenario(
        id=form.id,
        title=form.title,
        assumed=form.assume.assumptions(),
        moments=tuple(sorted(moments)) or (0,),
        expect=tuple(form.expect),
        times=form.times,
        file=document.file,
        line=document.line(place),
        mentions=tuple(mentions),
    )


def unknown_names(assume: object, topology: Topology) -> Iterator[Named]:
    """The names in a question's raw data that the topology does not have."""
    return (one for one in named(assume) if not knows(topology, one.what, one.name))


# --------------------------------------------------------------------------------------------------- comparing


def compare(scenario: Scenario, topology: Topology, answer: Answer, told: Mapping[int, Told]) -> list[Mismatch]:
    """Every expectation that the answer does not meet. ``told`` is by moment, for each of the scenario's."""
    found: list[Mismatch] = []
    for expected in scenario.expect:
        found += _moment(expected, topology, answer, told[1000 * expected.at])
    for name, times in scenario.times.items():
        steps = answer.after.steps(topology.resolve(name) or name)
        for wanted, limit, word in ((times.hit, UP - 1, "hit"), (times.down, 0, "down")):
            if wanted is not None:
                found += _time(name, word, wanted, 1000 * times.tolerance, first(steps, limit))
    return found


def _moment(expected: ExpectForm, topology: Topology, answer: Answer, told: Told) -> Iterator[Mismatch]:
    at = 1000 * expected.at
    hits = answer.after.at(at)
    ids = {topology.resolve(name) or name: name for name in expected.entities}
    for id, name in ids.items():
        wanted = expected.entities[name]
        if not _met(wanted, hits.get(id)):
            yield Mismatch(at, name, _wanted(wanted), state(hits.get(id)))
    if expected.others == "untouched":
        others = (hit for id, hit in hits.items() if id not in ids and not _met("untouched", hit))
        yield from (Mismatch(at, hit.entity, "untouched", state(hit)) for hit in others)
    if expected.severity and told.severity != expected.severity:
        yield Mismatch(at, "severity", expected.severity, told.severity)
    if expected.users is not None:
        bounds = told.users or (None, None)
        for word, limit, bound in zip(("low", "high"), (expected.users.low, expected.users.high), bounds, strict=True):
            if limit is not None and limit != bound:
                shown = "unknown" if bound is None else str(bound)
                yield Mismatch(at, f"users ({word})", str(limit), shown)


def _met(wanted: int | str, hit: Impact | None) -> bool:
    low, high, at_risk = (hit.low, hit.high, hit.at_risk) if hit is not None else (UP, UP, False)
    if isinstance(wanted, int):
        return low == high == wanted
    return {
        "up": low == UP,
        "untouched": low == UP and not at_risk,
        "at_risk": low == UP and at_risk,
        "hit": low < UP,
        "degraded": low > 0 and high < UP,
        "down": high == 0,
    }[wanted]


def _wanted(wanted: int | str) -> str:
    return f"at {wanted}" if isinstance(wanted, int) else wanted.replace("_", " ")


def _time(name: str, word: str, wanted: int | str, tolerance: int, found: int | None) -> Iterable[Mismatch]:
    shown = NEVER if found is None else f"after {in_words(found)}"
    if wanted == NEVER or isinstance(wanted, str):
        return [] if found is None else [Mismatch(None, name, f"never {word}", f"{word} {shown}")]
    if found is not None and abs(found - 1000 * wanted) <= tolerance:
        return []
    within = f" ± {in_words(tolerance)}" if tolerance else ""
    return [Mismatch(None, name, f"{word} after {in_words(1000 * wanted)}{within}", f"{word} {shown}")]


def in_words(milliseconds: int) -> str:
    """A time to the largest unit that divides it.

    >>> in_words(1_800_000), in_words(90_000), in_words(1500)
    ('30 min', '90 s', '1.5 s')
    """
    for size, unit in ((3_600_000, "h"), (60_000, "min")):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds / 1000:g} s"
