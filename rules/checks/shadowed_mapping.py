"""A template of the entity mapping that stands behind an equal one and is never asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.document import Document
from rules.errors import Problem

ID = "shadowed-mapping"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """The later of two equal templates; `{service}` and `service` are equal (a warning)."""
    for document in documents:
        mapping = document.value.get("mapping") if isinstance(document.value, dict) else None
        seen: dict[str, int] = {}
        for number, template in enumerate(mapping if isinstance(mapping, list) else ()):
            if not isinstance(template, str):
                continue
            plain = _plain(template)
            line = document.line(("mapping", number))
            if plain in seen:
                hint = f"line {seen[plain]} says the same; take one away"
                yield document.problem(("mapping", number), ID, f"{template!r} is never asked", hint, warning=True)
            seen.setdefault(plain, line)


def _plain(template: str) -> str:
    inner = template.removeprefix("{").removesuffix("}")
    return template if set(inner) & set("{}|") else inner
