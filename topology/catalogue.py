"""Catalogue YAML -> topology, with every mistake at its file and line. The format is in docs/catalogue.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from topology.consistency import compile_draft
from topology.draft import At, Draft, Reference
from topology.errors import Problem, did_you_mean
from topology.model import Dependency, Kind, Semantics, Topology
from topology.schema import (
    AgreementForm,
    AssumptionForm,
    CatalogueForm,
    ContractForm,
    DefaultsForm,
    DependencyForm,
    EntityForm,
    FateForm,
    GroupForm,
)
from topology.values import thousandths
from topology.yamlfile import Document, read

SourceFile = tuple[str, str]
"""(name, text)."""

Path = tuple[str | int, ...]


def load_catalogue(files: Iterable[SourceFile]) -> tuple[Topology | None, list[Problem]]:
    """One topology of all files together, or None and all that is wrong with them."""
    draft = Draft()
    for name, text in files:
        draft_catalogue(draft, name, text)
    return compile_draft(draft), draft.mistakes.listed()


def draft_catalogue(draft: Draft, file: str, text: str) -> None:
    """Add one file to a draft."""
    document = read(file, text, draft.mistakes)
    if document is None:
        return
    if not isinstance(document.data, dict):
        draft.wrong(At(file, document.line(())), "a catalogue file is a mapping with the key 'entities'")
        return
    for kind, form, path in _defaults(draft, document):
        draft.default(kind, _fields(form), At(file, document.line(path)))
        _references(draft, document, path, f"the defaults for {kind.value}", form)
    raws = document.data.get("entities")
    for index, raw in enumerate(raws if isinstance(raws, list) else ()):
        _entity(draft, document, ("entities", index), raw)
    _rest(draft, document)


def _defaults(draft: Draft, document: Document) -> list[tuple[Kind, DefaultsForm, Path]]:
    raws = document.data.get("defaults")
    found = []
    for key, raw in raws.items() if isinstance(raws, dict) else ():
        path: Path = ("defaults", key)
        if key not in set(Kind):
            draft.wrong(At(document.file, document.line(path)), f"unknown kind {key!r}", did_you_mean(key, Kind))
            continue
        form, _ = _form(draft, document, DefaultsForm, path, raw)
        if isinstance(form, DefaultsForm):
            found.append((Kind(key), form, path))
    return found


def _rest(draft: Draft, document: Document) -> None:
    """What is neither a default nor an entity."""
    shell: dict[str, Any] = dict(document.data)
    for key, kind in (("entities", list), ("defaults", dict)):  # read one by one
        if isinstance(shell.get(key), kind):
            shell[key] = kind()
    form, _ = _form(draft, document, CatalogueForm, (), shell)
    for name, fate in form.fates.items() if isinstance(form, CatalogueForm) else ():
        draft.fate(name, fate.model_dump(exclude_none=True), At(document.file, document.line(("fates", name))))


def _entity(draft: Draft, document: Document, path: Path, raw: object) -> None:
    form, bad = _form(draft, document, EntityForm, path, raw)
    at = At(document.file, document.line(path))
    listed = raw.get("depends_on") if isinstance(raw, dict) else None
    total = len(listed) if isinstance(listed, list) else 0
    kept = [place for place in range(total) if ("depends_on", place) not in bad]
    if isinstance(raw, dict) and isinstance(raw.get("id"), str) and (form is None or len(kept) < total):
        draft.refused.add(raw["id"])
    if not isinstance(form, EntityForm):
        return
    draft.entity(form.id, _fields(form), at)
    _references(draft, document, path, form.id, form)
    for child in form.contains or ():
        draft.parents.append((child, form.id, At(document.file, document.line((*path, "contains")))))
    for name, group in form.groups.items():
        fields = {"need": group.need}
        if group.capacity is not None:
            fields["capacity"] = thousandths(group.capacity)
        draft.group(form.id, name, fields, At(document.file, document.line((*path, "groups", name))))
    faulty = {loc[1] for loc in bad if loc[0] == "depends_on" and len(loc) > 1}
    for place, dependency in zip(kept, form.depends_on, strict=bool(total)):
        where = At(document.file, document.line((*path, "depends_on", place)))
        if place not in faulty:
            _unused(draft, where, dependency)
        draft.dependencies.append((_dependency(form.id, dependency), where))


def _dependency(consumer: str, form: DependencyForm) -> Dependency:
    return Dependency(
        consumer=consumer,
        provider=form.on,
        semantics=form.semantics,
        factor=500 if form.factor is None else thousandths(form.factor),
        buffer=form.buffer or 0,
        group=form.group or "",
        weight=1000 if form.weight is None else thousandths(form.weight),
        timeout=form.timeout or 0,
        discovered=form.discovered or False,
    )


def _unused(draft: Draft, at: At, form: DependencyForm) -> None:
    """A key without effect is a mistake: whoever wrote it believes it has one."""
    for key, value, useful, only in (
        ("factor", form.factor, form.semantics is Semantics.SOFT, "semantics: soft"),
        ("buffer", form.buffer, form.semantics is Semantics.ASYNC, "semantics: async"),
        ("weight", form.weight, form.group is not None, "a group"),
        ("timeout", form.timeout, form.semantics is not Semantics.INFO, "semantics that pass trouble on"),
        ("discovered", form.discovered or None, form.semantics is not Semantics.INFO, "semantics that pass trouble on"),
    ):
        if value is not None and not useful:
            draft.wrong(at, f"{key} of the dependency on {form.on!r} has no effect", f"it needs {only}")


_NOT_FIELDS = {"id", "contains", "depends_on", "groups"}


def _fields(form: DefaultsForm) -> dict[str, Any]:
    """What was said, as the entity's fields."""
    said = {
        field: value for field in form.model_fields_set - _NOT_FIELDS if (value := getattr(form, field)) is not None
    }
    return {field: _plain(field, value) for field, value in said.items()}


def _plain(field: str, value: Any) -> object:
    """As a draft keeps it (`topology.continuity_fields`)."""
    if isinstance(value, BaseModel):
        fields = value.model_dump(exclude_none=True)
        return {key: tuple(part) if isinstance(part, list) else part for key, part in fields.items()}
    if field == "assumptions":
        return {part.id: part.model_dump(exclude={"id"}, exclude_none=True) for part in value}
    return tuple(value) if isinstance(value, list) else value


def _references(draft: Draft, document: Document, path: Path, owner: str, form: DefaultsForm) -> None:
    """What is named here and must be known somewhere. An assumption's id is unique within its entity."""

    def at(*more: str | int) -> At:
        return At(document.file, document.line((*path, *more)))

    for name in dict.fromkeys(form.fates or ()):
        draft.references.append(Reference("fate", owner, name, at("fates")))
    for unit in form.agreement.order if form.agreement else ():
        draft.references.append(Reference("unit", owner, unit, at("agreement")))
    seen: set[str] = set()
    for place, assumption in enumerate(form.assumptions or ()):
        here = at("assumptions", place)
        if assumption.id in seen:
            draft.wrong(here, f"the assumption {assumption.id!r} of {owner!r} is made twice")
        seen.add(assumption.id)
        draft.references.append(Reference("entity", owner, assumption.on, here))


def _form(
    draft: Draft, document: Document, form: type[BaseModel], path: Path, raw: object
) -> tuple[BaseModel | None, set[Path]]:
    """The validated part. What is wrong with it is noted, cut out and returned, so that the rest is still checked."""
    try:
        return form.model_validate(raw), set()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    bad: set[Path] = set()
    for fault in faults:
        loc = tuple(part for part in fault["loc"] if part != "[key]")
        bad.add(_cut(loc[:-1] if fault["type"] == "missing" else loc))
        known = _known(form, loc) if fault["type"] == "extra_forbidden" else ()
        message, hint = _words(fault, known)
        draft.wrong(At(document.file, document.line((*path, *loc))), message, hint)
    try:
        return (None if () in bad else form.model_validate(_without(raw, bad))), bad - {()}
    except ValidationError:
        return None, bad - {()}


_REQUIRED = {("depends_on", "on"), ("assumptions", "id"), ("assumptions", "on"), ("agreement", "order")}


def _cut(loc: Path) -> Path:
    """The smallest part around a fault that can be left out."""
    around: str | int = ""
    for place, key in enumerate(loc):
        if (around, key) in _REQUIRED:
            return loc[:place]
        around = key if isinstance(key, str) else around
    return loc


def _without(raw: object, bad: set[Path], path: Path = ()) -> object:
    if isinstance(raw, dict):
        return {k: _without(v, bad, (*path, k)) for k, v in raw.items() if (*path, k) not in bad}
    if isinstance(raw, list):
        return [_without(v, bad, (*path, i)) for i, v in enumerate(raw) if (*path, i) not in bad]
    return raw


_INNER: Mapping[str, type[BaseModel]] = {
    "depends_on": DependencyForm,
    "groups": GroupForm,
    "contract": ContractForm,
    "assumptions": AssumptionForm,
    "agreement": AgreementForm,
    "fates": FateForm,
}


def _known(form: type[BaseModel], loc: Path) -> Iterable[str]:
    """The keys that are legal where an unknown one stands."""
    return next((inner.model_fields for key, inner in _INNER.items() if key in loc[:-1]), form.model_fields)


def _words(fault: Mapping[str, Any], known: Iterable[str]) -> tuple[str, str]:
    """A fault in the operator's words."""
    loc, given = fault["loc"], fault["input"]
    shown = json.dumps(given, default=str, ensure_ascii=False)[:80]
    what = next((str(part) for part in reversed(loc) if isinstance(part, str) and part != "[key]"), "entry")
    if fault["type"] == "extra_forbidden":
        return f"unknown key {what[:80]!r}", did_you_mean(what, known)
    if fault["type"] == "missing":
        return f"{what!r} is missing", ""
    if fault["type"] == "enum":
        words = Kind if what == "kind" else Semantics
        return f"unknown {what} {shown}", did_you_mean(str(given), words) or "one of " + ", ".join(words)
    if fault["type"] == "value_error":
        return f"{what}: {fault['msg'].removeprefix('Value error, ')}", ""
    quoted = fault["type"] == "string_type" and isinstance(given, int | float)
    expected = fault["msg"].removeprefix("Input ").removeprefix("String ")
    if fault["type"] == "model_type":
        expected = "should be a mapping"
    return f"{what} {expected}, and is {shown}", "put it in quotes" if quoted else ""
