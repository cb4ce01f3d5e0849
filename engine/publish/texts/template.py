"""Templates of an operator: ``$field`` and ``${field}``, ``$$`` for a dollar sign, and nothing else.

A line whose fields are all empty is left out. Only the operator's own text is markup; what fields hold is escaped.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from engine.publish.texts.fields import FIELDS
from engine.publish.texts.markup.kind import Markup

LONGEST = 20_000
"""Characters of a template."""
MOST = 200
"""Fields in a template: with their lengths it bounds what can come of it."""


class Pattern(string.Template):
    """One line of a template."""

    idpattern = "[a-z][a-z_]*"
    flags = 0  # type: ignore[assignment]  # names are lower case; the stub knows only the default


def problems(text: str) -> Iterator[str]:
    """Everything that is wrong with a template, with the line in it."""
    if len(text) > LONGEST:
        yield f"longer than {LONGEST:,} characters"
        return
    used = 0
    for number, line in enumerate(text.split("\n"), 1):
        for found in Pattern.pattern.finditer(line):
            name = found["named"] or found["braced"]
            used += bool(name)
            if found["invalid"] is not None:
                yield f"line {number} of the template: a $ that begins no field; write $$ for a dollar sign"
            elif name and name not in FIELDS:
                near = get_close_matches(name, FIELDS, 1)
                mend = f"did you mean {near[0]}?" if near else "docs/messages.md lists them all"
                yield f"line {number} of the template: there is no field {name!r}; {mend}"
    if used > MOST:
        yield f"more than {MOST} fields"


def fill(text: str, values: Mapping[str, str], markup: Markup) -> str:
    """The template with its fields filled in. ``text`` has no `problems`."""
    escaped = {name: markup.lines(value) for name, value in values.items()}
    shown = []
    for line in text.rstrip("\n").split("\n"):
        pattern = Pattern(line)
        names = pattern.get_identifiers()
        if not names or any(values[name] for name in names):
            shown.append(pattern.substitute(escaped))
    return "\n".join(shown)
