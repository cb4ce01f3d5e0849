"""The regression gate: `python -m bench.gate`, or `make gate`.

Each row is the CPU time of a piece of Headwater, divided by that of plain work of the same kind (json, a loop over
dictionaries, rows into SQLite, numpy columns) in the same process and moment. A ratio that has grown by more than its
tolerance over `kept.json` fails the gate. It says nothing of seconds: the same gate holds on any machine. After a
change that is meant to cost, `--keep` writes the ratios anew, and the diff shows what it costs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.gate.judge import judge, keep, kept, table
from bench.gate.rounds import measure
from bench.gate.works import WORKS, made

ROUNDS = 12


def main(given: list[str] | None = None) -> int:
    """Command line; 0: nothing has grown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=sorted(WORKS), action="append", help="measure only this")
    parser.add_argument("--keep", action="store_true", help="make the ratios of this run the ones to hold")
    asked = parser.parse_args(given)
    names = asked.only or list(WORKS)
    with tempfile.TemporaryDirectory() as folder:
        works = made(names, Path(folder))
        found = measure(works, asked.rounds)
        if asked.keep:
            keep(found)
        limits = kept()
        doubtful = judge(found, limits, names)
        if doubtful:  # once more and longer: what was a moment's noise does not come again
            again = measure([one for one in works if one.name in doubtful], 2 * asked.rounds)
            found |= {name: min(found[name], ratios, key=lambda one: one.ratio) for name, ratios in again.items()}
    failures = judge(found, limits, names)
    sys.stdout.write(table(found, limits, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
