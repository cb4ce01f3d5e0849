"""GraphML (graphml.graphdrawing.org) through networkx. Documents with a DOCTYPE are refused, so nothing expands.

Node attributes named as an entity's fields are those fields, ``label`` is the name, others are facts. Edge attributes
are ``semantics``, ``factor``, ``buffer``, ``group``, ``weight``, ``need``, ``capacity``, ``timeout``, ``discovered``;
others are left out. An edge runs from the consumer to what it needs, unless the graph's attribute ``orientation`` says
``provider-consumer``. An undirected graph must say one or the other.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

import networkx as nx

from topology.draft import At, Draft
from topology.rows import EDGE, add_edge, add_entity

MAX_BYTES = 200_000_000
MAX_DEPTH = 100
ORIENTATIONS = ("consumer-provider", "provider-consumer")


def draft_graphml(draft: Draft, file: str, content: bytes) -> None:
    """Add one file to a draft."""
    places = _Places(draft, file)
    if not places.scan(content):
        return
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            graph: nx.Graph[str] = nx.read_graphml(BytesIO(content), force_multigraph=True)
    except (nx.NetworkXException, ParseError, ValueError, KeyError, TypeError) as error:
        draft.wrong(At(file, 1), f"not usable GraphML: {error}")
        return
    for message in warned:
        draft.wrong(At(file, 1), f"not usable GraphML: {message.message}")
    _draft_graph(draft, places, graph)


def _draft_graph(draft: Draft, places: _Places, graph: nx.Graph[str]) -> None:
    orientation = graph.graph.get("orientation", "")
    at = At(places.file, places.graph)
    if orientation not in ("", *ORIENTATIONS):
        draft.wrong(at, f"unknown orientation {str(orientation)[:80]!r}; one of {', '.join(ORIENTATIONS)}")
        return
    if not orientation and not graph.is_directed():
        draft.wrong(
            at,
            "the graph is undirected, so who needs whom is unknown",
            "declare edgedefault='directed', or a graph attribute 'orientation' with " + " or ".join(ORIENTATIONS),
        )
        return
    for id, attributes in graph.nodes(data=True):
        row = {str(key): _text(value) for key, value in attributes.items()}
        row["name"] = row.get("name") or row.pop("label", "")
        add_entity(draft, str(id), row, At(places.file, places.nodes.get(str(id), places.graph)))
    seen: dict[tuple[str, str], int] = {}
    for source, target, line in places.edges:
        pair = (source, target) if graph.is_directed() else (min(source, target), max(source, target))
        turn = seen[pair] = seen.get(pair, -1) + 1
        attributes = list(graph[source][target].values())[turn]
        row = {str(key): _text(value) for key, value in attributes.items() if key in EDGE}
        consumer, provider = (target, source) if orientation == ORIENTATIONS[1] else (source, target)
        add_edge(draft, consumer, provider, row, At(places.file, line))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()


class _Unsafe(Exception):
    """The document is not to be parsed."""


class _Places:
    """A first pass: is the document safe, and in which lines do its nodes and edges stand?"""

    def __init__(self, draft: Draft, file: str) -> None:
        self.file = file
        self.graph = 1
        self.nodes: dict[str, int] = {}
        self.edges: list[tuple[str, str, int]] = []
        self._draft = draft
        self._depth = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def scan(self, content: bytes) -> bool:
        """False, with the reason noted, when the document must not be parsed."""
        if len(content) > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES // 1_000_000} MB"
            self._draft.wrong(At(self.file, 1), message, "give large topologies as nodes.csv and edges.csv")
            return False
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            self._draft.wrong(At(self.file, error.lineno), f"not XML: {expat.ErrorString(error.code)}")
            return False
        except _Unsafe as unsafe:
            self._draft.wrong(At(self.file, self._parser.CurrentLineNumber), str(unsafe))
            return False
        return True

    def _doctype(self, *_: object) -> None:
        raise _Unsafe("documents with a DOCTYPE are refused")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Unsafe(f"nested more than {MAX_DEPTH} levels deep")
        line = self._parser.CurrentLineNumber
        match name.rpartition(" ")[2]:
            case "graph":
                self.graph = line
            case "node":
                id = attributes.get("id", "")
                if id in self.nodes:
                    message = f"the node {id[:80]!r} is declared twice; first in line {self.nodes[id]}"
                    self._draft.wrong(At(self.file, line), message)
                self.nodes.setdefault(id, line)
            case "edge":
                self.edges.append((attributes.get("source", ""), attributes.get("target", ""), line))

    def _end(self, _: str) -> None:
        self._depth -= 1
