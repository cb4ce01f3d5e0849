"""Not a format: what a source notes down in place of a record that was too large to take. Never decodes."""

from __future__ import annotations

from engine.ports import Decoded, Reject

FORMAT = "oversized"
KEPT = 64 * 1024
"""Bytes of the record that are kept for a person to look at."""


def decode(body: bytes) -> Decoded:
    """Always one reject."""
    return Decoded((), (Reject("", f"the record is over the size limit; its first {len(body)} bytes are kept", body),))
