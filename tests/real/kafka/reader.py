"""A source in a process of its own, to be killed: prints what it was given, one line per record, and commits it.

Usage: python -m tests.real.kafka.reader ADDRESS TOPIC GROUP
"""

from __future__ import annotations

import sys

from ingest.kafka.source import KafkaSource
from tests.real.kafka.world import SESSION, given


def main(address: str, topic: str, group: str) -> None:
    source = KafkaSource(given(address, **SESSION), [topic], group)
    source.resume({})
    while True:
        records = source.poll(100, 1.0)
        for record in records:
            print(record.partition, record.offset, flush=True)
        source.committed(records)


if __name__ == "__main__":
    main(*sys.argv[1:])
