"""The report as PDF. The same report gives the same bytes: the date in the file is the end of its period.

The standard fonts of PDF have the characters of Latin-1 (ISO 32000-1, annex D); others become a question mark here, and
are in the page and the table.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from api.governance.sections import Section, sections, summary, title
from api.plain import plain
from engine.governance.rows import GovernanceReport

_WORDS = str.maketrans({"–": "-", "—": "-", "→": "->", "…": "...", "≥": ">=", "≤": "<=", "’": "'", "“": '"', "”": '"'})
_SIZE = 8


class _Paper(FPDF):
    """With the number of each page."""

    def footer(self) -> None:
        """Below each page."""
        self.set_y(-10)
        self.set_font("Helvetica", size=7)
        self.cell(0, 5, f"{self.page_no()}", align="R")


def paper(found: GovernanceReport) -> bytes:
    """PDF, A4 landscape."""
    made = _Paper(orientation="landscape", format="A4")
    made.set_creation_date(datetime.fromtimestamp(found.until / 1000, UTC))
    made.set_title(latin(title(found)))
    made.set_lang("en")
    made.set_auto_page_break(auto=True, margin=14)
    made.add_page()
    made.set_font("Helvetica", style="B", size=15)
    made.cell(0, 10, latin(title(found)), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    made.set_font("Helvetica", size=9)
    for line in ("From the record as it was at the end of the period; times in UTC.", *summary(found)):
        made.multi_cell(0, 5, latin(line), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    for section in sections(found):
        _section(made, section)
    return bytes(made.output())


def _section(made: FPDF, section: Section) -> None:
    made.ln(4)
    made.set_font("Helvetica", style="B", size=11)
    made.cell(0, 7, latin(section.title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    made.set_font("Helvetica", size=_SIZE)
    if not section.rows:
        made.cell(0, 5, latin(section.empty), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        return
    widths = tuple(_width(section, place) for place in range(len(section.header)))
    with made.table(
        col_widths=widths, line_height=4, text_align="LEFT", headings_style=FontFace(emphasis="BOLD")
    ) as table:
        for row in (section.header, *section.rows):
            table.row([latin(cell) for cell in row])


def _width(section: Section, place: int) -> int:
    """By the longest text, within bounds, so that none takes all."""
    return max(10, min(50, *(max(len(row[place]) for row in (section.header, *section.rows)),) * 2))


def latin(text: str) -> str:
    """As the standard fonts can show it.

    >>> latin("a → b – ж")
    'a -> b - ?'
    """
    return plain(text).translate(_WORDS).encode("latin-1", "replace").decode("latin-1")
