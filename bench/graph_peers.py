"""Who else can say what is reached: a plain search in C, rustworkx and networkx, each by its own best call.

They answer reach alone. Building their graphs is not timed.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import rustworkx

from topology.compiled import INFO, Compiled

Reach = Callable[[Sequence[int]], int]
"""Numbers of entities -> how many they reach."""


def peers(compiled: Compiled, largest: int) -> dict[str, Reach]:
    """Those that are here; networkx up to ``largest`` entities."""
    felt = np.flatnonzero(compiled.semantics != INFO)
    felt = felt[np.argsort(compiled.provider[felt], kind="stable")]
    provider, consumer = compiled.provider[felt], compiled.consumer[felt]
    count = len(compiled.names)
    found: dict[str, Reach] = {}
    if (search := _library()) is not None:
        found["plain C"] = _plain(search, count, provider, consumer)
    found["rustworkx"] = _rustworkx(count, provider, consumer)
    if count <= largest:
        found["networkx"] = _networkx(count, provider, consumer)
    return found


def _library() -> Any:
    compiler = shutil.which("cc")
    if compiler is None:
        print("NO ROW FOR PLAIN C: there is no C compiler (cc)", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "breadth_first.so")
        source = Path(__file__).with_name("breadth_first.c")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        return ctypes.CDLL(str(library))


def _plain(library: Any, count: int, provider: np.ndarray, consumer: np.ndarray) -> Reach:
    start = np.concatenate([[0], np.cumsum(np.bincount(provider, minlength=count))]).astype(np.int32)
    reader, seen, queue = np.ascontiguousarray(consumer), np.zeros(count, np.uint8), np.zeros(count, np.int32)
    search = library.reach
    search.restype = ctypes.c_int64

    def reach(seeds: Sequence[int]) -> int:
        begin = np.asarray(seeds, np.int32)
        return int(
            search(
                ctypes.c_void_p(start.ctypes.data), ctypes.c_void_p(reader.ctypes.data), ctypes.c_int32(count),
                ctypes.c_void_p(begin.ctypes.data), ctypes.c_int32(len(begin)),
                ctypes.c_void_p(seen.ctypes.data), ctypes.c_void_p(queue.ctypes.data),
            )
        )  # fmt: skip

    return reach


def _rustworkx(count: int, provider: np.ndarray, consumer: np.ndarray) -> Reach:
    graph = rustworkx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(range(count))
    graph.add_edges_from_no_data(list(zip(provider.tolist(), consumer.tolist(), strict=True)))

    def reach(seeds: Sequence[int]) -> int:
        if len(seeds) == 1:
            return len(rustworkx.descendants(graph, seeds[0])) + 1
        one = graph.add_node(None)  # a cause of them all: one call instead of one for each
        graph.add_edges_from_no_data([(one, seed) for seed in seeds])
        found = len(rustworkx.descendants(graph, one))
        graph.remove_node(one)
        return found

    return reach


def _networkx(count: int, provider: np.ndarray, consumer: np.ndarray) -> Reach:
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(zip(provider.tolist(), consumer.tolist(), strict=True))

    def reach(seeds: Sequence[int]) -> int:
        if len(seeds) == 1:
            return len(networkx.descendants(graph, seeds[0])) + 1
        graph.add_edges_from(("cause of all", seed) for seed in seeds)
        found = len(networkx.descendants(graph, "cause of all"))
        graph.remove_node("cause of all")
        return found

    return reach
