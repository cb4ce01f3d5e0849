"""Log lines through masking, groups and templates: `python bench/run.py --only logs`. Lines per second of one core.

Beside Headwater: the same nine masks as plain regular expressions, one `re.sub` each (the limit of what an ordinary
masking costs, nothing is counted), and Drain3 with these masks where it is installed. Drain3 0.9.11 pins libraries of
2021 and is therefore in no lock: `pip install --target FOLDER drain3`, and `PYTHONPATH=FOLDER` for this run.
"""

from __future__ import annotations

import random
import re
import statistics
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

from engine.evidence.logs.store import Logs

LINES = 40_000
UNLIKE = 1_000_000
"""Lines of which no two are alike."""
SHAPES = (
    '10.{a}.{b}.7 - - [22/Aug/2022:05:18:19 +0000] "GET /product/{c}?session={u} HTTP/1.1" 200 {n} {b}ms',
    "2022-08-22T05:18:{s:02}.154Z INFO TraceID: {h} SpanID: {k} Start list products",
    "2022-08-22T05:18:{s:02}.154Z INFO conversion request from USD to EUR took {n}us for user {u}",
    "pgx pool: waited {n}ms to acquire connection from 10.0.{a}.{b}:5432",
    "dial tcp: lookup api.payments.svc.cluster.local on 10.96.0.10:53: i/o timeout after {n}ms",
    "reservation {u} committed, {a} items, cart {h}",
    "login of user{n}@example.com failed: invalid password, attempt {a}",
    "worker pool saturated, request queued",
)
_MASKS = (
    (r"[\w.+-]+@[\w-]+\.[\w.-]+", "<mail>"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?", "<time>"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<ip>"),
    (r"\b[0-9a-fA-F]{12,}\b", "<id>"),
    (r"\b\d+(?:\.\d+)?(?:ms|us|ns|s|m|h)\b", "<dur>"),
    (r"(?i)(password|token|secret|session)=\S+", r"\1=<secret>"),
    (r"\b0x[0-9a-fA-F]+\b", "<id>"),
    (r"\b\d+\b", "<n>"),
)
_COMPILED = [(re.compile(pattern), by) for pattern, by in _MASKS]

Rows = dict[str, dict[str, list[float]]]


def lines(count: int, seed: int) -> list[str]:
    """Lines of a shop's services, hardly one like another."""
    draw = random.Random(seed)

    def fill(shape: str) -> str:
        return shape.format(
            a=draw.randrange(1, 250), b=draw.randrange(1, 250), n=draw.randrange(1, 90_000), s=draw.randrange(60),
            c=f"{draw.getrandbits(40):010X}", h=f"{draw.getrandbits(128):032x}", k=f"{draw.getrandbits(64):016x}",
            u=f"{draw.getrandbits(32):08x}-{draw.getrandbits(16):04x}-4a3b-9c1d-{draw.getrandbits(48):012x}",
        )  # fmt: skip

    return [fill(draw.choice(SHAPES)) for _ in range(count)]


def measure(repetitions: int) -> Rows:
    """Row -> who -> lines per second of CPU, per repetition; the last row is in megabytes."""
    found: Rows = defaultdict(lambda: defaultdict(list))
    for turn in range(repetitions):
        sent = lines(LINES, turn)
        for who, work in _workers():
            started = time.process_time()
            for line in sent:
                work(line)
            found["services' lines"][who].append(LINES / (time.process_time() - started))
    tracemalloc.start()
    logs = Logs()
    started = time.process_time()
    for number in range(UNLIKE // 10):
        _unlike(logs, number)
    took, size = time.process_time() - started, tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for number in range(UNLIKE // 10, UNLIKE):
        _unlike(logs, number)
    found[f"{UNLIKE // 10:,} unlike lines of 200 entities, memory traced"]["headwater"].append(UNLIKE / 10 / took)
    found["memory after them (MB)"]["headwater"].append(size / 1e6)
    found[f"groups kept after {UNLIKE:,} unlike lines"]["headwater"].append(logs.groups)
    return found


def _unlike(logs: Logs, number: int) -> None:
    word = "".join(chr(97 + int(digit)) for digit in str(number))
    logs.add(f"e{number % 200}", number * 20, "info", f"{word} has happened to {word[::-1]}")


def _workers() -> Iterator[tuple[str, Callable[[str], object]]]:
    logs = Logs()
    yield "headwater", lambda line: logs.add("shop", 0, "info", line)
    yield "plain masks", plainly
    if find_spec("drain3") is not None:
        config = import_module("drain3.template_miner_config").TemplateMinerConfig()
        instruction = import_module("drain3.masking").MaskingInstruction
        config.masking_instructions = [instruction(pattern, by.strip("<>")) for pattern, by in _MASKS]
        yield "Drain3", import_module("drain3").TemplateMiner(config=config).add_log_message


def plainly(line: str) -> str:
    """The nine masks, one after the other."""
    for pattern, by in _COMPILED:
        line = pattern.sub(by, line)
    return line


def table(measured: Rows) -> str:
    """The medians as Markdown."""
    peers = ("plain masks", "Drain3", "headwater")
    out = ["| log records | plain masks | Drain3 | Headwater |", "|---|---|---|---|"]
    for row, by in measured.items():
        cells = [f"{statistics.median(by[who]):,.0f}" if by.get(who) else "–" for who in peers]
        out.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(out)
