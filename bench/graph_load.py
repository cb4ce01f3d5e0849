"""Loading and compiling topologies from CSV beside networkx: `python bench/run.py --only graph`.

Every measurement has a process of its own: CPU seconds, and what the process has grown by once all is loaded and
compiled, entities and their names included. networkx reads the same rows into a directed graph with the same
attributes; it checks nothing. By itself: `python -m bench.graph_load --sizes 1000000 --networkx-up-to 1000000`.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SIZES = (1_000, 10_000, 100_000, 1_000_000)
NEEDS = 5
"""Dependencies of an entity."""
NETWORKX_UP_TO = 100_000
RING = 1_000

Rows = dict[str, dict[str, list[float]]]
"""Row -> who -> a figure for each repetition."""


def report(repetitions: int, sizes: Sequence[int] = SIZES, networkx_up_to: int = NETWORKX_UP_TO) -> tuple[str, Rows]:
    """The table as Markdown, and all figures."""
    rows: Rows = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as folder:
        for name, edges, count in _models(sizes):
            files = Path(folder) / "catalogue"
            total = _write(files, edges, count)
            for _ in range(repetitions):
                for who in ("Headwater", *(("networkx",) if count <= networkx_up_to else ())):
                    for row, value in _measured(who, files, count, total).items():
                        rows[f"{name}: {row}"][who].append(value)
    return table(rows), rows


def table(rows: Rows) -> str:
    """Medians ± spread."""
    lines = ["| loading | Headwater | networkx | networkx : Headwater |", "|---|---|---|---|"]
    for row, figures in rows.items():
        ours, theirs = figures.get("Headwater", []), figures.get("networkx", [])
        ratio = f"{statistics.median(theirs) / statistics.median(ours):.3g}" if ours and theirs else ""
        lines.append(f"| {row} | {_cell(ours)} | {_cell(theirs)} | {ratio} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    return f"{middle:.3g}" + (f" ±{(max(values) - min(values)) / middle:.0%}" if middle and len(values) > 1 else "")


def _models(sizes: Sequence[int]) -> Iterable[tuple[str, np.ndarray, int]]:
    """(name, (dependency, end) -> entity, entities), made one after the other."""
    for count in sizes:
        rng = np.random.default_rng(1)
        consumer = np.repeat(np.arange(1, count), NEEDS)
        provider = (consumer * rng.random(len(consumer)) ** 2).astype(np.int64)  # older ones; popular ones sooner
        yield f"{count:,} entities", np.unique(np.stack([consumer, provider], axis=1), axis=0), count
    if max(sizes) >= RING * RING:
        ends = np.arange(RING)
        clique = np.stack(np.meshgrid(ends, ends, indexing="ij"), axis=-1).reshape(-1, 2)
        yield f"{RING:,} entities, all to all", clique[clique[:, 0] != clique[:, 1]], RING
        place = np.arange(RING * RING)
        following = np.where(place % RING == RING - 1, place - RING + 1, place + 1)
        yield f"{RING:,} cycles of {RING:,}", np.stack([place, following], axis=1), RING * RING


def _write(folder: Path, edges: np.ndarray, count: int) -> int:
    """Write nodes.csv and edges.csv, every tenth dependency soft and every other pair of an entity's redundant."""
    folder.mkdir(exist_ok=True)
    with (folder / "nodes.csv").open("w") as out:
        out.write("id,kind,tier,site\n")
        out.writelines(f"service-{i},service,{i % 6},site-{i % 50}\n" for i in range(count))
    forms = ["hard,,", "soft,,", "hard,pair,1"]
    with (folder / "edges.csv").open("w") as out:
        out.write("source,target,kind,group,need\n")
        place = np.arange(len(edges))
        said = np.where(edges[:, 0] % 2 == 0, 2, np.where(place % 10 == 0, 1, 0))
        for begin in range(0, len(edges), 100_000):
            part = edges[begin : begin + 100_000].tolist(), said[begin : begin + 100_000].tolist()
            out.writelines(f"service-{c},service-{p},{forms[form]}\n" for (c, p), form in zip(*part, strict=True))
    return len(edges)


def _measured(who: str, files: Path, entities: int, dependencies: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.graph_load", "--measure", who, str(files)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[1],
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    rows = {f"{key} (CPU s)": value for key, value in found.items() if not key.endswith("bytes")}
    rows["all, bytes per dependency"] = found["bytes"] / dependencies
    if "column bytes" in found:
        rows["columns both ways, bytes per dependency"] = found["column bytes"] / dependencies
        rows["name and columns, bytes per entity"] = found["entity bytes"] / entities
        rows["stored version, bytes per dependency"] = found["stored bytes"] / dependencies
    return rows


def _headwater(folder: Path) -> dict[str, float]:
    import scipy.sparse.csgraph  # noqa: F401, PLC0415 - not counted as memory of the topology

    from topology.loading import load  # noqa: PLC0415

    before = _resident()
    start = time.process_time()
    topology, problems = load({path.name: path.read_bytes() for path in folder.iterdir()})
    loaded = time.process_time()
    if topology is None:
        raise SystemExit("\n".join(map(str, problems)))
    compiled = topology.compiled
    done = time.process_time()
    held = _resident() - before
    stored = topology.encode()
    parts = (topology._columns, compiled)
    columns = {id(c): c for p in parts for f in p.__dataclass_fields__ if isinstance(c := getattr(p, f), np.ndarray)}
    count = len(compiled.consumer)
    rest = sum(column.nbytes for column in columns.values() if len(column) != count)
    return {
        "load": loaded - start,
        "compile": done - loaded,
        "load and compile": done - start,
        "bytes": held,
        "column bytes": sum(c.nbytes for c in columns.values() if len(c) == count and c.strides != (0,)),
        "entity bytes": rest + sum(sys.getsizeof(name) + 8 for name in compiled.names),
        "stored bytes": len(stored),
    }


def _networkx(folder: Path) -> dict[str, float]:
    import networkx as nx  # noqa: PLC0415

    before = _resident()
    start = time.process_time()
    graph: nx.DiGraph[str] = nx.DiGraph()
    with (folder / "nodes.csv").open(newline="") as nodes:
        graph.add_nodes_from((row.pop("id"), row) for row in csv.DictReader(nodes))
    with (folder / "edges.csv").open(newline="") as edges:
        graph.add_edges_from((row.pop("source"), row.pop("target"), row) for row in csv.DictReader(edges))
    took = time.process_time() - start
    return {"load and compile": took, "bytes": _resident() - before}


def _resident() -> int:
    """Bytes in memory, without what the allocator could give back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="entities")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--networkx-up-to", type=int, default=NETWORKX_UP_TO, help="entities; 30 s and 3 GB at a million"
    )
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        who, folder = asked.measure
        print(json.dumps((_headwater if who == "Headwater" else _networkx)(Path(folder))))
    else:
        print(report(asked.repetitions, asked.sizes, asked.networkx_up_to)[0])


if __name__ == "__main__":
    main()
