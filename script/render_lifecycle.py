"""Renders the incident's transition table into docs/lifecycle.md.

Usage: render_lifecycle.py [--check]     --check: change nothing, fail when the page is out of date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from engine.lifecycle import mermaid

PAGE = Path(__file__).resolve().parent.parent / "docs/lifecycle.md"
DIAGRAM = re.compile(r"^```mermaid\nstateDiagram-v2\n.*?^```$", re.DOTALL | re.MULTILINE)


def rendered(page: str) -> str:
    """The page with its state diagram replaced. Raises ValueError when it does not hold exactly one."""
    content, count = DIAGRAM.subn(lambda _: f"```mermaid\n{mermaid()}```", page)
    if count != 1:
        raise ValueError(f"{PAGE.name} must hold one ```mermaid stateDiagram-v2 block, it holds {count}")
    return content


def main(arguments: list[str]) -> int:
    """0: written, or nothing to do; 1: out of date."""
    before = PAGE.read_text(encoding="utf-8")
    after = rendered(before)
    if "--check" in arguments:
        if after != before:
            print(f"{PAGE.name} is out of date: make docs", file=sys.stderr)
        return int(after != before)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
