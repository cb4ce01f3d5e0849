"""The task graph of a playbook as SVG for the page itself, from left to right.

The document is built as a tree, so a stranger's text can only become text; its colours come from the page's style.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as Tree

import msgspec
from markupsafe import Markup

from api.charts import clean
from api.clock_words import span
from api.console.layout import layout
from api.plain import plain

WIDE, HIGH, EDGE = 218, 60, 12
LETTERS = 27
LONG = 1400
"""What is longer is scrolled, not made smaller."""
SIGNS = {
    "waiting": "◌",
    "ready": "○",
    "running": "▶",
    "done": "✓",
    "failed": "✕",
    "skipped": "»",
    "not_needed": "–",
}
"""What stands for a task's state besides its colour."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A task: ``after`` are the tasks before it, ``gates`` those that it needs, with whether they are closed."""

    id: str
    title: str
    owner: str
    takes: int
    state: str = "waiting"
    after: tuple[str, ...] = ()
    gates: tuple[tuple[str, bool], ...] = ()
    decision: bool = False


def drawing(nodes: Sequence[Node], critical: Sequence[str]) -> Markup:
    """The graph; ``critical`` is the chain that decides on the end."""
    edges = [(before, node.id) for node in nodes for before in node.after]
    places = layout([node.id for node in nodes], edges)
    width = max((x for x, _ in places.values()), default=0) + WIDE + 2 * EDGE
    height = max((y for _, y in places.values()), default=0) + HIGH + 2 * EDGE
    size = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
    kind = "tasks long" if width > LONG else "tasks"
    root = Tree.Element("svg", {"class": kind, "role": "img", **size})
    Tree.SubElement(root, "title").text = clean(_described(nodes, critical))
    chain = set(pairwise(critical))
    for edge in sorted(edges, key=lambda one: one in chain):
        if edge[0] in places:
            _edge(root, places[edge[0]], places[edge[1]], critical=edge in chain)
    for node in nodes:
        _node(root, node, places[node.id], critical=node.id in critical)
    # Made by ElementTree, which escapes all text and attributes.
    return Markup(Tree.tostring(root, encoding="unicode"))  # noqa: S704


def _described(nodes: Sequence[Node], critical: Sequence[str]) -> str:
    """In a sentence; the table beside it has all of it."""
    return plain(f"{len(nodes)} steps; what decides on the end: {' → '.join(critical) or 'nothing is left'}")


def _edge(root: Tree.Element, start: tuple[int, int], end: tuple[int, int], *, critical: bool) -> None:
    x1, y1 = start[0] + WIDE + EDGE, start[1] + HIGH // 2 + EDGE
    x2, y2 = end[0] + EDGE, end[1] + HIGH // 2 + EDGE
    bend = max(12, (x2 - x1) // 2)
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    Tree.SubElement(root, "path", {"class": "tk-edge tk-critical" if critical else "tk-edge", "d": path})


def _node(root: Tree.Element, node: Node, place: tuple[int, int], *, critical: bool) -> None:
    x, y = place[0] + EDGE, place[1] + EDGE
    kind = f"tk-node tk-{node.state}{' tk-critical' if critical else ''}"
    group = Tree.SubElement(root, "g", {"class": kind})
    box = {"x": str(x), "y": str(y), "width": str(WIDE), "height": str(HIGH), "rx": "26" if node.decision else "7"}
    Tree.SubElement(group, "rect", box)
    _text(group, x + 11, y + 20, f"{SIGNS.get(node.state, '?')} {node.title}", "tk-title")
    shut = [gate for gate, closed in node.gates if closed]
    told = f"◫ {len(shut)} of {len(node.gates)} gates closed" if shut else f"{len(node.gates)} gates open"
    _text(group, x + 11, y + 36, f"{node.owner or 'nobody'} · {span(node.takes // 1000)}", "tk-soft")
    if node.gates:
        _text(group, x + 11, y + 52, told, "tk-shut" if shut else "tk-soft")


def _text(group: Tree.Element, x: int, y: int, text: str, kind: str) -> None:
    shown = clean(plain(" ".join(text.split()), LETTERS))
    Tree.SubElement(group, "text", {"x": str(x), "y": str(y), "class": kind}).text = shown
