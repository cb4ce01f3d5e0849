"""Dividing and joining series in the form that `engine.evidence.telemetry.Telemetry.packed` gives them.

Rows are moved column by column as bytes, whatever is in them. References (row, twice, plus 1 for wide series) are made
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.evidence.baselines.rings import Ints

Packed = dict[str, Any]
_NAMES = ("entity", "metric")


def divided(content: Packed, leaves: Callable[[str, str], bool]) -> tuple[Packed, Packed]:
    """(what stays, what leaves): ``leaves`` is asked with the entity and the key of each series."""
    names, tables = content["store"]["names"], content["store"]["tables"]
    asked = [
        [leaves(names[number], key) for number, key in zip(_ints(table, "entity"), table["keys"], strict=True)]
        for table in tables
    ]
    going = [np.flatnonzero(np.array(one, np.bool_)) for one in asked]
    staying = [np.flatnonzero(~np.array(one, np.bool_)) for one in asked]
    return _of(content, staying), _of(content, going)


def joined(one: Packed, other: Packed) -> Packed:
    """The series of both, which have none in common; limits and counters are those of ``one``."""
    stores = one["store"], other["store"]
    names = list(dict.fromkeys([*stores[0]["names"], *stores[1]["names"]]))
    number = {name: place for place, name in enumerate(names)}
    tables: list[Packed] = []
    refs: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for wide in (0, 1):
        pair = [dict(store["tables"][wide]["columns"]) for store in stores]
        for columns, store in zip(pair, stores, strict=True):
            for name in _NAMES:
                renamed = np.array([number[text] for text in store["names"]], np.int32)
                columns[name] = renamed[np.frombuffer(columns[name], np.int32)].tobytes()
        behind = stores[0]["season_rows"]
        season = np.frombuffer(pair[1]["season"], np.int32)
        pair[1]["season"] = np.where(season >= 0, season + behind, season).astype(np.int32).tobytes()
        keys = [*stores[0]["tables"][wide]["keys"], *stores[1]["tables"][wide]["keys"]]
        shift = len(stores[0]["tables"][wide]["keys"])
        for side, rows in ((0, shift), (1, len(keys) - shift)):
            refs[side].update({2 * row + wide: 2 * (row + side * shift) + wide for row in range(rows)})
        tables.append({
            "keys": keys, "columns": {name: pair[0][name] + pair[1][name] for name in pair[0]},
            "too_late": stores[0]["tables"][wide]["too_late"],
        })  # fmt: skip
    ended = [(refs[side][ref], at) for side in (0, 1) for ref, at in stores[side]["ended"]]
    store = {
        **stores[0], "names": names, "tables": tables, "ended": sorted(ended),
        "seasons": {name: column + stores[1]["seasons"][name] for name, column in stores[0]["seasons"].items()},
        "season_rows": stores[0]["season_rows"] + stores[1]["season_rows"],
    }  # fmt: skip
    both = (one, other)
    tracks = {
        "refs": [refs[side][ref] for side in (0, 1) for ref in both[side]["tracks"]["refs"]],
        "columns": {
            name: column + other["tracks"]["columns"][name] for name, column in one["tracks"]["columns"].items()
        },
    }
    watched = [(refs[side][ref], told) for side in (0, 1) for ref, told in both[side]["watched"]]
    return {**one, "store": store, "watched": watched, "tracks": tracks}


def keys(content: Packed) -> set[str]:
    """The keys of all series."""
    return {key for table in content["store"]["tables"] for key in table["keys"]}


def _of(content: Packed, kept: Sequence[Ints]) -> Packed:
    """The series in these rows of the two tables."""
    store = content["store"]
    refs: dict[int, int] = {}
    tables, held = [], []
    for wide, (table, rows) in enumerate(zip(store["tables"], kept, strict=True)):
        total = len(table["keys"])
        columns = {name: _rows(column, total, rows) for name, column in table["columns"].items()}
        season = np.frombuffer(columns["season"], np.int32).copy()
        known = np.flatnonzero(season >= 0)
        held.append(season[known].astype(np.int64))
        season[known] = np.arange(len(known)) + sum(map(len, held[:-1]))
        columns["season"] = season.tobytes()
        tables.append({**table, "keys": [table["keys"][row] for row in rows.tolist()], "columns": columns})
        refs.update({2 * row + wide: 2 * place + wide for place, row in enumerate(rows.tolist())})
    pool = np.concatenate(held)
    there = [place for place, ref in enumerate(content["tracks"]["refs"]) if ref in refs]
    tracks = content["tracks"]
    return {
        **content,
        "store": {
            **store, "tables": tables, "ended": [(refs[ref], at) for ref, at in store["ended"] if ref in refs],
            "seasons": {name: _rows(c, store["season_rows"], pool) for name, c in store["seasons"].items()},
            "season_rows": len(pool),
        },
        "watched": [(refs[ref], told) for ref, told in content["watched"] if ref in refs],
        "tracks": {
            "refs": [refs[tracks["refs"][place]] for place in there],
            "columns": {
                name: _rows(column, len(tracks["refs"]), np.array(there, np.int64))
                for name, column in tracks["columns"].items()
            },
        },
    }  # fmt: skip


def _rows(column: bytes, total: int, rows: Ints) -> bytes:
    if not total:
        return b""
    return np.frombuffer(column, np.uint8).reshape(total, -1)[rows].tobytes()


def _ints(table: Mapping[str, Any], name: str) -> list[int]:
    found: list[int] = np.frombuffer(table["columns"][name], np.int32).tolist()
    return found
