"""Frames as text: CSV, JSON, Markdown, HTML. A stranger's text stays text in all of them.

A cell of a spreadsheet that begins with one of ``= + - @``, a tab or a line end may run as a formula, so such texts get
an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection); numbers are left alone.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Literal

import pandas as pd

Format = Literal["csv", "json", "html", "md"]
FORMATS: tuple[Format, ...] = ("csv", "json", "html", "md")
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.3rem .5rem}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def written(title: str, tables: Mapping[str, pd.DataFrame], form: Format) -> str:
    """All tables under one title; CSV has no title, and its tables are parted by empty lines."""
    shown = {name: _plain(frame) for name, frame in tables.items()}
    if form == "csv":
        return "\n".join(_guarded(frame).to_csv(index=False, lineterminator="\n") for frame in shown.values())
    if form == "json":
        records = {name: json.loads(frame.to_json(orient="records")) for name, frame in shown.items()}
        return json.dumps(records, indent=2)
    if form == "md":
        return "\n\n".join([f"# {_cell(title)}", *(f"## {name}\n\n{_markdown(one)}" for name, one in shown.items())])
    body = f"<h1>{html.escape(title)}</h1>"
    body += "".join(f"<h2>{html.escape(name)}</h2>{_table(one)}" for name, one in shown.items())
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += f"<title>{html.escape(title)}</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _table(frame: pd.DataFrame) -> str:
    return str(frame.to_html(index=False, na_rep="", escape=True))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Times as text, numbers with six digits."""
    found = frame.copy()
    for name in found.columns:
        if isinstance(found[name].dtype, pd.DatetimeTZDtype):
            found[name] = [one.isoformat().replace("+00:00", "Z") for one in found[name]]
        elif pd.api.types.is_float_dtype(found[name]):
            found[name] = [None if pd.isna(one) else float(f"{one:.6g}") for one in found[name]]
    return found


def _guarded(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(STARTS) else cell)


def _markdown(frame: pd.DataFrame) -> str:
    head = [str(name) for name in frame.columns]
    rows = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in frame.itertuples(index=False))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(html.escape(text).replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").split())
