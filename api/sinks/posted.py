"""What receivers by HTTP have in common: the guard for their URL, and where a secret URL comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from api.findings import Finding, Wrong
from api.sinks.declared import World

if TYPE_CHECKING:
    from engine.publish.egress import Egress
    from engine.publish.posting import Post


def egress(name: str, url: str, world: World, *, allow_private: bool) -> Egress:
    """A client for this one destination. Raises Wrong; the URL may be a secret and is not repeated."""
    from engine.publish.egress import EgressRefused

    try:
        return world.egress(url, allow_private=allow_private)
    except EgressRefused:
        raise Wrong([Finding("sinks", 0, f"{name}: its URL is not an http or https URL without a user")]) from None


def post(name: str, url: str, world: World, *, allow_private: bool, headers: Mapping[str, str] | None = None) -> Post:
    """POSTs to this one destination. Raises Wrong."""
    from engine.publish.posting import Post

    return Post(egress(name, url, world, allow_private=allow_private), world.clock, headers)
