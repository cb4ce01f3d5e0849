"""Plain text in the wiki markup of Jira Data Center, and back.

https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all : a backslash makes the character after it
an ordinary one, two of them are a line break, and entities stand for characters. An address still becomes a link to
itself, as it does in every plain text.
"""

from __future__ import annotations

import re

SPECIAL = frozenset("{}[]()*_+^~?!|#@")
LEADING = re.compile(r"^(h[1-6]|bq)\.", re.MULTILINE)
ESCAPED = re.compile(r"\\(.)|&(amp|#92|#46);", re.DOTALL)
ENTITIES = {"amp": "&", "#92": "\\", "#46": "."}


def escaped(text: str) -> str:
    r"""Text that renders as it is written.

    >>> escaped("{code}[x|http://h] checkout-api -gone-")
    '\\{code\\}\\[x\\|http://h\\] checkout-api \\-gone\\-'
    """
    out = []
    for at, char in enumerate(text):
        if char == "\\":
            out.append("&#92;")
        elif char == "&":
            out.append("&amp;")
        elif char in SPECIAL or (char == "-" and not _inside_word(text, at)):
            out.append("\\" + char)
        else:
            out.append(char)
    return LEADING.sub(r"\1&#46;", "".join(out))


def unescaped(text: str) -> str:
    r"""What was escaped, or a person's text without its escapes.

    >>> unescaped(escaped(r"h1. a\b & {c}"))
    'h1. a\\b & {c}'
    """
    return ESCAPED.sub(lambda found: found[1] or ENTITIES[found[2]], text)


def _inside_word(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()
