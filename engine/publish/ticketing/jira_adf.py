"""Plain text in the Atlassian Document Format, and back.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/ : a tree of nodes in JSON. Text nodes are
never read as markup, so nothing has to be escaped; a text node must not be empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BLOCKS = frozenset({"paragraph", "heading", "blockquote", "codeBlock", "panel", "listItem", "tableCell", "tableHeader"})
DEPTH = 50
"""Levels of nesting that are read; deeper text is left out."""

Node = Mapping[str, Any]


def document(text: str) -> dict[str, Any]:
    """Paragraphs where a line is empty, hard breaks where one ends.

    >>> document("down\\nsince noon")["content"][0]["content"][1]
    {'type': 'hardBreak'}
    """
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in text.split("\n\n")]}


def text_of(value: object) -> str:
    """What a document says, as plain text. A plain string, as older versions of the API have it, is taken as it is.

    >>> text_of(document("down\\n\\nsince\\nnoon"))
    'down\\n\\nsince\\nnoon'
    """
    if isinstance(value, str):
        return value
    return "".join(_said(value, 0)).removesuffix("\n\n")


def _paragraph(part: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for number, line in enumerate(part.split("\n")):
        content += [{"type": "hardBreak"}] if number else []
        content += [{"type": "text", "text": line}] if line else []
    return {"type": "paragraph", "content": content} if content else {"type": "paragraph"}


def _said(node: object, depth: int) -> Iterator[str]:
    if not isinstance(node, dict) or depth > DEPTH:
        return
    kind = node.get("type")
    if kind == "text":
        yield str(node.get("text", ""))
    elif kind == "hardBreak":
        yield "\n"
    else:
        yield _named(node.get("attrs"))
        content = node.get("content")
        for child in content if isinstance(content, list) else ():
            yield from _said(child, depth + 1)
        if kind in BLOCKS:
            yield "\n\n"


def _named(attrs: object) -> str:
    """Mentions, emoji and cards carry their words in attributes."""
    if not isinstance(attrs, dict):
        return ""
    return next((str(attrs[key]) for key in ("text", "shortName", "url") if isinstance(attrs.get(key), str)), "")
