"""The report as one page of HTML that needs nothing else, and prints well."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.governance.sections import sections, summary, title
from api.plain import plain
from engine.governance.rows import GovernanceReport

STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #111; background: #fff; margin: 2rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 1rem; }
th, td { border: 1px solid #888; padding: .25rem .5rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
th { background: #eee; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { margin: 0; font-size: 10px; } thead { display: table-header-group; }
  tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
"""The content security policy of the page: its own style, and nothing else."""


def page(found: GovernanceReport) -> str:
    """HTML; every text in it is escaped."""
    values = {"title": title(found), "summary": summary(found), "sections": sections(found)}
    return _environment().get_template("report.html").render(**values, style=Markup(STYLE))  # noqa: S704 - our own


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("api.governance"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        auto_reload=False,
    )


def _final(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
