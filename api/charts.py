"""A chart of one indicator as SVG: what was usual, the incident, what came after, and how much worse is tolerated.

No scripts, no references, no font of its own; colours for light and dark. A stranger's text can only become text:
the document is built as a tree. https://www.w3.org/TR/SVG2/, https://www.w3.org/TR/graphics-aria-1.0/
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree as Tree

import msgspec

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 64, 40
LONGEST = 115
"""Characters of a line of text."""
GAP = 3.5
"""The line is broken where a point is so many usual distances from the one before."""
FAR, FAR_YET = 2.0, 5.0
"""How much more than all else the incident may take of the height, and while it lasts; beyond lies at the edge."""
STYLE = (
    "svg{color:#1c2733;background:#fff;font:12px system-ui,sans-serif}text{fill:currentColor}.t{font-weight:600}"
    ".b{fill:#2f7fd0;fill-opacity:.2}.m{stroke:#2f7fd0}.i{fill:#d9483b;fill-opacity:.14}.r{stroke:#c9770c;"
    "stroke-dasharray:6 4}.g{stroke:currentColor;stroke-opacity:.15}.e{stroke:currentColor;stroke-opacity:.6;"
    "stroke-dasharray:2 3}.p{stroke:currentColor;stroke-width:1.4;fill:none}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}.b{fill-opacity:.35}.i{fill-opacity:.25}}"
)
POLICY = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""The content security policy under which it is sent: its own style, and nothing else."""


_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn. ``usual`` is (5 %, 50 %, 95 %) of the baseline, ``bounds`` are the lines of the margin; the
    incident lasts from ``onset`` to ``quiet`` (None: still). Times in milliseconds, oldest first."""

    title: str
    verdict: str
    usual: tuple[float, float, float]
    bounds: tuple[float, ...]
    onset: int
    quiet: int | None
    times: tuple[int, ...]
    values: tuple[float, ...]


class _Scale(msgspec.Struct, frozen=True):
    start: int
    end: int
    low: float
    high: float

    def x(self, at: float) -> float:
        share = min(1.0, max(0.0, (at - self.start) / max(1, self.end - self.start)))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def svg(chart: Chart) -> str:
    """The document."""
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": str(WIDTH), "height": str(HEIGHT)}
    root = Tree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "role": "img", "aria-labelledby": "t d"})
    Tree.SubElement(root, "title", {"id": "t"}).text = clean(f"{chart.title}: {chart.verdict}")
    Tree.SubElement(root, "desc", {"id": "d"}).text = clean(_described(chart))
    Tree.SubElement(root, "style").text = STYLE
    scale = _scale(chart)
    _text(root, 12, 20, chart.title, "t")
    _text(root, 12, 38, chart.verdict)
    _grid(root, scale)
    _areas(root, scale, chart)
    for stretch in _stretches(chart.times, chart.values):
        points = " ".join(f"{scale.x(at)},{scale.y(value)}" for at, value in stretch)
        Tree.SubElement(root, "polyline", {"class": "p", "points": points})
    return Tree.tostring(root, encoding="unicode")


def clean(text: str) -> str:
    """Without the characters that XML cannot hold (https://www.w3.org/TR/xml/#charsets)."""
    return _NOT_XML.sub("", text)


def _described(chart: Chart) -> str:
    until = _clock(chart.quiet, "%H:%M") if chart.quiet is not None else "now"
    low, middle, high = map(_short, chart.usual)
    least, most, latest = (
        map(_short, (min(chart.values), max(chart.values), chart.values[-1])) if chart.values else "???"
    )
    seen = f"Seen from {least} to {most}, at last {latest}." if chart.values else "There are no points."
    bounds = " and ".join(map(_short, chart.bounds)) or "unknown"
    day = _clock(chart.onset, "%Y-%m-%d")
    return (
        f"Usual between {low} and {high}, median {middle}. Incident on {day} from {_clock(chart.onset, '%H:%M')} to "
        f"{until} UTC. Tolerated until {bounds}. {seen}"
    )


def _scale(chart: Chart) -> _Scale:
    """What is usual, tolerated, and seen outside of the incident is shown whole, the incident only so far."""
    until = chart.times[-1] if chart.quiet is None and len(chart.times) else chart.quiet or chart.onset
    points = list(zip(chart.times, chart.values, strict=True))
    inner = [*chart.usual, *chart.bounds, *(value for at, value in points if not chart.onset <= at <= until)]
    far = (FAR_YET if chart.quiet is None else FAR) * (max(inner) - min(inner))
    seen = [min(max(value, min(inner) - far), max(inner) + far) for _, value in points]
    low, high = min(inner + seen), max(inner + seen)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    ends = [chart.onset, until, *chart.times[:1], *chart.times[-1:]]
    return _Scale(min(ends), max(ends), low - room, high + room)


def _grid(root: Tree.Element, scale: _Scale) -> None:
    for value in _steps(scale.low, scale.high):
        _line(root, "g", (LEFT, scale.y(value)), (WIDTH - RIGHT, scale.y(value)))
        _text(root, LEFT - 6, scale.y(value) + 4, _short(value), end=True)
    for at in _moments(scale.start, scale.end):
        _text(root, scale.x(at) - 15, HEIGHT - BOTTOM + 16, _clock(at, "%H:%M"))
    _text(root, WIDTH - RIGHT, HEIGHT - 8, f"{_clock(scale.end, '%Y-%m-%d')}, UTC", end=True)


def _areas(root: Tree.Element, scale: _Scale, chart: Chart) -> None:
    low, middle, high = chart.usual
    until = scale.end if chart.quiet is None else chart.quiet
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
    _box(root, "b", (LEFT, scale.y(high)), (right, scale.y(low)))
    _line(root, "m", (LEFT, scale.y(middle)), (right, scale.y(middle)))
    for bound in chart.bounds:
        _line(root, "r", (LEFT, scale.y(bound)), (right, scale.y(bound)))
        _text(root, right, scale.y(bound) - 4, "margin", end=True)
    _box(root, "i", (scale.x(chart.onset), TOP), (scale.x(until), floor))
    _line(root, "e", (scale.x(chart.onset), TOP), (scale.x(chart.onset), floor))
    _text(root, scale.x(chart.onset) + 3, TOP - 5, "onset")
    if chart.quiet is not None:
        _line(root, "e", (scale.x(until), TOP), (scale.x(until), floor))
        _text(root, scale.x(until) + 3, TOP - 5, "alerts ended")
    _text(root, LEFT + 3, scale.y(low) + 14, "usual, 5 to 95 %")
    for edge, worst in ((scale.high, max(chart.values, default=high)), (scale.low, min(chart.values, default=low))):
        if not scale.low <= worst <= scale.high:
            _text(root, scale.x(until) - 3, min(scale.y(edge) + 14, floor - 4), f"to {_short(worst)}", end=True)


def _stretches(times: Sequence[int], values: Sequence[float]) -> Iterator[list[tuple[int, float]]]:
    steps = sorted(after - before for before, after in pairwise(times))
    far = GAP * steps[len(steps) // 2] if steps else 0
    found: list[tuple[int, float]] = []
    for at, value in zip(times, values, strict=True):
        if not math.isfinite(value):
            continue
        if found and at - found[-1][0] > far:
            yield found
            found = []
        found.append((at, value))
    if found:
        yield found


def _steps(low: float, high: float, most: int = 5) -> list[float]:
    """Round values between two."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 5, 10) if size * one >= rough)
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _moments(start: int, end: int, most: int = 8) -> range:
    """Round times between two."""
    sizes = [60_000 * one for one in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)]
    step = next((one for one in sizes if (end - start) / one <= most), max(1, (end - start) // most))
    return range(-(-start // step) * step, end + 1, step)


def _short(value: float) -> str:
    return f"{value:.4g}"


def _clock(at: int, form: str) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime(form)


def _text(root: Tree.Element, x: float, y: float, text: str, kind: str = "", *, end: bool = False) -> None:
    shown = clean(text) if len(text) <= LONGEST else clean(text)[: LONGEST - 1] + "…"
    given = {"x": f"{x:g}", "y": f"{y:g}", "class": kind, "text-anchor": "end" if end else "start"}
    Tree.SubElement(root, "text", given).text = shown


def _line(root: Tree.Element, kind: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    (x1, y1), (x2, y2) = start, end
    Tree.SubElement(root, "line", {"class": kind, "x1": f"{x1:g}", "y1": f"{y1:g}", "x2": f"{x2:g}", "y2": f"{y2:g}"})


def _box(root: Tree.Element, kind: str, corner: tuple[float, float], other: tuple[float, float]) -> None:
    (x, y), (right, bottom) = corner, other
    sides = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{max(0, right - x):g}", "height": f"{max(0, bottom - y):g}"}
    Tree.SubElement(root, "rect", {"class": kind, **sides})
