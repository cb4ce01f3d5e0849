"""From the files of the folder ``playbooks`` to what they declare, with every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rules.document import Document, read
from rules.duty.calendar import ID, read_shifts
from rules.duty.model import Roster, Shift
from rules.errors import Problem
from rules.forming import formed
from rules.playbooks.checks import WHOLE
from rules.playbooks.form import PlaybooksFile
from rules.playbooks.policy import ContinuityPolicy, ReviewPolicy
from rules.playbooks.schema import playbooks_schema

CALENDAR = ".ics"


def parse_playbooks(files: Mapping[str, str]) -> tuple[ContinuityPolicy | None, list[Problem]]:
    """What these files (name -> text, YAML and iCalendar) declare together, and everything that is wrong with them.

    None if a problem is more than a warning; without files nothing is declared. Never raises.
    """
    written = sorted(name for name in files if not name.endswith(CALENDAR))
    documents = [read(name, files[name]) for name in written]
    problems = [problem for document in documents for problem in document.problems]
    calendars: dict[str, tuple[Shift, ...]] = {}
    for name in sorted(files.keys() - set(written)):
        calendars[name], found = read_shifts(name, files[name])
        problems += found
    forms: list[tuple[Document, PlaybooksFile]] = []
    for document in documents:
        form, found = formed(document, PlaybooksFile, playbooks_schema)
        problems += found
        forms += [(document, form)] if form else []
    problems += [problem for find in WHOLE for problem in find(documents)]
    rosters, found = _rosters(forms, calendars)
    problems += found
    problems.sort(key=lambda problem: (problem.file, problem.line))
    if any(not problem.warning for problem in problems):
        return None, problems
    return _policy([(document.file, form) for document, form in forms], rosters), problems


def _rosters(
    forms: Sequence[tuple[Document, PlaybooksFile]], calendars: Mapping[str, tuple[Shift, ...]]
) -> tuple[tuple[Roster, ...], list[Problem]]:
    """The rosters with the shifts of their calendars, which lie in the same folder."""
    found, problems = [], []
    for document, form in forms:
        for number, entry in enumerate(form.rosters):
            name = str(PurePath(document.file).parent / entry.calendar) if entry.calendar else ""
            if name and name not in calendars:
                message = f"no calendar {entry.calendar!r} lies beside this file"
                problems.append(document.problem(("rosters", number, "calendar"), ID, message))
            found.append(entry.build(document.file, calendars.get(name, ())))
    return tuple(found), problems


def _policy(forms: Sequence[tuple[str, PlaybooksFile]], rosters: tuple[Roster, ...]) -> ContinuityPolicy:
    """All files together. The checks have made sure that ids are unique and single sections stand once."""
    review = next((form.review for _, form in forms if form.review is not None), None)
    pauses = {level: pause for _, form in forms for level, pause in form.briefings.items() if pause is not None}
    return ContinuityPolicy(
        playbooks=tuple(entry.build(file) for file, form in forms for entry in form.playbooks),
        rosters=rosters,
        vendors=tuple(entry.build() for _, form in forms for entry in form.vendors),
        exercises=tuple(entry.build() for _, form in forms for entry in form.exercises),
        commands=tuple(name for _, form in forms for name in form.allow.commands),
        urls=tuple(url for _, form in forms for url in form.allow.urls),
        briefings=tuple(sorted(pauses.items())),
        assessor=next((form.assessor for _, form in forms if form.assessor), ""),
        review=ReviewPolicy(**review.model_dump()) if review is not None else ReviewPolicy(),
        drill_sinks=tuple(sink for _, form in forms for sink in form.drill_sinks),
    )
