"""A stranger's text as it may go into a ticket: plain lines of limited length, whatever was in it."""

from __future__ import annotations

from engine.publish.texts.line import visible

CUT = " [...]"


def clean(text: str, limit: int) -> str:
    """Lines of visible characters: no control, format, direction or surrogate characters, at most ``limit`` in all.

    What is cut out is cut before the last line, which may be the mark by which a comment is found again.

    >>> clean("db\\x1b[31m\\u202e down\\r\\nnow", 100)
    'db[31m down\\nnow'
    >>> clean("one two three four\\n[mark]", 20)
    'one two [...]\\n[mark]'
    """
    head, mark = text[: 2 * limit], text.rpartition("\n")[2][-limit:]
    lines = "\n".join(map(visible, head.splitlines()))
    if len(head) == len(text) and len(lines) <= limit:
        return lines
    mark = visible(mark)
    room = limit - len(mark) - len(CUT) - 1
    if "\n" not in text or room < 0:
        return lines[: max(0, limit - len(CUT))].rstrip() + CUT
    return f"{lines[:room].rstrip()}{CUT}\n{mark}"
