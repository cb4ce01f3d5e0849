"""Terms from traces: self time up, network time up, errors up; and, with enough history, that spans flow as usual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.evidence.traces.store import Traces
from engine.evidence.traces.view import Finding, Look
from engine.evidence.verdict import Term
from engine.signals import Millis

GROUP = "traces"
DEVIATES = 5.0
"""Robust standard deviations from which a signal counts as deviating; as for series."""
RATIO = 1.5
"""Times the usual from which it matters …"""
ADDED = 1.0
"""… and by so many milliseconds per span, or …"""
ERRORS = 0.01
"""… by such a share of failed spans."""
EDGES_SHOWN = 3
FLOW_HISTORY, FLOW_MINUTES, FLOW_SPANS = 100, 5, 30
"""Spans before, over so many minutes, and spans in the window, without which normal flow says nothing."""
FLOW_LOG_ODDS = -0.5
"""A fault need not show in spans: that they flow is weak evidence against one."""
LOG_ODDS = {"self_time": 1.9, "network_time": 1.5, "errors": 1.9}


def deviates(found: Finding) -> bool:
    """Is it surely, relatively and absolutely above its own past? A comparison with peers is never sure enough."""
    if found.basis != "history" or found.score < DEVIATES or found.ratio < RATIO:
        return False
    return found.seen - found.usual >= (ERRORS if found.kind == "errors" else ADDED)


def trace_terms(traces: Traces, entity: str, since: Millis, until: Millis) -> Iterator[Term]:
    """What the spans of an entity say of an alert on it, in ``since … until`` (milliseconds)."""
    if entity not in traces.entities:
        return
    look = Look(traces, since, until)
    own = [found for found in (look.self_time(entity), look.errors(entity)) if found]
    edges = [(consumer, entity) for consumer in traces.consumers(entity)]
    edges += [(entity, provider) for provider in traces.providers(entity)]
    ways = [found for edge in edges if (found := look.network([edge], f"{edge[0]} → {edge[1]}"))]
    up = [found for found in own if deviates(found)]
    slow = sorted((found for found in ways if deviates(found)), key=lambda f: (-f.strength, f.subject))
    for found in up + slow[:EDGES_SHOWN]:
        yield Term(kind=f"{found.kind}_up", group=GROUP, log_odds=LOG_ODDS[found.kind], facts=facts(found))
    if not up and not slow and own and all(_flows(found) for found in own):
        yield Term(kind="spans_flow", group=GROUP, log_odds=FLOW_LOG_ODDS, facts=facts(own[0]))


def spans_deviate(traces: Traces, entity: str, since: Millis, until: Millis) -> bool:
    """Does an entity's own time, its failures or the network on the way to it deviate from what was before?"""
    if entity not in traces.entities:
        return False
    look = Look(traces, since, until)
    edges = [(consumer, entity) for consumer in traces.consumers(entity)]
    own = (look.self_time(entity), look.errors(entity), look.network(edges, entity))
    return any(found is not None and deviates(found) for found in own)


def facts(found: Finding) -> dict[str, Any]:
    """The evidence of a finding, as a term shows it."""
    said = msgspec.structs.asdict(found)
    if not found.most:
        del said["most"]
    return said


def _flows(found: Finding) -> bool:
    enough = found.history >= FLOW_HISTORY and found.minutes >= FLOW_MINUTES and found.spans >= FLOW_SPANS
    return enough and found.score < DEVIATES / 2
