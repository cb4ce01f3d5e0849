"""What was measured against what is kept: which ratio has grown, and by how much."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from bench.gate.rounds import Figures

KEPT = Path(__file__).with_name("kept.json")
TOLERANCE = 0.25
"""By how much a ratio may grow, unless `kept.json` says otherwise: about three times the spread of runs under load."""


class Limit(msgspec.Struct, frozen=True):
    """The ratio of a work, and the part by which it may grow."""

    ratio: float
    tolerance: float = TOLERANCE


Limits = Mapping[str, Limit]


def kept(path: Path = KEPT) -> dict[str, Limit]:
    """The ratios to hold, by name of the work."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Limit]) if path.exists() else {}


def keep(found: Mapping[str, Figures], path: Path = KEPT) -> None:
    """Hold these from now on; tolerances, and works that were not measured, stay as they are."""
    limits = kept(path)
    for name, figures in found.items():
        limits[name] = Limit(round(figures.ratio, 3), limits[name].tolerance if name in limits else TOLERANCE)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(limits.items()))), indent=1) + b"\n")


def judge(found: Mapping[str, Figures], limits: Limits, asked: Collection[str]) -> dict[str, str]:
    """By name, what is wrong: a ratio that has grown, or one that nothing is known of."""
    wrong = {}
    for name in asked:
        if name not in limits:
            wrong[name] = "no ratio is kept for it: run with --keep"
        elif name not in found:
            wrong[name] = "it was not measured"
        elif (grown := found[name].ratio / limits[name].ratio - 1) > limits[name].tolerance:
            wrong[name] = (
                f"grew by {grown:.0%}, from {limits[name].ratio:.3g} to {found[name].ratio:.3g} times the plain work; "
                f"{limits[name].tolerance:.0%} is allowed"
            )
    return wrong


def table(found: Mapping[str, Figures], limits: Limits, wrong: Mapping[str, str]) -> str:
    """All rows, and below them what is wrong."""
    lines = [f"{'CPU time':32} {'ratio':>7} {'quartiles':>15} {'kept':>7} {'change':>7} {'µs each':>9}"]
    for name, figures in found.items():
        limit = limits.get(name)
        held, change = (f"{limit.ratio:.3g}", f"{figures.ratio / limit.ratio - 1:+.0%}") if limit else ("–", "–")
        quartiles = f"{figures.low:.3g} … {figures.high:.3g}"
        lines.append(f"{name:32} {figures.ratio:7.3g} {quartiles:>15} {held:>7} {change:>7} {figures.micros:9.3g}")
    lines += [f"FAILED: {name}: {why}" for name, why in wrong.items()]
    return "\n".join(lines) + "\n"
