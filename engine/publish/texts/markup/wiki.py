"""Atlassian's wiki notation, for Jira Data Center (https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa).

A backslash makes a special character plain. A heading or a quote is a word at the start of a line (``h1.``, ``bq.``),
which a space of no width keeps from being one.
"""

from __future__ import annotations

import re

from engine.publish.texts.markup.kind import Markup

SPECIAL = re.compile(r"[{}\[\]*_+^~?!|#\\@-]")
LEADING = re.compile(r"^(\s*)((?:h[1-6]|bq|fn\d*)\.)", re.IGNORECASE)


def escape(text: str) -> str:
    """One line of text as wiki notation.

    >>> escape("{code} h1. [~admin] *all clear*")
    '\\\\{code\\\\} h1. \\\\[\\\\~admin\\\\] \\\\*all clear\\\\*'
    """
    shown = SPECIAL.sub(r"\\\g<0>", text)
    return LEADING.sub("\\1\N{ZERO WIDTH SPACE}\\2", shown)


WIKI = Markup("wiki", escape, torn=re.compile(r"(?<!\\)(\\\\)*\\$"))
