"""Templates of log lines: Drain's parse tree of fixed depth, bounded.

P. He, J. Zhu, Z. Zheng, M. R. Lyu: Drain, an online log parsing approach with fixed depth tree, ICWS 2017. A line goes
down the tree by its number of tokens and its first ones (a masked token is the wildcard) to a leaf, and there to the
template that is most similar, if that is similar enough; tokens in which the two differ become wildcards. A node with
too many children sends what is new to its wildcard child. Beyond the bound the template that was used longest ago goes.

The tree is kept as two flat dictionaries (path to templates, path to children), so that it is plain data. Which lines
share a template depends on the order of arrival; therefore templates are for people, verdicts rest on `kinds`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import xxhash

DEPTH = 4
"""Levels of the tree with its root and its leaves: the number of tokens and the first two of them lead to a leaf."""
SIMILAR = 0.5
"""Share of equal tokens from which a line belongs to a template; the paper's tables have 0.3 to 0.7."""
MOST_CHILDREN = 24
MOST_TEMPLATES = 64
"""Of one entity."""
ANY = "<*>"
_BETWEEN = "\x1f"


class Template(msgspec.Struct, array_like=True):
    """``id`` is made of the first line's content; ``used`` is a count of lines, not a time."""

    id: str
    tokens: list[str]
    leaf: str
    used: int = 0

    @property
    def text(self) -> str:
        """Tokens and wildcards."""
        return " ".join(self.tokens)


class Drain(msgspec.Struct):
    """The tree of one entity: templates by id, ids by leaf, children by inner node."""

    templates: dict[str, Template] = {}
    leaves: dict[str, list[str]] = {}
    children: dict[str, list[str]] = {}
    taken: int = 0
    evicted: int = 0

    def add(self, tokens: Sequence[str]) -> str:
        """The id of the template that a masked line belongs to, which may be new."""
        self.taken += 1
        leaf = self._leaf(tokens)
        found = self._most_similar(leaf, tokens)
        if found is None:
            found = self._new(leaf, tokens)
        else:
            mine = found.tokens
            for place, token in enumerate(tokens):
                if mine[place] != token:
                    mine[place] = ANY
        found.used = self.taken
        return found.id

    def _leaf(self, tokens: Sequence[str]) -> str:
        path = str(len(tokens))
        for token in tokens[: DEPTH - 2]:
            key = ANY if "<" in token else token
            known = self.children.setdefault(path, [])
            if key != ANY and key not in known:
                if len(known) < MOST_CHILDREN:
                    known.append(key)
                else:
                    key = ANY
            path = f"{path}{_BETWEEN}{key}"
        return path

    def _most_similar(self, leaf: str, tokens: Sequence[str]) -> Template | None:
        best, most = None, (0.0, 0)
        for id in self.leaves.get(leaf, ()):
            template = self.templates[id]
            equal = sum(map(str.__eq__, template.tokens, tokens))
            wild = template.tokens.count(ANY)
            score = (equal / (len(tokens) or 1), wild)
            if score > most or best is None:
                best, most = template, score
        return best if best is not None and (most[0] >= SIMILAR or not tokens) else None

    def _new(self, leaf: str, tokens: Sequence[str]) -> Template:
        if len(self.templates) >= MOST_TEMPLATES:
            self._evict()
        id = xxhash.xxh3_64_hexdigest(_BETWEEN.join(tokens).encode())
        while id in self.templates:  # its first line is the same, but it has become another since
            id = xxhash.xxh3_64_hexdigest(id.encode())
        self.templates[id] = template = Template(id, list(tokens), leaf)
        self.leaves.setdefault(leaf, []).append(id)
        return template

    def _evict(self) -> None:
        oldest = min(self.templates.values(), key=lambda template: template.used)
        del self.templates[oldest.id]
        ids = self.leaves[oldest.leaf]
        ids.remove(oldest.id)
        self.evicted += 1
        if not ids:
            del self.leaves[oldest.leaf]
            self._forget_path(oldest.leaf)

    def _forget_path(self, leaf: str) -> None:
        """Children that lead to no leaf any more make room for others."""
        path, _, key = leaf.rpartition(_BETWEEN)
        while path:
            if key in (known := self.children.get(path, [])):
                known.remove(key)
            if known or any(other.startswith(path + _BETWEEN) for other in self.leaves):
                return
            self.children.pop(path, None)
            path, _, key = path.rpartition(_BETWEEN)
