"""Checks the table of docs/practices.md: tests that exist, are not skipped and look at what is answered or published.

Usage: practices.py [DOCUMENT]; prints what is wrong, and exits with 1 if anything is.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/practices.md"
COUNTS = {1: 6, 2: 6, 3: 6, 4: 6, 5: 6, 6: 6, 7: 6, 8: 6}
"""Practices by theme."""
OPEN = "open"
"""What stands in the column of the test where a practice is not done yet."""
READS = frozenset({"response", "ask", "do", "answers", "incident_of", "invoke", "outbox", "timeline_of"})
"""Attributes under which tests reach what a server answered, or what was published."""
METHODS = frozenset({"get", "post", "request", "put", "delete"})
PATHS = frozenset({"incidents", "outbox", "playbooks"})
SKIPS = frozenset({"skip", "skipif", "xfail"})


class Row(NamedTuple):
    """A practice: where to see it, its metric, its test."""

    line: int
    id: str
    where: str
    metric: str
    test: str


def rows(document: Path) -> Iterator[Row]:
    """The rows of the table."""
    for number, text in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        found = re.match(r"\| (\d\.\d) [^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$", text)
        if found:
            yield Row(number, found[1], *(cell.strip().strip("`") for cell in found.groups()[1:]))


def wrong(document: Path) -> Iterator[str]:
    """Everything that is wrong with the table."""
    listed = list(rows(document))
    wanted = {f"{theme}.{number + 1}" for theme, count in COUNTS.items() for number in range(count)}
    seen = [row.id for row in listed]
    for id in sorted(wanted - set(seen)):
        yield f"{document.name}: practice {id} is missing"
    for id in sorted({id for id in seen if seen.count(id) > 1} | (set(seen) - wanted)):
        yield f"{document.name}: practice {id} is there twice, or is none"
    source = "".join(path.read_text(encoding="utf-8") for part in ("api", "engine") for path in _modules(part))
    for row in listed:
        for problem in _row(row, source):
            yield f"{document.name}:{row.line}: practice {row.id}: {problem}"


def _modules(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def _row(row: Row, source: str) -> Iterator[str]:
    if row.test == OPEN:
        return
    if not row.where:
        yield "no route or page is named"
    name = row.metric.split("{")[0].split(" ")[0]
    if not name or name not in source:
        yield f"no metric {row.metric!r}"
    yield from tested(row.test)


def tested(id: str) -> Iterator[str]:
    """What is wrong with a test id, ``path::name``."""
    path, _, name = id.partition("::")
    file = ROOT / path
    if not name or not file.is_file():
        yield f"no test {id!r}"
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    if name not in functions:
        yield f"no test {name!r} in {path}"
        return
    found = functions[name]
    marks = [*found.decorator_list, *(one for one in tree.body if _is_pytestmark(one)), *found.body]
    if any(_skips(one) for one in marks):
        yield f"{name} is skipped, or expected to fail"
    if not _looks(found, functions):
        yield f"{name} asserts nothing on an answer of the API or on something published"


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)


def _skips(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Attribute)
        and one.attr in SKIPS
        and isinstance(one.value, ast.Name | ast.Attribute)
        and (getattr(one.value, "id", "") == "pytest" or getattr(one.value, "attr", "") == "mark")
        for one in ast.walk(node)
    )


def _looks(test: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> bool:
    """Does an assertion look at something that was answered or published, directly or through names and functions?"""
    readers = {name for name, one in functions.items() if any(_reads(node, set(), set()) for node in ast.walk(one))}
    known: set[str] = set()
    while True:
        before = len(known)
        for node in ast.walk(test):
            value, targets = _assigned(node)
            if value is not None and _holds(value, known, readers):
                known |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        if len(known) == before:
            break
    return any(isinstance(node, ast.Assert) and _holds(node.test, known, readers) for node in ast.walk(test))


def _assigned(node: ast.AST) -> tuple[ast.expr | None, list[ast.expr]]:
    if isinstance(node, ast.Assign):
        return node.value, list(node.targets)
    if isinstance(node, ast.AnnAssign | ast.NamedExpr):
        return node.value, [node.target]
    if isinstance(node, ast.For | ast.comprehension):
        return node.iter, [node.target]
    return None, []


def _holds(value: ast.AST, known: set[str], readers: set[str]) -> bool:
    return any(_reads(node, known, readers) for node in ast.walk(value))


def _reads(node: ast.AST, known: set[str], readers: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in known
    if isinstance(node, ast.Attribute):
        return node.attr in READS
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in readers
    first = next(iter(node.args), None)
    return isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and "/" in _text(first)


def _text(node: ast.expr | None) -> str:
    """The words of a string, and of one with names in it; some words are whole paths."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(one.value) for one in parts if isinstance(one, ast.Constant))
    return f"{text}/" if text in PATHS else text


def main(arguments: list[str]) -> int:
    """Print what is wrong."""
    found = list(wrong(Path(arguments[0]) if arguments else DOCUMENT))
    for problem in found:
        print(problem)
    if not found:
        done = sum(row.test != OPEN for row in rows(Path(arguments[0]) if arguments else DOCUMENT))
        print(f"{done} of {sum(COUNTS.values())} practices name a test that looks at what is answered or published")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
