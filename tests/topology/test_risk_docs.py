"""docs/risk.md says the probabilities that are taken."""

from __future__ import annotations

import re
from pathlib import Path

from topology.cuts import MOST_PAIRS
from topology.failures import ASSUMED, ASSUMED_FATE, HORIZON

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "risk.md").read_text(encoding="utf-8")


def test_every_default_is_documented():
    table: dict[str, float] = {}
    for names, value in re.findall(r"^\| (`[^|]*`|shared fate) \| ([0-9.]+) \|", TEXT, re.MULTILINE):
        table |= {name.strip("` "): float(value) for name in names.split(",")}
    assert table.pop("shared fate") == ASSUMED_FATE / 1e6
    assert table == {kind.value: ppm / 1e6 for kind, ppm in ASSUMED.items()}


def test_limits_are_the_documented_ones():
    assert HORIZON == 24 * 3600
    assert f"at most {MOST_PAIRS:,} candidates" in TEXT.replace("\n", " ")
