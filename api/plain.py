"""A stranger's text on a screen and in a spreadsheet: data, whatever it says.

Control characters (ANSI sequences begin with one) and those that turn the direction of writing become a visible sign;
what is longer than anybody reads is cut. Escaping markup is the template engine's part, and happens everywhere.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

SIGN = "\ufffd"
LONGEST = 600
"""Characters of one value that are shown."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_FORMULA = re.compile("^[\\s]*[=+\\-@\uff1d\uff0b\uff0d\uff20|%]")


def plain(text: str, most: int = LONGEST) -> str:
    """As it may be shown.

    >>> plain("a\\x1b[31mred"), plain("x" * 9, 4)
    ('a�[31mred', 'xxx…')
    """
    shown = text if len(text) <= most else text[: most - 1] + "…"
    return _UNSEEN.sub(SIGN, shown)


def cell(value: object) -> str:
    """As a cell that no spreadsheet takes for a formula: such texts begin with an apostrophe (CWE-1236).

    >>> cell("=1+1"), cell(-3), cell("db-1")
    ("'=1+1", '-3', 'db-1')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    shown = plain(value, 32_000)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()
