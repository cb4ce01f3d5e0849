"""Compares a run of the scoring kit with the committed baseline, in cases.

Usage: quality_compare.py RUN.json BASELINE.json [--write | --partial]

Every figure is turned into how many of how many: expected hits for the cause rankings, streams for
specificity, alerts for suppression, labelled windows for detection. A figure counted in cases may lose one of
them; one counted in alerts, windows or points may lose a fiftieth of them. A figure, a set or a case that is no
longer measured counts as lost. `--write` makes the run the new baseline; `--partial` leaves out sets that were not run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
CASES_LOST = 1.0
SHARE_LOST = 0.02


class Count(NamedTuple):
    """``good`` of ``of``; more is better. ``unit`` says what is counted."""

    good: float
    of: float
    unit: str

    def allowance(self) -> float:
        """How many may be lost."""
        return CASES_LOST if self.unit == "cases" else max(CASES_LOST, SHARE_LOST * self.of)


class Case(NamedTuple):
    """A figure counted in cases: rows of ``kind``, each worth 0 … 1."""

    name: str
    kind: str
    worth: Callable[[Row], float | None]


class Events(NamedTuple):
    """A figure summed from the counts under ``field`` of every row: ``of`` less ``bad``, or ``good``, of ``of``."""

    name: str
    field: str
    good: str
    of: str
    unit: str


CASE_FIGURES = (
    Case("top1", "fault", lambda row: row["top1"]),
    Case("top3", "fault", lambda row: row["top3"]),
    Case("impact", "fault", lambda row: row["impact"]),
    Case("not_silenced", "fault", lambda row: 1 - row["alerts"]["faults_silenced"]),
    Case("specificity", "quiet", lambda row: float(row["opened"] == 0)),
    Case("unnamed_on_quiet", "quiet", lambda row: float(not row["named"])),
    Case("recovery", "recovery", lambda row: float(row["correct"])),
    Case("no_false_claim", "recovery", lambda row: float(not row["false_claim"])),
    Case("answered", "", lambda row: float(not row["failed"])),
)
EVENT_FIGURES = (
    Events("false_quiet", "alerts", "false_quietened", "false", "alerts"),
    Events("real_kept", "alerts", "real_kept", "real", "alerts"),
    Events("windows_found", "events", "windows_found", "windows", "windows"),
    Events("detections_true", "events", "detections_true", "detections", "detections"),
)


def figures(rows: list[Row]) -> dict[str, Count]:
    """All figures of one set that apply to it."""
    out: dict[str, Count] = {}
    for case in CASE_FIGURES:
        chosen = [row for row in rows if case.kind in ("", row["kind"])]
        worths = [worth for row in chosen if (worth := case.worth(row)) is not None]
        if worths:
            out[case.name] = Count(round(sum(worths), 3), len(worths), "cases")
    for event in EVENT_FIGURES:
        counted = [row[event.field] for row in rows if row.get(event.field)]
        total = sum(counts[event.of] for counts in counted)
        if total:
            out[event.name] = Count(sum(counts[event.good] for counts in counted), total, event.unit)
    return out


def losses(now: dict[str, dict[str, Count]], before: dict[str, dict[str, Count]]) -> Iterator[str]:
    """One line per figure that lost more than it may, or that is no longer measured."""
    for name, expected in before.items():
        for figure, old in expected.items():
            new = now.get(name, {}).get(figure)
            if new is None:
                yield f"{name} {figure}: no longer measured (was {old.good:g} of {old.of:g})"
            elif figure != "detections_true" and new.of < old.of:
                yield f"{name} {figure}: measured over {new.of:g} {new.unit}, was {old.of:g}"
            elif _lost(old, new) > old.allowance() + 1e-9:
                yield f"{name} {figure}: {new.good:g} of {new.of:g} {new.unit}, was {old.good:g} of {old.of:g}"


def _lost(old: Count, new: Count) -> float:
    """What the new share makes of the old total: fewer detections in all are no loss."""
    return old.good - new.good * old.of / new.of


def read_baseline(path: Path) -> dict[str, dict[str, Count]]:
    """A committed baseline."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: {figure: Count(*count) for figure, count in row.items()} for name, row in content.items()}


def write_baseline(path: Path, now: dict[str, dict[str, Count]]) -> None:
    """One line per figure, so that a change of the baseline reads well in a diff."""
    sets = (
        f"  {json.dumps(name)}: {{\n"
        + ",\n".join(f"    {json.dumps(figure)}: {json.dumps(list(count))}" for figure, count in row.items())
        + "\n  }"
        for name, row in now.items()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(sets) + "\n}\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """0: nothing lost; 1: something lost; 2: used wrongly."""
    paths = [Path(argument) for argument in arguments if not argument.startswith("--")]
    if len(paths) != 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    run, baseline = paths
    sets = json.loads(run.read_text(encoding="utf-8"))["sets"]
    now = {name: figures(entry["rows"]) for name, entry in sets.items()}
    if "--write" in arguments:
        write_baseline(baseline, now)
        print(f"{baseline}: written")
        return 0
    if not baseline.exists():
        print(f"{baseline} is missing: write it with `make quality-baseline`", file=sys.stderr)
        return 2
    before = read_baseline(baseline)
    if "--partial" in arguments:
        before = {name: row for name, row in before.items() if name in now}
    lost = list(losses(now, before))
    print("\n".join(lost) if lost else f"nothing lost against {baseline}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
