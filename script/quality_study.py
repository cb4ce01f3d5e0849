"""What each kind of evidence is worth on the scoring kit's labelled streams, what abstaining costs, and how far the
verdicts' probabilities can be trusted. Prints Markdown.

Usage: quality_study.py KIT [--sets SET,SET] [--jobs N]

Replays run in this process's children, through the production core, as `headwater replay` runs them.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from math import log
from pathlib import Path
from typing import Any

import msgspec

from api import bootstrap
from api.replay import Replay
from api.replay_result import Collected
from engine import inquiry
from engine.cause.rank import FLOOR
from engine.evidence import claim, unusable
from engine.evidence.model.calibration import Calibration, calibrate
from engine.evidence.model.cases import Case, Outcome, Piece

SETS = "petshop_low,nezha_ob_day1,rootcausebench,itbench"
NAMES = {"petshop_low": "PetShop", "nezha_ob_day1": "Nezha", "rootcausebench": "RootCauseBench", "itbench": "ITBench"}
CLAIMS = frozenset({claim.GROUP, "course", unusable.GROUP})
"""Groups of terms that confirm nothing by themselves."""
FLOORS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True)
class Ablation:
    """Lines of these kinds are left out of the stream, and these sources of terms say nothing."""

    name: str
    lines: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


ALL = Ablation("all")
ABLATIONS = (
    ALL,
    Ablation("no spans", lines=("span",)),
    Ablation("no logs", lines=("log",)),
    Ablation("no terms of the alerting series", terms=("claim_terms",)),
    Ablation("no neighbours, no consumers", terms=("neighbour_terms", "felt_terms")),
    Ablation("no telemetry series", lines=("metric",)),
)


@dataclass(frozen=True)
class Answer:
    """What a replay said: the result object as the kit reads it, the candidates of the main incident, whether none of
    them is named for another reason than the floor, and the terms of every alert event by the id its sender gave it."""

    result: dict[str, Any]
    candidates: list[tuple[str, float]]
    doubted: bool
    terms: dict[str, tuple[Piece, ...]]


def answer(path: Path, ablation: Ablation) -> Answer:
    """Replay one stream without what the ablation takes away."""
    skipped = tuple(f'"kind":"{kind}"'.encode() for kind in ablation.lines)
    replay = Replay(bootstrap.in_memory, bootstrap.decode)
    collected = Collected()
    with path.open("rb") as stream, silent(ablation.terms):
        lines = (line for line in stream if not any(kind in line for kind in skipped))
        result = replay.run(path.stem, lines, lambda *_: None, collected=collected)
    main = collected.main()
    terms = {
        id: pieces(collected.alerts[entry.alert].terms)
        for id, entry in zip(result.alerts, collected.ledger.values(), strict=True)
    }
    return Answer(
        result=msgspec.to_builtins(result),
        candidates=[(one.entity, one.score) for one in main.candidates] if main else [],
        doubted=main is not None and bool(main.abstained) and str(FLOOR) not in main.abstained,
        terms=terms,
    )


def pieces(terms: Iterable[Mapping[str, Any]]) -> tuple[Piece, ...]:
    """Terms as an alert's view shows them, without their facts."""
    return tuple(Piece(t["kind"], t["group"], t["log_odds"], t["group"] in CLAIMS) for t in terms)


@contextmanager
def silent(sources: Iterable[str]) -> Iterator[None]:
    """Let these functions of an inquiry find no terms."""
    before = {name: getattr(inquiry, name) for name in sources}
    for name in before:
        setattr(inquiry, name, lambda *_, **__: ())
    try:
        yield
    finally:
        for name, source in before.items():
            setattr(inquiry, name, source)


class Kit:
    """The parts of the scoring kit that are used here."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(folder))
        self._sets = importlib.import_module("sets").SETS
        self._stream = importlib.import_module("stream")
        self._alerts = importlib.import_module("alerts")
        self._metrics = importlib.import_module("metrics")
        self._report = importlib.import_module("report")

    def cases(self, name: str) -> list[Any]:
        """Faults and quiet streams of a set."""
        return [case for case in self._sets[name]() if case.kind in ("fault", "quiet")]

    def export(self, case: Any, folder: Path) -> Path:
        """The case's stream."""
        path: Path = self._stream.export(case, folder / case.dataset)
        return path

    def figures(self, cases: Iterable[Any], answers: Iterable[Answer]) -> dict[str, Any]:
        """As the kit sums them up."""
        rows = [self._report.score_case(case, one.result) for case, one in zip(cases, answers, strict=True)]
        summary: dict[str, Any] = self._report.summarize(rows)
        return summary

    def hit(self, case: Any, candidates: list[tuple[str, float]]) -> float:
        """How far the first candidate is a root."""
        found: float = self._metrics.expected_hit(candidates, case.root, 1)
        return found

    def labels(self, case: Any) -> dict[str, bool]:
        """Firing alert -> whether it was real, where the kit says so."""
        affected = self._metrics.affected_entities(case) if case.kind == "fault" else set()
        found = {}
        for alert in self._alerts.case_alerts(case):
            before = case.kind == "quiet" or alert["t"] < case.t_fault
            if alert["status"] == "firing" and (before or alert["service"] in affected):
                found[alert["id"]] = not before
        return found


def ablation_row(name: str, ablation: Ablation, sums: Mapping[str, Any]) -> str:
    """A line of the table, in counts."""
    faults, counts = sums["n_fault"], sums["alert_counts"]
    cells = [f"{sums[key] * faults:.3g}" for key in ("top1", "top3")]
    false = f"{counts['false_quietened']:,} of {counts['false']:,}" if counts["false"] else "–"
    cells += [false, f"{counts['real_kept']} of {counts['real']}", str(counts["faults_silenced"])]
    return f"| {name} ({faults}) | {ablation.name} | {' | '.join(cells)} |"


def coverage_rows(kit: Kit, judged: list[tuple[Any, Answer]]) -> Iterator[str]:
    """By floor: faults in which a cause is named, how many of these are right, and quiet streams in which one is."""
    faults = [(case, one) for case, one in judged if case.kind == "fault"]
    quiet = [one for case, one in judged if case.kind == "quiet"]
    for floor in FLOORS:
        named = [(case, one) for case, one in faults if _names(one, floor)]
        right = sum(kit.hit(case, one.candidates) for case, one in named)
        wrong = sum(_names(one, floor) for one in quiet)
        risk = f"{1 - right / len(named):.2f}" if named else "–"
        mark = " (shipped)" if floor == FLOOR else ""
        yield (
            f"| {floor:.2f}{mark} | {len(named)} of {len(faults)} ({len(named) / len(faults):.2f}) "
            f"| {right:.3g} | {risk} | {wrong} of {len(quiet)} |"
        )


def _names(one: Answer, floor: float) -> bool:
    return bool(one.candidates) and one.candidates[0][1] >= max(floor, 1e-9) and not one.doubted


def calibration_of(kit: Kit, judged: Iterable[tuple[Any, Answer]]) -> Calibration:
    """Of the verdicts' probabilities, on top of the share of real alerts among those labelled."""
    cases = []
    for case, one in judged:
        for id, real in kit.labels(case).items():
            outcome = Outcome(real, "kit", "kit", 0)
            cases.append(Case(0, id, "", "", "", 0, terms=one.terms.get(id, ()), outcome=outcome))
    count = sum(case.outcome is not None and case.outcome.real for case in cases)
    prior = log((count + 1) / (len(cases) - count + 1))
    return calibrate(cases, None, prior)


def calibration_text(name: str, found: Calibration) -> Iterator[str]:
    """Scores in a line, and the bins that hold an alert."""
    yield f"{name}: {found.real} real and {found.false:,} false alerts, Brier {found.brier:.3f}, ECE {found.ece:.3f}; "
    yield f"{found.confirmed_false} false ones confirmed, {found.contradicted_real} real ones contradicted.\n"
    yield "| probability | alerts | mean | real |"
    yield "|---|---|---|---|"
    for row in found.bins:
        if row.count:
            share = f"{row.real} ({row.real / row.count:.2f})"
            yield f"| {row.low:.1f} … {row.high:.1f} | {row.count:,} | {row.mean:.2f} | {share} |"


def study(kit: Kit, names: list[str], folder: Path, run: Callable[..., Iterable[Answer]]) -> Iterator[str]:
    """The three tables, as they are found."""
    judged: dict[str, list[tuple[Any, Answer]]] = {}
    yield "| set (faults) | without | top-1 | top-3 | false alerts held or suppressed | real alerts kept | silenced |"
    yield "|---|---|---|---|---|---|---|"
    for name in names:
        cases = kit.cases(name)
        paths = [kit.export(case, folder) for case in cases]
        for ablation in ABLATIONS:
            answers = list(run(answer, paths, repeat(ablation)))
            if ablation is ALL:
                judged[name] = list(zip(cases, answers, strict=True))
            yield ablation_row(NAMES.get(name, name), ablation, kit.figures(cases, answers))
    for name in names:
        yield f"\n{NAMES.get(name, name)}\n\n| floor | a cause is named | right | risk | named on quiet |"
        yield "|---|---|---|---|---|"
        yield from coverage_rows(kit, judged[name])
    for name in names:
        found = calibration_of(kit, judged[name])
        if found.false and found.real:
            yield ""
            yield from calibration_text(NAMES.get(name, name), found)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kit", type=Path)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    kit = Kit(asked.kit)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(asked.jobs) as pool:
        for line in study(kit, asked.sets.split(","), Path(folder), pool.map):
            print(line, flush=True)


if __name__ == "__main__":
    main()
