"""The text of a log record, made safe to look at: cut, of one line's length, without control characters."""

from __future__ import annotations

import re

MOST = 4096
"""Characters of a message that are looked at; cut before any pattern runs."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]?|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)?|[ -~]?)")
"""Control sequences of terminals (ECMA-48 §5.4: CSI; §5.6: OSC), also broken ones."""
_CONTROL = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")


def cleaned(text: str) -> str:
    r"""At most `MOST` characters, without terminal sequences, control and direction characters and broken surrogates.

    >>> cleaned("\x1b[31mERROR\x1b[0m disk\tfull\x00")
    'ERROR disk full '
    """
    text = text[:MOST]
    if text.isprintable():
        return text
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    text = text.translate(_CONTROL)
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
