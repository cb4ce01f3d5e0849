"""Series with their usual band, failures in logs, and changes, on one time axis, as SVG for the page itself.

The document is built as a tree, so a stranger's text can only become text; its colours come from the page's style.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree as Tree

import msgspec
from markupsafe import Markup

from api.charts import clean
from api.plain import plain
from engine.recovery_points import Points
from engine.signals import Millis

WIDTH, LEFT, RIGHT, TOP = 1000, 14, 14, 34
ROW, GAP, AXIS = 78, 30, 26
END = "end"
BROKEN = 3.5
"""A line is broken where a point is so many usual distances from the one before."""
MINUTE: Millis = 60_000


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Counts per minute."""

    title: str
    minutes: tuple[Millis, ...]
    counts: tuple[int, ...]


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """A change, or an alert: a vertical line across all rows."""

    at: Millis
    kind: str
    text: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn, from ``start`` to ``end``; the trouble began at ``onset``."""

    start: Millis
    end: Millis
    onset: Millis
    series: tuple[Points, ...] = ()
    bars: tuple[Bars, ...] = ()
    markers: tuple[Marker, ...] = ()


def drawing(found: Evidence) -> Markup:
    """The chart, to stand in a page."""
    rows = len(found.series) + len(found.bars)
    height = TOP + max(1, rows) * (ROW + GAP) + AXIS
    root = Tree.Element("svg", {"class": "evidence", "viewBox": f"0 0 {WIDTH} {height}", "role": "img"})
    Tree.SubElement(root, "title").text = clean(described(found))
    floor = height - AXIS
    _box(root, "ev-trouble", _x(found, found.onset), TOP - 8, WIDTH - RIGHT - _x(found, found.onset), floor - TOP + 8)
    _axis(root, found, floor)
    top = TOP
    for series in found.series:
        _series(root, found, series, top + GAP - 6)
        top += ROW + GAP
    for bars in found.bars:
        _bars(root, found, bars, top + GAP - 6)
        top += ROW + GAP
    _markers(root, found, floor)
    # Made by ElementTree, which escapes all text and attributes.
    return Markup(Tree.tostring(root, encoding="unicode"))  # noqa: S704


def described(found: Evidence) -> str:
    """The chart in a sentence, for those who cannot see it."""
    series = ", ".join(f"{one.metric} of {one.entity}" for one in found.series) or "no series"
    changes = ", ".join(plain(one.text, 80) for one in found.markers if one.kind == "change") or "no change"
    return f"{series}; {changes}; trouble from {_clock(found.onset)} UTC"


def _x(found: Evidence, at: Millis) -> float:
    share = min(1.0, max(0.0, (at - found.start) / max(1, found.end - found.start)))
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _axis(root: Tree.Element, found: Evidence, floor: float) -> None:
    sizes = [MINUTE * one for one in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)]
    span = found.end - found.start
    step = next((one for one in sizes if span / one <= 9), max(MINUTE, span // 9))
    for at in range(-(-found.start // step) * step, found.end + 1, step):
        _line(root, "ev-grid", _x(found, at), TOP - 8, _x(found, at), floor)
        _text(root, "ev-axis", _x(found, at), floor + 18, _clock(at), "middle")
    _line(root, "ev-onset", _x(found, found.onset), TOP - 8, _x(found, found.onset), floor)
    x = _x(found, found.onset)
    late = x > WIDTH * 0.85
    _text(
        root,
        "ev-axis",
        x + (-4 if late else 4),
        TOP - 14,
        f"trouble began {_clock(found.onset)}",
        END if late else "start",
    )


def _series(root: Tree.Element, found: Evidence, one: Points, top: float) -> None:
    low, middle, high = one.usual
    seen = [value for value in one.values if math.isfinite(value)]
    least, most = min([low, *seen]), max([high, *seen])
    room = (most - least) * 0.08 or abs(most) * 0.1 or 1.0
    least, most = least - room, most + room

    def y(value: float) -> float:
        return round(top + ROW - (value - least) / (most - least) * ROW, 1)

    _box(root, "ev-usual", LEFT, y(high), WIDTH - LEFT - RIGHT, max(1.5, y(low) - y(high)))
    _line(root, "ev-median", LEFT, y(middle), WIDTH - RIGHT, y(middle))
    latest = f", now {seen[-1]:.4g}" if seen else ""
    _text(
        root,
        "ev-title",
        LEFT,
        top - 6,
        f"{plain(one.metric, 60)} of {plain(one.entity, 60)}: usually {low:.4g} to {high:.4g}{latest}",
    )
    for stretch in _stretches(one.times, one.values):
        points = " ".join(f"{_x(found, at)},{y(value)}" for at, value in stretch)
        Tree.SubElement(root, "polyline", {"class": "ev-line", "points": points})
        if len(stretch) == 1:
            Tree.SubElement(
                root,
                "circle",
                {"class": "ev-dot", "cx": str(_x(found, stretch[0][0])), "cy": str(y(stretch[0][1])), "r": "2"},
            )


def _bars(root: Tree.Element, found: Evidence, bars: Bars, top: float) -> None:
    most = max(bars.counts, default=1) or 1
    wide = max(1.5, (WIDTH - LEFT - RIGHT) * MINUTE / max(MINUTE, found.end - found.start) - 1)
    for at, count in zip(bars.minutes, bars.counts, strict=True):
        if found.start <= at <= found.end:
            tall = ROW * count / most
            _box(root, "ev-bar", _x(found, at), round(top + ROW - tall, 1), round(wide, 1), round(tall, 1))
    _line(root, "ev-median", LEFT, top + ROW, WIDTH - RIGHT, top + ROW)
    _text(root, "ev-title", LEFT, top - 6, f"{plain(bars.title, 120)}, at most {most} a minute")


def _markers(root: Tree.Element, found: Evidence, floor: float) -> None:
    for number, one in enumerate(sorted(found.markers, key=lambda marker: marker.at)):
        x = _x(found, one.at)
        _line(root, f"ev-{one.kind}", x, TOP - 8, x, floor)
        if one.kind == "change":
            end = x > WIDTH * 0.6
            text = f"◆ {plain(one.text, 60)}"
            _text(root, "ev-mark", x + (-5 if end else 5), floor - 6 - 14 * (number % 3), text, END if end else "start")


def _stretches(times: Sequence[Millis], values: Sequence[float]) -> list[list[tuple[Millis, float]]]:
    steps = sorted(after - before for before, after in pairwise(times))
    far = BROKEN * steps[len(steps) // 2] if steps else 0
    found: list[list[tuple[Millis, float]]] = []
    for at, value in zip(times, values, strict=True):
        if not math.isfinite(value):
            continue
        if not found or at - found[-1][-1][0] > far:
            found.append([])
        found[-1].append((at, value))
    return found


def _clock(at: Millis) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M}"


def _text(root: Tree.Element, kind: str, x: float, y: float, text: str, anchor: str = "start") -> None:
    given = {"class": kind, "x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor}
    Tree.SubElement(root, "text", given).text = clean(text)


def _line(root: Tree.Element, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
    Tree.SubElement(root, "line", {"class": kind, "x1": f"{x1:g}", "y1": f"{y1:g}", "x2": f"{x2:g}", "y2": f"{y2:g}"})


def _box(root: Tree.Element, kind: str, x: float, y: float, width: float, height: float) -> None:
    sides = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{max(0, width):g}", "height": f"{max(0, height):g}"}
    Tree.SubElement(root, "rect", {"class": kind, **sides})
