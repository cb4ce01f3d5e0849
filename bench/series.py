"""What a series costs all told, from the compressed request to the columns: python -m bench.series [--turns 4]

100,000 series with 10 labels each, 2,000 to a remote_write request, through `Core.handle`. Prints CPU µs of a sample
(once its series is known), bytes of a sample as sent, which is what the input log keeps of it for the retention time,
and what the process has grown by per series: columns, index, label sets.
"""

from __future__ import annotations

import argparse
import sys
import time

from bench.growth import resident
from bench.samples import EVERY, SERIES, START, requests, series_labels
from engine.core import Core
from engine.library import Library
from ingest.decoders import decode


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=4, help="samples of each series")
    turns: int = parser.parse_args().turns
    labels = [series_labels(number) for number in range(SERIES)]
    before, core, spent, sent = resident(), Core(Library()), 0.0, 0
    for turn in range(turns):
        for position, body in enumerate(requests(labels, turn)):
            begun = time.process_time()
            signals = decode("remote-write", body).signals
            core.handle(turn * SERIES + position + 1, signals, START + turn * EVERY + 5_000)
            if turn:
                spent += time.process_time() - begun
                sent += len(body)
    samples = SERIES * (turns - 1)
    sys.stdout.write(
        f"{1e6 * spent / samples:.2f} µs of CPU a sample, {sent / samples:.0f} bytes a sample as sent, "
        f"{(resident() - before) / SERIES:,.0f} bytes a series in memory\n"
    )


if __name__ == "__main__":
    main()
