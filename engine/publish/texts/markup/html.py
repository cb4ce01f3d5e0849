"""HTML, for mail. What is escaped is safe as text and inside a quoted attribute."""

from __future__ import annotations

import html
import re

from engine.publish.texts.markup.kind import Markup


def escape(text: str) -> str:
    """Text as HTML.

    >>> escape('<b onclick="x">&')
    '&lt;b onclick=&quot;x&quot;&gt;&amp;'
    """
    return html.escape(text, quote=True)


HTML = Markup("html", escape, "<br>\n", re.compile(r"&[#a-z0-9]{0,6}$"))
